// Cluster DNS: answers for the cluster's own names from what it watches, and asks the machine's resolvers for all others.
import type { Scope } from "#base/scope.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import type { Informers } from "#client/informers.ts";
import type { World } from "#platform/world.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import {
  type Answer,
  answersTo,
  DnsFormatError,
  type Query,
  type Question,
  readAnswers,
  readQuery,
  responseCodes,
  types,
  writeAnswer,
  writeQuestion,
} from "./message.ts";
import { answer, dashed, type Observed } from "./zone.ts";

export interface DnsNeeds {
  readonly informers: Informers;
  readonly host: string;
  readonly port: number;
  /** "cluster.local". */
  readonly domain: string;
  /** Resolvers for names outside the cluster, "address" or "address:port". */
  readonly upstreams: readonly string[];
}

export interface RunningDns {
  readonly port: number;
}

const internet = 1;
const anyClass = 255;
/** A connection that is silent for longer is closed. */
const idleMilliseconds = 10_000;
const upstreamMilliseconds = 2_000;
const upstreamQuestionsMax = 1_000;
const connectionsMax = 256;

export async function startDns(scope: Scope, world: World, needs: DnsNeeds): Promise<RunningDns> {
  const observed = observe(needs);
  await observed.synced;
  scope.throwIfStopped();
  const forward = await startForwarder(scope, world, needs.upstreams);

  async function respond(bytes: Uint8Array, overUdp: boolean): Promise<Uint8Array | undefined> {
    let query: Query | undefined;
    try {
      query = readQuery(bytes);
    } catch (error) {
      if (!(error instanceof DnsFormatError)) throw error;
      return bytes.length >= 12 ? formatError(bytes) : undefined;
    }
    if (!query) return undefined;
    const limit = overUdp ? query.udpBytesMax : 65_535;
    const reply = (code: number): Answer => ({ code, authoritative: false, answers: [] });
    if (query.opcode !== 0) return writeAnswer(query, reply(responseCodes.notImplemented), limit);
    if (query.question.class !== internet && query.question.class !== anyClass)
      return writeAnswer(query, reply(responseCodes.refused), limit);
    const ours = answer(query.question, observed);
    if (ours) return writeAnswer(query, await withTarget(query.question, ours), limit);
    return (await forward(bytes, overUdp)) ?? writeAnswer(query, reply(responseCodes.serverFailure), limit);
  }

  /** Resolvers in Pods do not follow names themselves: what another name stands for is told along with it. */
  async function withTarget({ type }: Question, ours: Answer): Promise<Answer> {
    const [first] = ours.answers;
    if (first?.type !== "CNAME" || (type !== types.A && type !== types.AAAA)) return ours;
    const name = first.target.toLowerCase().replace(/\.$/, "");
    const inside = answer({ name, spelled: name, type, class: internet }, observed);
    if (inside) return { ...ours, answers: [first, ...inside.answers] };
    try {
      const reply = await forward(writeQuestion(name, type), false);
      return reply
        ? { ...ours, answers: [first, ...readAnswers(reply).answers] }
        : { ...ours, code: responseCodes.serverFailure, answers: [] };
    } catch (error) {
      if (!(error instanceof DnsFormatError)) throw error;
      return { ...ours, code: responseCodes.serverFailure, answers: [] };
    }
  }

  const socket = await world.network.datagrams(scope, needs, ({ bytes, host, port }) => {
    respond(bytes, true).then(
      (reply) => reply && socket.send(reply, host, port),
      (error: unknown) => world.log.warn("cannot answer a question", { error: (error as Error).message }),
    );
  });
  let connections = 0;
  await world.network.listen(scope, { host: needs.host, port: socket.port }, (stream) => {
    if (connections >= connectionsMax) return stream.destroy();
    connections += 1;
    serveStream(world, stream, (bytes) => respond(bytes, false))
      .catch((error: unknown) => world.log.debug("a DNS connection broke", { error: (error as Error).message }))
      .finally(() => {
        connections -= 1;
        stream.destroy();
      });
  });
  return { port: socket.port };
}

function observe({ informers, domain }: DnsNeeds): Observed & { readonly synced: Promise<unknown> } {
  const services = informers.for(Service);
  const slices = informers.for(EndpointSlice);
  const namespaces = informers.for(Namespace);
  const serviceOf = ({ metadata }: EndpointSlice) => metadata.labels?.["kubernetes.io/service-name"] ?? "";
  services.addIndex("address", ({ spec }) => spec.clusterIPs ?? []);
  slices.addIndex("service", (slice) => [`${slice.metadata.namespace}/${serviceOf(slice)}`]);
  slices.addIndex("address", ({ endpoints }) => endpoints.flatMap(({ addresses }) => addresses));
  return {
    domain,
    synced: Promise.all([services.synced, slices.synced, namespaces.synced]),
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    hasNamespace: (name) => namespaces.get(name) !== undefined,
    slicesOf: (namespace, service) => slices.byIndex("service", `${namespace}/${service}`),
    nameOf(address) {
      const [service] = services.byIndex("address", address);
      if (service) return `${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`;
      for (const slice of slices.byIndex("address", address)) {
        const namespace = slice.metadata.namespace;
        if (services.get(`${namespace}/${serviceOf(slice)}`)?.spec.clusterIP !== "None") continue;
        const endpoint = slice.endpoints.find(({ addresses }) => addresses.includes(address));
        return `${endpoint?.hostname || dashed(address)}.${serviceOf(slice)}.${namespace}.svc.${domain}`;
      }
      return undefined;
    },
  };
}

/** Asks the resolvers one after the other; undefined when none answers. Ids are ours, chosen by chance, so that answers cannot be guessed. */
async function startForwarder(scope: Scope, world: World, upstreams: readonly string[]) {
  const pending = new Map<
    number,
    { readonly asked: Uint8Array; readonly host: string; readonly port: number; readonly done: (reply: Uint8Array | undefined) => void }
  >();
  if (upstreams.length === 0) return async () => undefined;
  const socket = await world.network.datagrams(scope, { host: "0.0.0.0", port: 0 }, ({ bytes, host, port }) => {
    if (bytes.length < 12) return;
    const waiting = pending.get(((bytes[0] as number) << 8) | (bytes[1] as number));
    if (waiting?.host === host && waiting.port === port && answersTo(waiting.asked, bytes)) waiting.done(bytes);
  });
  /** Over TCP for who asked so: an answer too long for a datagram fits there. */
  async function overTcp(question: Uint8Array, host: string, port: number): Promise<Uint8Array | undefined> {
    let stream: ByteStream | undefined;
    const timer = world.clock.timer(upstreamMilliseconds, () => stream?.destroy());
    try {
      stream = await world.network.connect({ host, port }, { timeoutMilliseconds: upstreamMilliseconds });
      await stream.write(framed(question));
      let rest = new Uint8Array(0);
      for await (const chunk of stream.incoming) {
        const joined = new Uint8Array(rest.length + chunk.length);
        joined.set(rest);
        joined.set(chunk, rest.length);
        rest = joined;
        const length = rest.length < 2 ? Number.POSITIVE_INFINITY : ((rest[0] as number) << 8) | (rest[1] as number);
        if (rest.length < 2 + length) continue;
        const reply = rest.slice(2, 2 + length);
        return answersTo(question, reply) ? reply : undefined;
      }
    } catch (error) {
      world.log.debug("a resolver does not answer over TCP", { host, error: (error as Error).message });
    } finally {
      timer.cancel();
      stream?.destroy();
    }
    return undefined;
  }

  return async (question: Uint8Array, overUdp: boolean): Promise<Uint8Array | undefined> => {
    for (const upstream of upstreams) {
      if (pending.size >= upstreamQuestionsMax) return undefined;
      const [host = "", port = "53"] = upstream.split(":");
      if (!overUdp) {
        const reply = await overTcp(question, host, Number(port));
        if (reply) return reply;
      }
      let id = world.random.integer(0x10000);
      while (pending.has(id)) id = (id + 1) & 0xffff;
      const asked = Uint8Array.from(question);
      asked[0] = id >> 8;
      asked[1] = id & 0xff;
      const reply = await new Promise<Uint8Array | undefined>((done) => {
        const timer = world.clock.timer(upstreamMilliseconds, () => done(undefined));
        pending.set(id, {
          asked,
          host,
          port: Number(port),
          done: (bytes) => {
            timer.cancel();
            done(bytes);
          },
        });
        socket.send(asked, host, Number(port));
      });
      pending.delete(id);
      if (!reply) continue;
      const answered = Uint8Array.from(reply);
      answered[0] = question[0] as number;
      answered[1] = question[1] as number;
      return answered;
    }
    return undefined;
  };
}

/** DNS over TCP: each message behind its length in two bytes. */
async function serveStream(
  world: World,
  stream: ByteStream,
  respond: (bytes: Uint8Array) => Promise<Uint8Array | undefined>,
): Promise<void> {
  let rest = new Uint8Array(0);
  const patience = () => world.clock.timer(idleMilliseconds, () => stream.destroy());
  let idle = patience();
  for await (const chunk of stream.incoming) {
    idle.cancel();
    idle = patience();
    const joined = new Uint8Array(rest.length + chunk.length);
    joined.set(rest);
    joined.set(chunk, rest.length);
    rest = joined;
    while (rest.length >= 2) {
      const length = ((rest[0] as number) << 8) | (rest[1] as number);
      if (rest.length < 2 + length) break;
      const reply = await respond(rest.subarray(2, 2 + length));
      rest = rest.slice(2 + length);
      if (!reply) continue;
      await stream.write(framed(reply));
    }
  }
  idle.cancel();
}

function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + message.length);
  bytes[0] = message.length >> 8;
  bytes[1] = message.length & 0xff;
  bytes.set(message, 2);
  return bytes;
}

function formatError(bytes: Uint8Array): Uint8Array {
  const header = new Uint8Array(12);
  header.set(bytes.subarray(0, 2));
  header[2] = 0x80;
  header[3] = responseCodes.formatError;
  return header;
}
