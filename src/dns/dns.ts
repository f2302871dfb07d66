// Cluster DNS: answers for the cluster's own names from what it watches, and asks resolvers for all others.
import type { Scope } from "#base/scope.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { canonicalAddress, parseIp } from "#base/ip.ts";
import type { Informers } from "#client/informers.ts";
import type { World } from "#platform/world.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { type DnsMetrics, dnsMetrics } from "./dns-metrics.ts";
import { startForwarder } from "./forwarder.ts";
import {
  type Answer,
  DnsFormatError,
  framed,
  type Query,
  readAnswers,
  readQuery,
  type ResourceRecord,
  responseCodes,
  types,
  writeAnswer,
  writeQuestion,
} from "./message.ts";
import type { DnsSettings } from "./settings.ts";
import { answer, dashed, type Observed } from "./zone.ts";

export interface DnsNeeds {
  readonly informers: Informers;
  readonly host: string;
  readonly port: number;
  /** As they are now: they may change. */
  readonly settings: () => DnsSettings;
  readonly metrics?: DnsMetrics;
}

export interface RunningDns {
  readonly port: number;
}

const internet = 1;
const anyClass = 255;
/** A connection that is silent for longer is closed. */
const idleMilliseconds = 10_000;
const connectionsMax = 256;
/** Names that stand for names that stand for names. */
const aliasesMax = 8;

export async function startDns(scope: Scope, world: World, needs: DnsNeeds): Promise<RunningDns> {
  const { settings, metrics = dnsMetrics() } = needs;
  const observed = observe(needs);
  await observed.synced;
  scope.throwIfStopped();
  const forwarder = await startForwarder(scope, world, settings, metrics);

  async function respond(bytes: Uint8Array, overUdp: boolean): Promise<Uint8Array | undefined> {
    let query: Query | undefined;
    try {
      query = readQuery(bytes);
    } catch (error) {
      if (!(error instanceof DnsFormatError)) throw error;
      return bytes.length >= 12 ? formatError(bytes) : undefined;
    }
    if (!query) return undefined;
    const startedAt = world.clock.monotonic();
    const { reply, zone } = await replyTo(query, bytes, overUdp);
    const seconds = (world.clock.monotonic() - startedAt) / 1_000;
    metrics.answered(overUdp ? "udp" : "tcp", typeName(query.question.type), zone, codeName((reply[3] as number) & 0xf), seconds);
    return reply;
  }

  async function replyTo(
    query: Query,
    bytes: Uint8Array,
    overUdp: boolean,
  ): Promise<{ readonly reply: Uint8Array; readonly zone: string }> {
    const limit = overUdp ? query.udpBytesMax : 65_535;
    const domain = `${observed.domain}.`;
    const saying = (code: number) => ({ reply: writeAnswer(query, { code, authoritative: false, answers: [] }, limit), zone: "." });
    if (query.opcode !== 0) return saying(responseCodes.notImplemented);
    if (query.hasUnknownEdns) return saying(responseCodes.badVersion);
    if (query.question.class !== internet && query.question.class !== anyClass) return saying(responseCodes.refused);
    const ours = answer(query.question, observed);
    if (ours) return { reply: writeAnswer(query, await withTargets(query, ours), limit), zone: domain };
    const reply = await forwarder.ask(query, bytes, overUdp);
    return reply ? { reply, zone: "." } : saying(responseCodes.serverFailure);
  }

  /** Resolvers in Pods do not follow names themselves: what another name stands for is told along with it. */
  async function withTargets({ question: { type } }: Query, ours: Answer): Promise<Answer> {
    if (type !== types.A && type !== types.AAAA) return ours;
    const answers: ResourceRecord[] = [...ours.answers];
    for (let aliases = 0; aliases < aliasesMax; aliases += 1) {
      const last = answers.at(-1);
      if (last?.type !== "CNAME") return { ...ours, answers };
      const name = last.target.toLowerCase().replace(/\.$/, "");
      const inside = answer({ name, spelled: name, type, class: internet }, observed);
      if (inside) {
        if (inside.answers.length === 0) return { ...ours, answers };
        answers.push(...inside.answers);
        continue;
      }
      const target = await outside(name, type);
      return target ? { ...ours, answers: [...answers, ...target] } : { ...ours, code: responseCodes.serverFailure, answers: [] };
    }
    return { ...ours, code: responseCodes.serverFailure, answers: [] };
  }

  async function outside(name: string, type: number): Promise<readonly ResourceRecord[] | undefined> {
    const bytes = writeQuestion(name, type);
    const query = readQuery(bytes);
    const reply = query && ((await forwarder.ask(query, bytes, true)) ?? (await forwarder.ask(query, bytes, false)));
    try {
      return reply && readAnswers(reply).answers;
    } catch (error) {
      if (error instanceof DnsFormatError) return undefined;
      throw error;
    }
  }

  const socket = await world.network.datagrams(scope, needs, ({ bytes, host, port }) => {
    respond(bytes, true)
      .then((reply) => reply && socket.send(reply, host, port))
      .catch((error: unknown) => {
        metrics.failed();
        world.log.warn("cannot answer a question", { error: (error as Error).message });
      });
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

function observe({ informers, settings }: DnsNeeds): Observed & { readonly synced: Promise<unknown> } {
  const services = informers.for(Service);
  const slices = informers.for(EndpointSlice);
  const namespaces = informers.for(Namespace);
  const serviceOf = ({ metadata }: EndpointSlice) => metadata.labels?.["kubernetes.io/service-name"] ?? "";
  services.addIndex("address", ({ spec }) => (spec.clusterIPs ?? []).map(inOneForm));
  slices.addIndex("service", (slice) => [`${slice.metadata.namespace}/${serviceOf(slice)}`]);
  slices.addIndex("address", ({ endpoints }) => endpoints.flatMap(({ addresses }) => addresses.map(inOneForm)));
  return {
    get domain() {
      return settings().domain;
    },
    get seconds() {
      return settings().seconds;
    },
    get answersPods() {
      return settings().answersPods;
    },
    addressesFor: (name) => settings().hosts.get(name),
    synced: Promise.all([services.synced, slices.synced, namespaces.synced]),
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    hasNamespace: (name) => namespaces.get(name) !== undefined,
    slicesOf: (namespace, service) => slices.byIndex("service", `${namespace}/${service}`),
    nameOf(address) {
      const { domain } = settings();
      const [service] = services.byIndex("address", address);
      if (service) return `${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`;
      for (const slice of slices.byIndex("address", address)) {
        const namespace = slice.metadata.namespace;
        if (services.get(`${namespace}/${serviceOf(slice)}`)?.spec.clusterIP !== "None") continue;
        const endpoint = slice.endpoints.find(({ addresses }) => addresses.some((one) => inOneForm(one) === address));
        return `${endpoint?.hostname || dashed(endpoint?.addresses[0] ?? address)}.${serviceOf(slice)}.${namespace}.svc.${domain}`;
      }
      return undefined;
    },
  };
}

/** An address may be written in several ways. */
function inOneForm(text: string): string {
  const bytes = parseIp(text);
  return bytes ? canonicalAddress(bytes) : text;
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

function formatError(bytes: Uint8Array): Uint8Array {
  const header = new Uint8Array(12);
  header.set(bytes.subarray(0, 2));
  header[2] = 0x80;
  header[3] = responseCodes.formatError;
  return header;
}

const typeNames = new Map<number, string>(Object.entries(types).map(([name, number]) => [number, name]));
const codeNames = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
const typeName = (type: number) => typeNames.get(type) ?? "other";
const codeName = (code: number) => codeNames[code] ?? String(code);
