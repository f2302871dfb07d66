// The network of one simulated machine: what listens on it, and how it reaches the others through the fabric.
import { assert } from "#base/assert.ts";
import type { Scope } from "#base/scope.ts";
import type { HttpHandler, Peer } from "#wire/http/message.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import type { Log } from "../log.ts";
import { GrpcError, NetworkError } from "../network.ts";
import type {
  ClientRequest,
  Datagram,
  DatagramSocket,
  GrpcChannel,
  HttpClient,
  HttpClientOptions,
  Listener,
  Network,
  ServeOptions,
  ServerTls,
} from "../network.ts";
import { Connection, streamPair } from "./connection.ts";
import type { SimulatedCrypto } from "./crypto.ts";
import { isLoopback } from "./fabric.ts";
import type { Fabric, Machine } from "./fabric.ts";
import { exchange } from "./http.ts";
import type { Answer, Serving } from "./http.ts";
import { handshake } from "./tls.ts";

/** What stands behind `grpc(target)`: the simulation has no gRPC bytes. */
export interface SimulatedGrpcServer {
  call(path: string, message: Uint8Array): Promise<Uint8Array>;
  stream(path: string, message: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

interface HttpServer {
  readonly kind: "http";
  readonly serving: Serving;
  tls: ServerTls | undefined;
}
interface StreamServer {
  readonly kind: "stream";
  readonly accept: (stream: ByteStream, address: string) => void;
}
type Bound = (HttpServer | StreamServer) & { readonly host: string; readonly port: number };

interface BoundDatagrams {
  readonly host: string;
  readonly port: number;
  readonly received: (datagram: Datagram) => void;
}

/** Where a connection leads: the machine, and the address and port it was asked for. */
interface Target {
  readonly machine: Machine;
  readonly address: string;
  readonly port: number;
}

const networks = new WeakMap<Machine, SimulatedNetwork>();
const unreachableMilliseconds = 3_000;
const connectMilliseconds = 130_000;
const headMilliseconds = 30_000;

export class SimulatedNetwork implements Network {
  readonly machine: Machine;
  readonly #fabric: Fabric;
  readonly #crypto: SimulatedCrypto;
  readonly #log: Log;
  readonly #bound = new Set<Bound>();
  readonly #sockets = new Map<string, StreamServer>();
  readonly #datagrams = new Set<BoundDatagrams>();
  readonly #grpc = new Map<string, SimulatedGrpcServer>();
  #nextListenPort = 32_768;
  #nextClientPort = 40_000;

  constructor(machine: Machine, fabric: Fabric, crypto: SimulatedCrypto, log: Log) {
    this.machine = machine;
    this.#fabric = fabric;
    this.#crypto = crypto;
    this.#log = log;
    networks.set(machine, this);
  }

  async serve(scope: Scope, options: ServeOptions, handler: HttpHandler): Promise<Listener> {
    const serving: Serving = { handler, log: this.#log, running: new Set() };
    const bound: Bound & HttpServer = { kind: "http", serving, tls: options.tls, host: options.host, port: this.#freePort(options) };
    this.#checkTls(options.tls);
    this.#bound.add(bound);
    const close = async (graceMilliseconds: number) => {
      this.#bound.delete(bound);
      const deadline = this.#fabric.clock.monotonic() + graceMilliseconds;
      while (serving.running.size > 0 && this.#fabric.clock.monotonic() < deadline) {
        await new Promise<void>((resolve) => this.#fabric.clock.timer(Math.min(50, deadline - this.#fabric.clock.monotonic()), resolve));
      }
      for (const request of [...serving.running]) request.drop();
    };
    scope.defer(`close ${options.host}:${bound.port}`, () => close(0));
    return {
      host: options.host,
      port: bound.port,
      reload: (tls) => {
        this.#checkTls(tls);
        bound.tls = tls;
      },
      close,
    };
  }

  client(options: HttpClientOptions): HttpClient {
    const url = new URL(options.url);
    const secure = url.protocol === "https:";
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = Number(url.port || (secure ? 443 : 80));
    const ownPort = this.#nextClientPort++;
    const open = new Set<AbortController>();

    const send = async (request: ClientRequest, upgrade: boolean): Promise<Answer> => {
      const timeout = request.timeoutMilliseconds ?? headMilliseconds;
      const controller = new AbortController();
      const abort = () => controller.abort(request.signal?.reason);
      if (request.signal?.aborted) abort();
      request.signal?.addEventListener("abort", abort, { once: true });
      open.add(controller);
      const late = () => controller.abort(new NetworkError("ETIMEDOUT", `no answer from ${host}:${port} within ${timeout} ms`));
      const timer = timeout > 0 ? this.#fabric.clock.timer(timeout, late) : undefined;
      const ended = () => {
        open.delete(controller);
        request.signal?.removeEventListener("abort", abort);
      };
      try {
        const target = await this.#target(host, port, controller.signal);
        const connection = new Connection(this.#fabric, this.machine, target.machine);
        const accept = () => {
          const server = networkOf(target.machine).#serverAt(target);
          if (!server) return { refused: refusal(target) };
          if (server.kind !== "http") return { refused: new NetworkError("EPROTO", "the peer does not speak HTTP") };
          const address = `${this.#sourceAddress(target.address)}:${ownPort}`;
          const peer = secureOrPlain(secure, server.tls, options, host, address, this.#crypto, this.#fabric.clock.now());
          return peer instanceof NetworkError ? { refused: peer } : { serving: server.serving, peer };
        };
        return await exchange(connection, { ...request, upgrade, signal: controller.signal }, accept, ended);
      } catch (error) {
        ended();
        throw error;
      } finally {
        timer?.cancel();
      }
    };

    return {
      request: async (request) => {
        const answer = await send(request, false);
        assert("response" in answer, "a plain request is not upgraded");
        return answer.response;
      },
      upgrade: async (request) => {
        const answer = await send(request, true);
        return "response" in answer ? { refused: answer.response } : answer;
      },
      close: () => {
        for (const controller of open) controller.abort(new NetworkError("ECONNRESET", "the client was closed"));
        open.clear();
      },
    };
  }

  async connect(
    to: { host: string; port: number } | { path: string },
    options: { timeoutMilliseconds?: number } = {},
  ): Promise<ByteStream> {
    const controller = new AbortController();
    const timeout = options.timeoutMilliseconds ?? connectMilliseconds;
    const name = "path" in to ? to.path : `${to.host}:${to.port}`;
    const timer = this.#fabric.clock.timer(timeout, () => controller.abort(new NetworkError("ETIMEDOUT", `connect ETIMEDOUT ${name}`)));
    try {
      const target = "path" in to ? undefined : await this.#target(to.host, to.port, controller.signal);
      return await this.#open(target, "path" in to ? to.path : undefined, controller.signal);
    } finally {
      timer.cancel();
    }
  }

  async listen(
    scope: Scope,
    at: { host: string; port: number } | { path: string },
    accept: (stream: ByteStream, address: string) => void,
  ): Promise<{ host: string; port: number; close(): Promise<void> }> {
    if ("path" in at) {
      if (this.#sockets.has(at.path)) throw new NetworkError("EADDRINUSE", `listen EADDRINUSE: address already in use ${at.path}`);
      this.#sockets.set(at.path, { kind: "stream", accept });
      const close = async () => void this.#sockets.delete(at.path);
      scope.defer(`close ${at.path}`, close);
      return { host: at.path, port: 0, close };
    }
    const bound: Bound = { kind: "stream", accept, host: at.host, port: this.#freePort(at) };
    this.#bound.add(bound);
    const close = async () => void this.#bound.delete(bound);
    scope.defer(`close ${at.host}:${bound.port}`, close);
    return { host: at.host, port: bound.port, close };
  }

  async datagrams(scope: Scope, at: { host: string; port: number }, received: (datagram: Datagram) => void): Promise<DatagramSocket> {
    const port = at.port || this.#nextListenPort++;
    const taken = [...this.#datagrams].some((other) => other.port === port && overlaps(other.host, at.host));
    if (taken) throw new NetworkError("EADDRINUSE", `bind EADDRINUSE ${at.host}:${port}`);
    const bound: BoundDatagrams = { host: at.host, port, received };
    this.#datagrams.add(bound);
    const close = () => void this.#datagrams.delete(bound);
    scope.defer(`close datagrams ${at.host}:${port}`, close);
    const send = (bytes: Uint8Array, host: string, toPort: number) => {
      const to = this.#fabric.machineAt(host, this.machine);
      if (!to || this.#fabric.isLost(this.machine, to)) return;
      const datagram = { bytes: bytes.slice(), host: isAny(at.host) ? this.#sourceAddress(host) : at.host, port };
      const arrive = () => networkOf(to).#receive(datagram, host, toPort);
      const delay = this.#fabric.draw(this.machine, to);
      if (delay === 0) queueMicrotask(arrive);
      else this.#fabric.clock.timer(delay, arrive);
    };
    return { host: at.host, port, send, close };
  }

  grpc(target: string): GrpcChannel {
    const server = () => {
      const found = this.#grpc.get(target);
      if (!found) throw new GrpcError(14, `connection error: nothing listens at ${target}`);
      return found;
    };
    return {
      call: async (path, message) => server().call(path, message),
      stream: (path, message, options) => server().stream(path, message, options?.signal ?? new AbortController().signal),
      duplex: () => {
        throw new GrpcError(12, "streams both ways are not simulated");
      },
      close: () => {},
    };
  }

  /** Puts `server` behind `target` on this machine; undefined takes it away, so that calls find nothing there. */
  setGrpc(target: string, server: SimulatedGrpcServer | undefined): void {
    if (server) this.#grpc.set(target, server);
    else this.#grpc.delete(target);
  }

  hostname(): string {
    return this.machine.name;
  }

  addresses(): ReturnType<Network["addresses"]> {
    const own = this.machine.addresses[0] as string;
    return [
      { interface: "lo", address: "127.0.0.1", prefix: 8, family: 4, internal: true, hardware: "00:00:00:00:00:00" },
      {
        interface: "eth0",
        address: own,
        prefix: own.includes(":") ? 64 : 24,
        family: own.includes(":") ? 6 : 4,
        internal: false,
        hardware: "02:00:00:00:00:01",
      },
    ];
  }

  async resolve(name: string): Promise<readonly string[]> {
    return this.#fabric.resolve(name);
  }

  /** Everything that listens here is gone, as after a power cut. Connections are broken by the fabric's `reset`. */
  crash(): void {
    this.#bound.clear();
    this.#sockets.clear();
    this.#datagrams.clear();
    this.#fabric.reset(this.machine.name);
  }

  async #target(host: string, port: number, signal: AbortSignal): Promise<Target> {
    const address = this.#fabric.resolve(host)[0] as string;
    const machine = this.#fabric.machineAt(address, this.machine);
    if (machine) return { machine, address, port };
    await abortable(signal, (resolve) => this.#fabric.clock.timer(unreachableMilliseconds, resolve));
    throw new NetworkError("EHOSTUNREACH", `connect EHOSTUNREACH ${address}:${port}`);
  }

  async #open(target: Target | undefined, path: string | undefined, signal: AbortSignal): Promise<ByteStream> {
    const machine = target?.machine ?? this.machine;
    const connection = new Connection(this.#fabric, this.machine, machine);
    const opened = new Promise<ByteStream>((resolve, reject) => {
      signal.addEventListener("abort", () => {
        connection.close();
        reject(signal.reason instanceof Error ? signal.reason : new NetworkError("ABORT_ERR", "the connection was aborted"));
      });
      connection.broken.push(reject);
      connection.toServer.send(() => {
        const server = target ? networkOf(machine).#serverAt(target) : this.#sockets.get(path as string);
        if (!server) {
          const error = target ? refusal(target) : new NetworkError("ENOENT", `connect ENOENT ${path}`);
          connection.toClient.send(() => reject(error));
          return;
        }
        const { client, server: served } = streamPair(connection);
        connection.toClient.send(() => resolve(client));
        if (server.kind === "stream")
          server.accept(served, target ? `${this.#sourceAddress(target.address)}:${this.#nextClientPort++}` : "unix");
        else void refuseBytes(served);
      });
    });
    return opened;
  }

  #serverAt(target: Target): Bound | undefined {
    return [...this.#bound].find((bound) => bound.port === target.port && answersAt(bound.host, target.address));
  }

  #receive(datagram: Datagram, host: string, port: number): void {
    for (const bound of this.#datagrams) if (bound.port === port && answersAt(bound.host, host)) bound.received(datagram);
  }

  #freePort(at: { host: string; port: number }): number {
    if (!isAny(at.host) && !isLoopback(at.host) && !this.machine.addresses.includes(at.host))
      throw new NetworkError("EADDRNOTAVAIL", `listen EADDRNOTAVAIL: address not available ${at.host}:${at.port}`);
    const isTaken = (port: number) => [...this.#bound].some((bound) => bound.port === port && overlaps(bound.host, at.host));
    if (at.port !== 0) {
      if (isTaken(at.port)) throw new NetworkError("EADDRINUSE", `listen EADDRINUSE: address already in use ${at.host}:${at.port}`);
      return at.port;
    }
    while (isTaken(this.#nextListenPort)) this.#nextListenPort++;
    return this.#nextListenPort++;
  }

  #checkTls(tls: ServerTls | undefined): void {
    if (tls && !this.#crypto.keyMatches(tls.certificate, tls.key))
      throw new NetworkError("ERR_OSSL_X509_KEY_VALUES_MISMATCH", "key values mismatch");
  }

  #sourceAddress(to: string): string {
    return isLoopback(to) ? to : (this.machine.addresses[0] as string);
  }
}

function secureOrPlain(
  secure: boolean,
  tls: ServerTls | undefined,
  options: HttpClientOptions,
  host: string,
  address: string,
  crypto: SimulatedCrypto,
  now: number,
): Peer | NetworkError {
  if (!secure) return tls ? new NetworkError("ECONNRESET", "the server speaks TLS only") : { address };
  if (!tls) return new NetworkError("EPROTO", "the server does not speak TLS");
  return handshake(crypto, tls, options, host, address, now);
}

async function refuseBytes(stream: ByteStream): Promise<void> {
  const reset = new NetworkError("ECONNRESET", "the simulated HTTP server takes requests, not bytes");
  try {
    for await (const _ of stream.incoming) stream.destroy(reset);
  } catch {
    return;
  }
  stream.end();
}

function abortable(signal: AbortSignal, start: (resolve: () => void) => { cancel(): void }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => {
      timer.cancel();
      reject(signal.reason instanceof Error ? signal.reason : new NetworkError("ABORT_ERR", "the request was aborted"));
    };
    const timer = start(() => {
      signal.removeEventListener("abort", fail);
      resolve();
    });
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

function refusal(target: Target): NetworkError {
  return new NetworkError("ECONNREFUSED", `connect ECONNREFUSED ${target.address}:${target.port}`);
}

function isAny(host: string): boolean {
  return host === "" || host === "0.0.0.0" || host === "::";
}

function answersAt(bound: string, address: string): boolean {
  return isAny(bound) || bound === address || (isLoopback(bound) && isLoopback(address));
}

function overlaps(one: string, other: string): boolean {
  return isAny(one) || isAny(other) || one === other || (isLoopback(one) && isLoopback(other));
}

function networkOf(machine: Machine): SimulatedNetwork {
  const network = networks.get(machine);
  assert(network, `the machine "${machine.name}" has a network`);
  return network;
}
