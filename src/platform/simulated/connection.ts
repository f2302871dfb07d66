// A connection between two simulated machines: two paths, and the byte streams at its ends.
import type { ByteStream } from "#wire/http/stream.ts";
import { NetworkError } from "../network.ts";
import { unbounded } from "./channel.ts";
import type { Channel } from "./channel.ts";
import { Path } from "./fabric.ts";
import type { Fabric, Machine } from "./fabric.ts";

const highWaterBytes = 256 * 1024;

/** `client` and `server` call each other through `toServer` and `toClient`; `broken` hears once when the fabric breaks the connection. */
export class Connection {
  readonly toServer: Path;
  readonly toClient: Path;
  readonly broken: ((error: NetworkError) => void)[] = [];
  readonly #unregister: () => void;
  #open = true;

  constructor(fabric: Fabric, client: Machine, server: Machine) {
    const lost = () => this.break(new NetworkError("ETIMEDOUT", "read ETIMEDOUT"));
    this.toServer = new Path(fabric, client, server, lost);
    this.toClient = new Path(fabric, server, client, lost);
    this.#unregister = fabric.register({ between: [client, server], break: (error) => this.break(error) });
  }

  break(error: NetworkError): void {
    if (!this.#open) return;
    this.close();
    for (const hear of this.broken) hear(error);
  }

  /** The connection is over as far as its ends are concerned. */
  close(): void {
    this.#open = false;
    this.#unregister();
    this.toServer.drop();
    this.toClient.drop();
  }
}

/** The two ends of a raw connection. */
export function streamPair(connection: Connection): { client: SimulatedStream; server: SimulatedStream } {
  const client = new SimulatedStream(connection.toServer);
  const server = new SimulatedStream(connection.toClient);
  client.join(server);
  server.join(client);
  connection.broken.push((error) => {
    client.failed(error);
    server.failed(error);
  });
  void Promise.all([client.closed, server.closed]).then(() => connection.close());
  return { client, server };
}

export class SimulatedStream implements ByteStream {
  readonly incoming: AsyncIterable<Uint8Array>;
  readonly closed: Promise<void>;
  readonly #path: Path;
  readonly #channel: Channel<Uint8Array>;
  #peer: SimulatedStream | undefined;
  #unreadBytes = 0;
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #writable = true;
  #readable = true;
  #close: () => void = () => {};

  constructor(path: Path) {
    this.#path = path;
    this.#channel = unbounded({
      taken: (chunk) => this.#peer?.read(chunk.length),
      left: () => this.destroy(),
    });
    this.incoming = this.#channel.items;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  join(peer: SimulatedStream): void {
    this.#peer = peer;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#writable) throw new NetworkError("EPIPE", "write EPIPE");
    if (bytes.length === 0) return;
    const copy = bytes.slice();
    this.#unreadBytes += copy.length;
    this.#path.send(() => this.#peer?.received(copy));
    if (this.#unreadBytes > highWaterBytes) await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  end(): void {
    if (!this.#writable) return;
    this.#writable = false;
    this.#path.send(() => this.#peer?.finished());
    this.#settle();
  }

  destroy(reason?: Error): void {
    if (!this.#writable && !this.#readable) return;
    this.failed(reason);
    this.#path.send(() => (reason ? this.#peer?.failed(new NetworkError("ECONNRESET", "read ECONNRESET")) : this.#peer?.abandoned()));
  }

  /** The peer's bytes have come. */
  received(bytes: Uint8Array): void {
    if (this.#channel.ended) this.#peer?.read(bytes.length);
    else this.#channel.push(bytes);
  }

  /** The peer has read some of our bytes. */
  read(length: number): void {
    this.#unreadBytes -= length;
    if (this.#unreadBytes > highWaterBytes) return;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** The peer has ended its side. */
  finished(): void {
    this.#readable = false;
    this.#channel.close();
    this.#settle();
  }

  /** The peer is gone without a word of complaint: reading ends, writing fails. */
  abandoned(): void {
    this.#refuseWrites(new NetworkError("EPIPE", "write EPIPE"));
    this.finished();
  }

  failed(error: Error | undefined): void {
    this.#readable = false;
    if (error) this.#channel.fail(error);
    else this.#channel.close();
    this.#refuseWrites(error ?? new NetworkError("EPIPE", "write EPIPE"));
    this.#settle();
  }

  #refuseWrites(error: Error): void {
    this.#writable = false;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #settle(): void {
    if (!this.#readable && !this.#writable) this.#close();
  }
}
