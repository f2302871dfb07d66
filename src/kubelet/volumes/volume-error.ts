/** The volume cannot be made or filled; the message is what the FailedMount event says. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
}
