/** Whether two decoded values say the same: a field that is absent and one that is undefined are one; the order of keys does not matter. */
export function deepEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) {
    return typeof left === "number" && typeof right === "number" && Number.isNaN(left) && Number.isNaN(right);
  }
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    for (let index = 0; index < left.length; index++) if (!deepEqual(left[index], right[index])) return false;
    return true;
  }
  return contains(left, right) && lacksOnlyUndefined(right, left);
}

/** Whether every member of `left` is in `right` as well. */
function contains(left: object, right: object): boolean {
  for (const key of Object.keys(left)) {
    const value = (left as Record<string, unknown>)[key];
    const other = Object.hasOwn(right, key) ? (right as Record<string, unknown>)[key] : undefined;
    if (!deepEqual(value, other)) return false;
  }
  return true;
}

function lacksOnlyUndefined(left: object, right: object): boolean {
  for (const key of Object.keys(left)) {
    if (!Object.hasOwn(right, key) && (left as Record<string, unknown>)[key] !== undefined) return false;
  }
  return true;
}
