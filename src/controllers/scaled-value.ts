// A number of Pods given as such or as a share of a total: 3, "25%".

/** `value` of `total`, rounded where it is a share. What is neither a number nor a percentage counts as 0. */
export function scaledValue(value: number | string | undefined, total: number, round: "up" | "down"): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  const percent = /^(\d{1,9})%$/.exec(value)?.[1];
  if (percent === undefined) return 0;
  const share = Number(percent) * total;
  return round === "up" ? Math.ceil(share / 100) : Math.floor(share / 100);
}
