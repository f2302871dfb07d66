// Two kinds of wrong: ours is an assertion that stays on in production; the caller's or the world's is a typed error.

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws an AssertionError unless `condition` holds. For programming mistakes only, never for bad input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
