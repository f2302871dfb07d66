// The way to an etcd of one or several members: calls go to one of them, and to the next when that one does not answer.
//
// A call that only looks is tried again elsewhere. One that changes something is not, unless it surely never reached a member: nobody can
// know whether it happened, and the caller is told so (OutcomeUnknown).
import type { Scope } from "#base/scope.ts";
import { type GrpcChannel, type GrpcDuplex, GrpcError, type GrpcOptions } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { readProtobuf, writeProtobuf } from "#schema/derive/protobuf.ts";
import type { Draft, Type } from "#schema/message.ts";
import { StoreUnavailable } from "../store.ts";

export interface EtcdEndpoints {
  /** "https://10.0.0.1:2379", "http://127.0.0.1:2379". */
  readonly endpoints: readonly string[];
  /** PEM, for https. */
  readonly tls?: GrpcOptions["tls"];
}

export interface CallOptions {
  /** The call changes something. */
  readonly changes?: boolean;
  /** The caller asks again if this comes to nothing: it is given up sooner, so that another member can be asked. */
  readonly again?: boolean;
}

/** A change that may have been made or not. */
export class OutcomeUnknown extends StoreUnavailable {}

/** For attempts behind which there is another, and for the last. What was passed on to a leader that is gone is lost without a word. */
const earlyMilliseconds = 1_000;
const lastMilliseconds = 10_000;
/** A member that takes longer is not asked next, and its streams are begun anew at another: it may be cut off, and streams fall silent. */
const patienceMilliseconds = 1_000;
/** What can be asked again without harm is asked so often, and for so long: an election takes its time. */
const attempts = 4;
const tryingMilliseconds = 3_000;
const pauseMilliseconds = 50;
const pauseMaxMilliseconds = 200;
const waitingMax = 10_000;
/** Below what members allow clients to ask. */
const keepaliveMilliseconds = 5_500;
const keepaliveTimeoutMilliseconds = 3_000;

const cancelled = 1;
const unknown = 2;
const deadlineExceeded = 4;
const unavailable = 14;

interface Member {
  readonly address: string;
  readonly channel: GrpcChannel;
}

export class EtcdConnection {
  readonly #world: World;
  readonly #members: readonly Member[];
  /** By member. */
  readonly #streams: readonly Set<AbortController>[];
  #current = 0;
  #waiting = 0;
  #closed = false;

  constructor(scope: Scope, world: World, { endpoints, tls }: EtcdEndpoints) {
    this.#world = world;
    this.#members = endpoints.map((endpoint) => {
      const { target, secure } = parseEndpoint(endpoint);
      const channel = world.network.grpc(target, {
        ...(secure && { tls: tls ?? {} }),
        // A member without a leader says so, rather than answering from what it last knew.
        metadata: { hasleader: "true" },
        keepaliveMilliseconds,
        keepaliveTimeoutMilliseconds,
        messageBytesMax: 2 ** 31 - 1,
      });
      return { address: endpoint, channel };
    });
    this.#streams = endpoints.map(() => new Set());
    // Who starts with which member is spread over the clients.
    this.#current = world.random.integer(this.#members.length);
    scope.defer("close connections to etcd", () => {
      this.#closed = true;
      for (const { channel } of this.#members) channel.close();
    });
  }

  /** Rejects with GrpcError for what a member refuses, and with StoreUnavailable when none answers. */
  async call<Q, A>(path: string, request: Type<Q>, value: Draft<Q>, answer: Type<A>, options: CallOptions = {}): Promise<A> {
    const { changes = false, again = !changes } = options;
    if (this.#waiting >= waitingMax) throw new StoreUnavailable(`${this.#waiting} calls are waiting for etcd`);
    const message = writeProtobuf(request, value as Q);
    this.#waiting++;
    const { clock } = this.#world;
    const started = clock.monotonic();
    try {
      for (let attempt = 1; ; attempt++) {
        const index = this.#current;
        try {
          const isEarly = again && this.#members.length > 1 && (changes || attempt < attempts);
          const milliseconds = isEarly ? earlyMilliseconds : lastMilliseconds;
          return readProtobuf(answer, await this.#ask(index, path, message, milliseconds));
        } catch (error) {
          if (this.#closed) throw new StoreUnavailable("the store was closed");
          if (!(error instanceof GrpcError) || !isOutage(error)) throw error;
          this.#leave(index);
          const isHarmless = !changes || neverSent(error);
          const isOver = attempt >= attempts && clock.monotonic() - started >= tryingMilliseconds;
          if (!isHarmless || isOver) throw unavailableOf(error, this.#members[index]?.address ?? "", changes && !neverSent(error));
        }
        await new Promise<void>((resolve) => clock.timer(Math.min(pauseMilliseconds * attempt, pauseMaxMilliseconds), resolve));
      }
    } finally {
      this.#waiting--;
    }
  }

  /** A stream to a member; when it breaks, the next one goes to another. `close` once it is read no more. */
  duplex(path: string): GrpcDuplex & { broken(): void; close(): void } {
    const index = this.#current;
    const streams = this.#streams[index] as Set<AbortController>;
    const controller = new AbortController();
    streams.add(controller);
    const duplex = (this.#members[index] as Member).channel.duplex(path, { signal: controller.signal });
    const close = (): void => {
      streams.delete(controller);
      controller.abort();
    };
    return { ...duplex, close, broken: () => this.#leave(index) };
  }

  async #ask(index: number, path: string, message: Uint8Array, timeoutMilliseconds: number): Promise<Uint8Array> {
    const patience = this.#world.clock.timer(patienceMilliseconds, () => this.#leave(index));
    try {
      return await (this.#members[index] as Member).channel.call(path, message, { timeoutMilliseconds });
    } finally {
      patience.cancel();
    }
  }

  /** Others are asked from now on. */
  #leave(index: number): void {
    if (this.#members.length === 1) return;
    if (this.#current === index) this.#current = (index + 1) % this.#members.length;
    for (const stream of this.#streams[index] ?? []) stream.abort();
  }
}

function parseEndpoint(endpoint: string): { readonly target: string; readonly secure: boolean } {
  const match = /^(https?):\/\/([^/]+)\/?$/.exec(endpoint);
  if (!match) throw new TypeError(`${endpoint} is no address of etcd; one looks like https://127.0.0.1:2379`);
  const [, scheme, target = ""] = match;
  return { target: /:\d+$/.test(target) ? target : `${target}:2379`, secure: scheme === "https" };
}

function isOutage({ code, message }: GrpcError): boolean {
  if (code === unavailable || code === deadlineExceeded || code === cancelled) return true;
  return code === unknown && /leader|stopped|timed out/.test(message);
}

/** The call did not leave this machine, or was refused before it was proposed. */
function neverSent({ message }: GrpcError): boolean {
  return /No connection established|ECONNREFUSED|etcdserver: no leader/.test(message);
}

function unavailableOf(error: GrpcError, address: string, isOpen: boolean): StoreUnavailable {
  const text = `etcd at ${address} does not answer: ${error.message}`;
  if (isOpen) return new OutcomeUnknown(`${text}; whether the change was made is not known`, { cause: error });
  return new StoreUnavailable(text, { cause: error });
}
