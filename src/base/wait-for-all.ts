/** Like Promise.all, but rejects, with the first of the errors in their order, only when nothing is under way any more. */
export async function waitForAll<Value>(promises: readonly Promise<Value>[]): Promise<readonly Value[]> {
  const values: Value[] = [];
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === "rejected") throw outcome.reason;
    values.push(outcome.value);
  }
  return values;
}
