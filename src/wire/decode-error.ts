/** Bytes or text that do not hold what they should: the sender's mistake, worded for the sender. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  /** Where in the text or bytes, counted from 0, when known. */
  readonly position: number | undefined;

  constructor(message: string, position?: number) {
    super(message);
    this.position = position;
  }
}
