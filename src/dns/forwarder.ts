// Asks resolvers for names that are not the cluster's. Who did not answer is asked last for a while; the same question of several clients
// is asked once; answers are kept.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { type ReplyCache, replyCache } from "./cache.ts";
import type { DnsMetrics } from "./dns-metrics.ts";
import { answersTo, framed, type Query, skipName } from "./message.ts";
import { type DnsSettings, type ForwardedZone, upstreamAddress, zoneOf } from "./settings.ts";

export interface Forwarder {
  /** The reply as it came, with the query's own id; undefined when nobody answers or nobody is to be asked. */
  ask(query: Query, bytes: Uint8Array, overUdp: boolean): Promise<Uint8Array | undefined>;
}

const replyMilliseconds = 2_000;
const questionsMax = 1_000;
const triesMax = 3;
/** Who did not answer is asked after all others for this long. */
const avoidMilliseconds = 10_000;

export async function startForwarder(scope: Scope, world: World, settings: () => DnsSettings, metrics: DnsMetrics): Promise<Forwarder> {
  const exchange = await startExchange(scope, world);
  const cache: ReplyCache = replyCache(world.clock);
  const running = new Map<string, Promise<Uint8Array | undefined>>();
  const avoided = new Map<string, number>();
  let turn = 0;

  function ordered({ upstreams, order }: ForwardedZone): readonly string[] {
    const count = upstreams.length;
    const first = order === "sequential" || count === 0 ? 0 : order === "random" ? world.random.integer(count) : (turn += 1) % count;
    const all = [...upstreams.slice(first), ...upstreams.slice(0, first)];
    const now = world.clock.monotonic();
    const isAvoided = (upstream: string) => (avoided.get(upstream) ?? 0) > now;
    return [...all.filter((upstream) => !isAvoided(upstream)), ...all.filter(isAvoided)];
  }

  async function askAll(zone: ForwardedZone, bytes: Uint8Array, overUdp: boolean): Promise<Uint8Array | undefined> {
    for (const upstream of ordered(zone).slice(0, triesMax)) {
      const address = upstreamAddress(upstream);
      if (!address) continue;
      const startedAt = world.clock.monotonic();
      const reply = await (overUdp ? exchange.byUdp(bytes, address) : exchange.byTcp(bytes, address));
      metrics.forwarded(upstream, reply !== undefined, (world.clock.monotonic() - startedAt) / 1_000);
      if (reply) {
        avoided.delete(upstream);
        return reply;
      }
      avoided.set(upstream, world.clock.monotonic() + avoidMilliseconds);
    }
    return undefined;
  }

  return {
    async ask(query, bytes, overUdp) {
      const { name, type, class: itsClass } = query.question;
      const zone = zoneOf(name, settings().zones);
      if (!zone || zone.upstreams.length === 0) return undefined;
      const key = `${name} ${type} ${itsClass} ${query.hasEdns ? 1 : 0}${query.wantsSignatures ? 1 : 0}${query.checkingDisabled ? 1 : 0}`;
      const kept = zone.cacheSeconds > 0 ? cache.get(key, bytes) : undefined;
      if (kept && (!overUdp || kept.bytes.length <= query.udpBytesMax)) {
        metrics.cacheHit(kept.isDenial);
        return kept.bytes;
      }
      if (zone.cacheSeconds > 0) metrics.cacheMiss();
      const runningKey = `${overUdp ? "udp" : "tcp"} ${query.udpBytesMax} ${key}`;
      let asking = running.get(runningKey);
      if (!asking) {
        if (running.size >= questionsMax) return undefined;
        asking = askAll(zone, bytes, overUdp).finally(() => running.delete(runningKey));
        running.set(runningKey, asking);
      }
      const reply = await asking;
      if (!reply) return undefined;
      if (zone.cacheSeconds > 0) cache.put(key, reply, zone.cacheSeconds);
      const own = Uint8Array.from(reply);
      own.set(bytes.subarray(0, 2));
      // Another may have asked with other letters; some clients insist on their own.
      if (own[5] === 1) own.set(bytes.subarray(12, skipName(bytes, 12)), 12);
      return own;
    },
  };
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Sends questions and takes replies. Ids are ours, chosen by chance, so that replies cannot be guessed. */
async function startExchange(scope: Scope, world: World) {
  interface Waiting extends Address {
    readonly asked: Uint8Array;
    readonly done: (reply: Uint8Array | undefined) => void;
  }
  const waiting = new Map<number, Waiting>();
  const received = ({ bytes, host, port }: { readonly bytes: Uint8Array; readonly host: string; readonly port: number }) => {
    if (bytes.length < 12) return;
    const one = waiting.get(((bytes[0] as number) << 8) | (bytes[1] as number));
    if (one?.host === host && one.port === port && answersTo(one.asked, bytes)) one.done(bytes);
  };
  const socket = await world.network.datagrams(scope, { host: "0.0.0.0", port: 0 }, received);
  let socket6: typeof socket | undefined;

  return {
    async byUdp(question: Uint8Array, { host, port }: Address): Promise<Uint8Array | undefined> {
      if (waiting.size >= questionsMax) return undefined;
      const from = host.includes(":") ? (socket6 ??= await world.network.datagrams(scope, { host: "::", port: 0 }, received)) : socket;
      let id = world.random.integer(0x10000);
      while (waiting.has(id)) id = (id + 1) & 0xffff;
      const asked = Uint8Array.from(question);
      asked[0] = id >> 8;
      asked[1] = id & 0xff;
      const reply = await new Promise<Uint8Array | undefined>((resolve) => {
        const timer = world.clock.timer(replyMilliseconds, () => resolve(undefined));
        waiting.set(id, {
          asked,
          host,
          port,
          done: (bytes) => {
            timer.cancel();
            resolve(bytes);
          },
        });
        from.send(asked, host, port);
      });
      waiting.delete(id);
      return reply;
    },

    /** For who asked so: what is too long for a datagram fits there. */
    async byTcp(question: Uint8Array, { host, port }: Address): Promise<Uint8Array | undefined> {
      let stream: ByteStream | undefined;
      const timer = world.clock.timer(replyMilliseconds, () => stream?.destroy());
      try {
        stream = await world.network.connect({ host, port }, { timeoutMilliseconds: replyMilliseconds });
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
    },
  };
}
