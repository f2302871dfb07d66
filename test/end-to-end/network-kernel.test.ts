// Time limit: 3 minutes.
// The rules themselves, in a real kernel without containers: both families, many Services, what users may write. A "node" and "Pods" are
// network namespaces without a way out.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import type { Pod } from "#api/core/pod/pod.ts";
import { NetworkPolicy } from "#api/networking.k8s.io/network-policy/network-policy.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { tableLoader } from "#proxy/nftables/nftables.ts";
import { serviceTable } from "#proxy/nftables/service-table.ts";
import { isolatedPods } from "#proxy/network-policy/isolation.ts";
import { policyTable } from "#proxy/network-policy/policy-table.ts";
import { forwardedPorts } from "#proxy/rules.ts";
import type { World } from "#platform/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { cannotMakeMachines, eventually, world } from "../support/lab-machine.ts";

const skip = cannotMakeMachines("nft");
const prefix = `ke${process.pid}`;
const [node, first, second] = [`${prefix}n`, `${prefix}a`, `${prefix}b`];
const addresses = { first: { IPv4: "10.244.0.5", IPv6: "fd00:244::5" }, second: { IPv4: "10.244.0.6", IPv6: "fd00:244::6" } } as const;
type Family = "IPv4" | "IPv6";
const families: readonly Family[] = ["IPv4", "IPv6"];

async function run(program: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await world.processes.run(program, words, { timeoutMilliseconds: 30_000 });
  assert.equal(code, 0, `${program} ${words.join(" ")}: ${stderr}`);
  return stdout;
}
const ip = (text: string) => run("ip", ...text.split(" "));

/** The same world, but programs run in the node's namespace. */
const onNode = {
  ...world,
  processes: {
    ...world.processes,
    run: (program: string, words: readonly string[], options?: object) =>
      world.processes.run("nsenter", [`--net=/run/netns/${node}`, program, ...words], options),
  },
} as World;

const children: { kill(): void }[] = [];

/** Answers every connection with its name. */
async function serve(namespace: string, name: string): Promise<void> {
  const text = `require("node:net").createServer((s) => s.end(${JSON.stringify(name)})).listen(8080, "::", () => console.log("listening"));`;
  const child = spawn("nsenter", [`--net=/run/netns/${namespace}`, process.execPath, "-e", text], { stdio: ["ignore", "pipe", "inherit"] });
  children.push({ kill: () => child.kill("SIGKILL") });
  await once(child.stdout, "data");
}

/** What answers there to whom is in `namespace`; "refused", or "silent" for a second. */
async function ask(namespace: string, host: string, port: number): Promise<string> {
  const text = `const s = require("node:net").connect(${port}, ${JSON.stringify(host)}, () => {});
s.on("data", (d) => { console.log(String(d)); process.exit(); }); s.on("error", (e) => { console.log(e.code === "ECONNREFUSED" ? "refused" : e.code); process.exit(); });
setTimeout(() => { console.log("silent"); process.exit(); }, 1000);`;
  return (await run("nsenter", `--net=/run/netns/${namespace}`, process.execPath, "-e", text)).trim();
}

before(async () => {
  if (skip) return;
  for (const name of [node, first, second]) {
    await ip(`netns add ${name}`);
    await ip(`-n ${name} link set lo up`);
    // Addresses of the other family are good at once.
    await run(
      "nsenter",
      `--net=/run/netns/${name}`,
      "sh",
      "-c",
      "for each in all default; do echo 0 >/proc/sys/net/ipv6/conf/$each/accept_dad; done",
    );
  }
  await ip(`-n ${node} link add br0 type bridge`);
  for (const address of ["10.244.0.1/24", "fd00:244::1/64"])
    await ip(`-n ${node} addr add ${address} dev br0 ${address.includes(":") ? "nodad" : ""}`.trim());
  await ip(`-n ${node} link set br0 up`);
  for (const [name, own] of [
    [first, addresses.first],
    [second, addresses.second],
  ] as const) {
    await ip(`link add ${name}o type veth peer name eth0 netns ${name}`);
    await ip(`link set ${name}o netns ${node}`);
    await ip(`-n ${node} link set ${name}o master br0`);
    await ip(`-n ${node} link set ${name}o type bridge_slave hairpin on`);
    await ip(`-n ${node} link set ${name}o up`);
    await ip(`-n ${name} addr add ${own.IPv4}/24 dev eth0`);
    await ip(`-n ${name} addr add ${own.IPv6}/64 dev eth0 nodad`);
    await ip(`-n ${name} link set eth0 up`);
    await ip(`-n ${name} route add default via 10.244.0.1`);
    await ip(`-n ${name} -6 route add default via fd00:244::1`);
  }
  await ip(`-n ${node} route add 10.96.0.0/12 dev lo`);
  await ip(`-n ${node} -6 route add fd00:96::/108 dev br0`);
  const settings = [
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/bridge/bridge-nf-call-iptables",
    "net/bridge/bridge-nf-call-ip6tables",
  ];
  await run("nsenter", `--net=/run/netns/${node}`, "sh", "-c", settings.map((path) => `echo 1 >/proc/sys/${path}`).join("; "));
  await Promise.all([serve(first, "first"), serve(second, "second")]);
});
after(async () => {
  for (const child of children) child.kill();
  if (!skip) for (const name of [node, first, second]) await world.processes.run("ip", ["netns", "del", name]);
});

const service = (name: string, at: number, spec: Draft<Service["spec"]> = {}): Service =>
  complete(Service, {
    metadata: { name, namespace: "default" },
    spec: {
      clusterIP: `10.96.${at >> 8}.${at & 255}`,
      clusterIPs: [`10.96.${at >> 8}.${at & 255}`, `fd00:96::${at.toString(16)}`],
      ipFamilies: ["IPv4", "IPv6"],
      ports: [{ port: 80, targetPort: 8080 }],
      ...spec,
    },
  });
const slice = (name: string, family: Family, ips: readonly string[]): EndpointSlice =>
  complete(EndpointSlice, {
    metadata: { name: `${name}-${family.toLowerCase()}`, namespace: "default", labels: { "kubernetes.io/service-name": name } },
    addressType: family,
    ports: [{ name: "", port: 8080 }],
    endpoints: ips.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  });
const options = { clusterCidrs: ["10.244.0.0/16", "fd00:244::/64"], masqueradesAll: false, masqueradeBit: 14 };
const tableOf = (services: readonly Service[], slices: readonly EndpointSlice[], family: Family) =>
  serviceTable(
    {
      ports: forwardedPorts({ services, slices, family, node: "n", zone: undefined, allowsExternalIps: false }),
      nodePortAddresses: undefined,
    },
    { ...options, family },
  );

test("NETWORK-19: a Service of both families leads to its Pods by either, and refuses by the one that has no endpoint", {
  skip,
}, async () => {
  const web = service("web", 20, { type: "NodePort", ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] });
  const slices = families.map((family) => slice("web", family, [addresses.first[family]]));
  const loaders = { IPv4: tableLoader(onNode), IPv6: tableLoader(onNode) };
  for (const family of families) await loaders[family].load(tableOf([web], slices, family));
  await eventually("neighbours have found each other", 20, async () =>
    (await ask(second, "fd00:96::14", 80)) === "first" ? true : undefined,
  );
  assert.deepEqual([await ask(second, "10.96.0.20", 80), await ask(second, "fd00:96::14", 80)], ["first", "first"]);
  assert.deepEqual([await ask(first, "10.96.0.20", 80), await ask(first, "fd00:96::14", 80)], ["first", "first"], "itself, by its Service");
  assert.deepEqual([await ask(second, "10.244.0.1", 30080), await ask(second, "fd00:244::1", 30080)], ["first", "first"], "node ports");
  await loaders.IPv6.load(tableOf([web], slices.slice(0, 1), "IPv6"));
  assert.deepEqual([await ask(second, "10.96.0.20", 80), await ask(second, "fd00:96::14", 80)], ["first", "refused"]);
  assert.equal(await ask(second, "fd00:96::14", 81), "refused");
  for (const family of families) await loaders[family].clear({ family: family === "IPv4" ? "ip" : "ip6", name: "kube-proxy" });
});

test("NETWORK-20: a change among a thousand Services writes what changed; both ways the kernel holds the same rules", {
  skip,
}, async (context) => {
  const count = 1_000;
  const all = Array.from({ length: count }, (_, at) => service(`s${at}`, at + 1, at % 2 ? { sessionAffinity: "ClientIP" } : {}));
  const slices = all.map(({ metadata }) => slice(metadata.name, "IPv4", [addresses.first.IPv4, addresses.second.IPv4]));
  const loader = tableLoader(onNode);
  const timed = async (what: string, work: () => Promise<void>) => {
    const started = performance.now();
    await work();
    context.diagnostic(`${what}: ${Math.round(performance.now() - started)} ms`);
  };
  await timed("all of 1,000 Services", () => loader.load(tableOf(all, slices, "IPv4")));
  const fewer = all.filter((_, at) => at !== 500);
  const other = slices.map((one, at) => (at === 10 ? slice("s10", "IPv4", [addresses.first.IPv4]) : one)).filter((_, at) => at !== 500);
  await timed("one Service less, one endpoint less", () => loader.load(tableOf(fewer, other, "IPv4")));
  assert.doesNotMatch(await ask(second, "10.96.1.245", 80), /first|second/, "the address of nobody");
  assert.equal(await ask(second, "10.96.0.11", 80), "first");
  const listed = async () => sorted(await run("nsenter", `--net=/run/netns/${node}`, "nft", "-s", "list", "table", "ip", "kube-proxy"));
  const changed = await listed();
  await timed("all of them anew", () => tableLoader(onNode).load(tableOf(fewer, other, "IPv4")));
  assert.deepEqual(difference(changed, await listed()), []);
  await loader.clear({ family: "ip", name: "kube-proxy" });
});

test("NETWORK-20: after any changes whatever the kernel holds the same rules as if all were written", { skip }, async () => {
  let state = 12_345;
  const chance = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const warnings: string[] = [];
  const watched = { ...onNode, log: { ...onNode.log, warn: (message: string) => warnings.push(message) } } as World;
  const loader = tableLoader(watched);
  const policyLoader = tableLoader(watched);
  const listed = async (name: string) => sorted(await run("nsenter", `--net=/run/netns/${node}`, "nft", "-s", "list", "table", "ip", name));
  const some = () => Array.from({ length: chance(4) }, (_, at) => `10.244.0.${10 + at + chance(3)}`);
  const odd = (at: number): Service => {
    const outside = chance(2) ? ({ type: "LoadBalancer", externalTrafficPolicy: chance(2) ? "Local" : "Cluster" } as const) : {};
    const ranges = chance(2) ? { loadBalancerSourceRanges: ["192.0.2.0/24", "192.0.2.0/25"].slice(chance(2)) } : {};
    const made = service(`s${at}`, at + 1, {
      ...outside,
      ...("type" in outside && ranges),
      internalTrafficPolicy: chance(3) ? "Cluster" : "Local",
      sessionAffinity: chance(2) ? "ClientIP" : "None",
      ports: [{ port: 80 + chance(2), targetPort: 8080, ...("type" in outside && { nodePort: 30_000 + at }) }],
    });
    return { ...made, status: { loadBalancer: "type" in outside ? { ingress: [{ ip: `203.0.113.${at}`, ipMode: "VIP" }] } : {} } };
  };
  const oddPolicy = (at: number): NetworkPolicy =>
    complete(NetworkPolicy, {
      metadata: { name: `p${at}`, namespace: "default" },
      spec: {
        podSelector: chance(2) ? {} : { matchLabels: { app: `a${chance(3)}` } },
        ingress: [
          { from: chance(2) ? [{ podSelector: { matchLabels: { app: `a${chance(3)}` } } }] : [], ports: chance(2) ? [{ port: 80 }] : [] },
        ],
        policyTypes: chance(2) ? ["Ingress"] : ["Ingress", "Egress"],
      },
    });
  const rounds = 40;
  for (let round = 0; round < rounds; round += 1) {
    const services = Array.from({ length: 8 }, (_, at) => at)
      .filter(() => chance(4) > 0)
      .map(odd);
    const slices = services.map(({ metadata }) => slice(metadata.name, "IPv4", [...new Set(some())]));
    const table = tableOf(services, slices, "IPv4");
    await loader.load(table, chance(10) === 0);
    const pods = Array.from({ length: 5 }, (_, at) => at)
      .filter(() => chance(4) > 0)
      .map(
        (at) =>
          ({
            metadata: { name: `pod${at}`, namespace: "default", labels: { app: `a${chance(3)}` } },
            spec: { nodeName: chance(3) ? "n" : "other", containers: [] },
            status: { phase: "Running", podIPs: [{ ip: `10.244.0.${50 + at}` }] },
          }) as unknown as Pod,
      );
    const policies = Array.from({ length: chance(3) }, (_, at) => oddPolicy(at));
    const isolated = policyTable(isolatedPods({ policies, pods, namespaces: [], node: "n" }), "IPv4");
    await policyLoader.load(isolated);
    if (round % 8 !== 7) continue;
    const changed = [...(await listed("kube-proxy")), ...(await listed("kube-network-policies"))];
    await tableLoader(watched).load(table);
    await tableLoader(watched).load(isolated);
    const whole = [...(await listed("kube-proxy")), ...(await listed("kube-network-policies"))];
    assert.deepEqual(difference(changed, whole), [], `round ${round}`);
  }
  assert.deepEqual(warnings, [], "no change was refused");
  for (const name of ["kube-proxy", "kube-network-policies"]) await loader.clear({ family: "ip", name });
});

/** What only one of them has. */
function difference(left: readonly string[], right: readonly string[]): readonly string[] {
  return [...left.filter((one) => !right.includes(one)), ...right.filter((one) => !left.includes(one))];
}

/** Chains, and elements within sets, stand in the order in which they came: that makes no difference. Rules within chains do. */
function sorted(listing: string): readonly string[] {
  return listing
    .replace(/^table .*$/gm, "")
    .split("\n\n")
    .map((block) => block.split("\n").map((line) => line.replace(/^\s*(elements = )?\{?|[{},]*\s*$/g, "").trim()))
    .map((lines) => lines.filter((line) => line !== "" && line !== "}"))
    .filter((lines) => lines.length > 0)
    .map(([head, ...lines]) => [head, ...(head?.startsWith("chain") ? lines : lines.sort())].join("\n"))
    .sort();
}

test("NETWORK-21: whatever ranges and addresses users write, the kernel takes the rules, and they mean what they say", {
  skip,
}, async () => {
  const odd = complete(Service, {
    metadata: { name: "odd", namespace: "default" },
    spec: {
      type: "LoadBalancer",
      clusterIP: "10.96.0.30",
      clusterIPs: ["10.96.0.30"],
      ports: [
        { port: 80, targetPort: 8080, nodePort: 30080 },
        { name: "by-sctp", port: 80, targetPort: 8080, protocol: "SCTP", nodePort: 30080 },
      ],
      loadBalancerSourceRanges: ["10.244.0.6/24", "10.244.0.0/16", "10.244.0.6/32", " fd00::/8"],
    },
    status: { loadBalancer: { ingress: [{ ip: "203.0.113.9" }, { ip: "1.2.3.4 } ; flush ruleset" }, { ip: "not an address" }] } },
  });
  const loader = tableLoader(onNode);
  const own = slice("odd", "IPv4", [addresses.first.IPv4]);
  const ports = [...own.ports, { name: "by-sctp", protocol: "SCTP" as const, port: 8080 }];
  await loader.load(tableOf([odd], [{ ...own, ports }], "IPv4"));
  const listed = await run("nsenter", `--net=/run/netns/${node}`, "nft", "list", "map", "ip", "kube-proxy", "service-ips");
  assert.match(listed, /10\.96\.0\.30 \. sctp \. 80/);
  assert.equal(await ask(second, "203.0.113.9", 80), "first");
  await loader.clear({ family: "ip", name: "kube-proxy" });
});

test("NETWORK-310: policies hold for both families", { skip }, async () => {
  const pod = (name: string, own: { readonly IPv4: string; readonly IPv6: string }): Pod =>
    ({
      metadata: { name, namespace: "default", labels: { app: name } },
      spec: { nodeName: "n", containers: [] },
      status: { phase: "Running", podIP: own.IPv4, podIPs: [{ ip: own.IPv4 }, { ip: own.IPv6 }] },
    }) as unknown as Pod;
  const pods = [pod("first", addresses.first), pod("second", addresses.second)];
  const policy = (spec: Draft<NetworkPolicy["spec"]>) => complete(NetworkPolicy, { metadata: { name: "p", namespace: "default" }, spec });
  const loaders = { IPv4: tableLoader(onNode), IPv6: tableLoader(onNode) };
  const load = async (...policies: readonly NetworkPolicy[]) => {
    const isolated = isolatedPods({ policies, pods, namespaces: [], node: "n" });
    for (const family of families) await loaders[family].load(policyTable(isolated, family));
  };
  const seen = async () => [await ask(second, addresses.first.IPv4, 8080), await ask(second, addresses.first.IPv6, 8080)];
  assert.deepEqual(await seen(), ["first", "first"]);
  await load(policy({ podSelector: { matchLabels: { app: "first" } } }));
  assert.deepEqual(await seen(), ["silent", "silent"]);
  const web = service("web", 20);
  const proxies = { IPv4: tableLoader(onNode), IPv6: tableLoader(onNode) };
  for (const family of families) await proxies[family].load(tableOf([web], [slice("web", family, [addresses.first[family]])], family));
  assert.deepEqual([await ask(first, "10.96.0.20", 80), await ask(first, "fd00:96::14", 80)], ["first", "first"], "itself, by its Service");
  assert.deepEqual([await ask(second, "10.96.0.20", 80), await ask(second, "fd00:96::14", 80)], ["silent", "silent"]);
  for (const family of families) await proxies[family].clear({ family: family === "IPv4" ? "ip" : "ip6", name: "kube-proxy" });
  const block = (cidr: string, except: readonly string[] = []) =>
    policy({ podSelector: { matchLabels: { app: "first" } }, ingress: [{ from: [{ ipBlock: { cidr, except } }] }] });
  await load(block("fd00:244::/64", ["fd00:244::/80", "fd00:244::6/128"]));
  assert.deepEqual(await seen(), ["silent", "silent"]);
  await load(block("fd00:244::9/64", ["fd00:244::8/128"]));
  assert.deepEqual(await seen(), ["silent", "first"]);
  await load(block("0.0.0.0/0", ["10.244.0.0/30", "10.244.0.0/31"]));
  assert.deepEqual(await seen(), ["first", "silent"]);
  for (const family of families) await loaders[family].clear({ family: family === "IPv4" ? "ip" : "ip6", name: "kube-network-policies" });
});
