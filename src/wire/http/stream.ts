// A connection's two directions as a value: what sockets, pipes, upgraded HTTP and simulated links all look like.

export interface ByteStream {
  /** Chunks as they come; ends when the peer closed its side. Can be iterated once. */
  readonly incoming: AsyncIterable<Uint8Array>;
  /** Resolves when the peer can take more (back-pressure). Rejects when the connection is gone. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes our side after what was written; the peer's side stays open. */
  end(): void;
  /** Drops the connection both ways at once. */
  destroy(reason?: Error): void;
  /** Resolves when both directions are closed, however that came about. */
  readonly closed: Promise<void>;
}
