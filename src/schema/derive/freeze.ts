// Decoded objects are shared, so nobody may change them. Types say so; while developing and testing, freezing makes sure of it.
let freezing = false;

/** Turns freezing on, for tests and `keelson dev`. It costs too much to be always on. */
export function freezeObjects(on: boolean): void {
  freezing = on;
}

/** Freezes the value at every depth when freezing is on. Returns the value. */
export function freezeDeep<T>(value: T): T {
  if (freezing) freezeAll(value);
  return value;
}

function freezeAll(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const member of Object.values(value)) freezeAll(member);
}
