// Reads a Corefile, as CoreDNS is configured in every cluster that kubeadm made: which zones go to whom, how long answers are kept, names with
// addresses of their own. What it says of plugins that have no counterpart here is reported, not guessed at.
import { readDuration } from "#component/flags.ts";
import { type DnsSettings, type ForwardedZone, upstreamAddress } from "./settings.ts";

export class CorefileError extends Error {
  override readonly name = "CorefileError";
}

export interface ReadCorefile {
  readonly settings: DnsSettings;
  /** What of the file has no effect. */
  readonly ignored: readonly string[];
}

/** Always on here, or of no consequence. */
const withoutEffect = new Set(["errors", "log", "loop", "reload", "loadbalance", "bufsize", "ready", "prometheus", "debug", "cancel"]);
/** What is read within a block, or makes no difference here: the cluster's own answers are never kept, resolvers are not asked how they are. */
const innerKnown: Readonly<Record<string, readonly string[]>> = {
  kubernetes: ["pods", "ttl", "fallthrough"],
  forward: ["policy", "except", "max_concurrent", "max_fails", "expire", "health_check", "prefer_udp"],
  cache: ["disable", "prefetch"],
  health: ["lameduck"],
};
const cacheSecondsDefault = 3_600;

interface Directive {
  readonly words: readonly string[];
  readonly inner: readonly (readonly string[])[];
}

/** `resolvers` are those of /etc/resolv.conf, which `forward` may name. Throws CorefileError. */
export function readCorefile(text: string, resolvers: readonly string[]): ReadCorefile {
  const ignored: string[] = [];
  const hosts = new Map<string, readonly string[]>();
  const zones: ForwardedZone[] = [];
  let lameduckMilliseconds = 0;
  let cluster = { domain: "cluster.local", seconds: 5, answersPods: false };
  for (const { keys, directives } of blocksIn(text)) {
    const cache = directives.find(({ words }) => words[0] === "cache");
    const cacheSeconds = cache ? cacheSecondsOf(cache) : 0;
    for (const directive of directives) {
      const [name = "", ...more] = directive.words;
      const known = innerKnown[name];
      if (known)
        ignored.push(...directive.inner.filter(([word = ""]) => !known.includes(word)).map((words) => `${name}: ${words.join(" ")}`));
      if (name === "cache" || withoutEffect.has(name)) continue;
      if (name === "kubernetes") cluster = { ...cluster, ...kubernetesOf(directive) };
      else if (name === "forward") zones.push(...forwardsOf(directive, keys, resolvers, cacheSeconds));
      else if (name === "hosts") {
        addHosts(directive, hosts);
        if (more.length > 0) ignored.push([name, ...more].join(" "));
      } else if (name === "health") lameduckMilliseconds = lameduckOf(directive);
      else ignored.push([name, ...more].join(" "));
    }
  }
  return { settings: { ...cluster, lameduckMilliseconds, hosts, zones }, ignored };
}

function cacheSecondsOf({ words: [, seconds] }: Directive): number {
  return seconds !== undefined && /^\d{1,6}$/.test(seconds) ? Number(seconds) : cacheSecondsDefault;
}

function lameduckOf({ inner }: Directive): number {
  const text = inner.find(([word]) => word === "lameduck")?.[1] ?? "0s";
  const milliseconds = readDuration(text);
  if (milliseconds === undefined || milliseconds < 0) throw new CorefileError(`health: lameduck ${JSON.stringify(text)} is no duration`);
  return milliseconds;
}

function kubernetesOf({ words: [, ...zones], inner }: Directive): Partial<{ domain: string; seconds: number; answersPods: boolean }> {
  const domain = zones.map(zoneName).find((zone) => zone !== "" && !zone.endsWith(".arpa"));
  const option = (name: string) => inner.find(([word]) => word === name)?.[1];
  const seconds = Number(option("ttl") ?? 5);
  if (!(seconds >= 0 && seconds <= 3_600)) throw new CorefileError(`kubernetes: ttl ${option("ttl")} is not between 0 and 3600`);
  // Addresses are not compared with Pods: "verified" answers as "insecure" does.
  return { ...(domain && { domain }), seconds, answersPods: (option("pods") ?? "disabled") !== "disabled" };
}

function forwardsOf(
  { words: [, from = ".", ...to], inner }: Directive,
  keys: readonly string[],
  resolvers: readonly string[],
  cacheSeconds: number,
): readonly ForwardedZone[] {
  const upstreams = to.flatMap((target) => {
    if (target.startsWith("/")) return resolvers;
    const address = target.replace(/^dns:\/\//, "");
    if (!upstreamAddress(address)) throw new CorefileError(`forward: ${JSON.stringify(target)} is no address of a resolver`);
    return [address];
  });
  const policy = inner.find(([word]) => word === "policy")?.[1] ?? "random";
  if (policy !== "random" && policy !== "round_robin" && policy !== "sequential")
    throw new CorefileError(`forward: policy ${JSON.stringify(policy)} is not known`);
  const zones = zoneName(from) === "" ? keys : [zoneName(from)];
  const excepted = inner.flatMap(([word, ...names]) => (word === "except" ? names.map(zoneName) : []));
  return [
    ...zones.map((zone) => ({ zone, upstreams, order: policy, cacheSeconds }) as const),
    // Nobody is asked for these.
    ...excepted.map((zone) => ({ zone, upstreams: [], order: policy, cacheSeconds }) as const),
  ];
}

function addHosts({ inner }: Directive, hosts: Map<string, readonly string[]>): void {
  for (const [address = "", ...names] of inner) {
    if (!upstreamAddress(address) || /[[\]]/.test(address)) continue;
    for (const name of names.map(zoneName)) hosts.set(name, [...(hosts.get(name) ?? []), address]);
  }
}

/** "example.org." and "dns://Example.org:53" are "example.org"; "." is "". */
function zoneName(text: string): string {
  return text
    .replace(/^dns:\/\//, "")
    .replace(/:\d+$/, "")
    .replace(/\.$/, "")
    .toLowerCase();
}

interface Block {
  readonly keys: readonly string[];
  readonly directives: readonly Directive[];
}

function blocksIn(text: string): readonly Block[] {
  const lines = text
    .split("\n")
    .map(wordsIn)
    .filter((words) => words.length > 0);
  const blocks: Block[] = [];
  let keys: string[] | undefined;
  let directives: { words: readonly string[]; inner: (readonly string[])[] }[] = [];
  let open: { words: readonly string[]; inner: (readonly string[])[] } | undefined;
  for (const line of lines) {
    const opens = line.at(-1) === "{";
    const words = opens ? line.slice(0, -1) : line;
    if (words.length === 1 && words[0] === "}") {
      if (open) open = undefined;
      else if (keys) {
        blocks.push({ keys, directives });
        [keys, directives] = [undefined, []];
      } else throw new CorefileError("a } without its {");
    } else if (!keys) {
      if (!opens) throw new CorefileError(`${JSON.stringify(words.join(" "))}: a server block has a { at the end of its line`);
      keys = words
        .flatMap((word) => word.split(","))
        .filter(Boolean)
        .map(zoneName);
    } else if (open) {
      if (opens) throw new CorefileError(`${JSON.stringify(words.join(" "))}: blocks are two deep at most`);
      open.inner.push(words);
    } else {
      const directive = { words, inner: [] };
      directives.push(directive);
      if (opens) open = directive;
    }
  }
  if (keys) throw new CorefileError("a { without its }");
  return blocks;
}

/** Words of a line, without comments; quoted ones may hold spaces. */
function wordsIn(line: string): string[] {
  const words: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/"([^"]*)"|(\S+)/g)) {
    if (plain?.startsWith("#")) break;
    words.push(quoted ?? plain ?? "");
  }
  return words;
}
