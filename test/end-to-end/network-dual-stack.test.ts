// Time limit: 10 minutes.
// Clusters with addresses of both families: two machines of one link and one behind a router, the second under systemd; then IPv6 first, and
// IPv6 alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { labBoot, labCrash } from "#lab/lab.ts";
import { joinedMachine, joinWords, keelsonIn } from "../support/lab-cluster.ts";
import { cannotMakeMachines, eventually, machineFor, type TestMachine, uniqueName, world } from "../support/lab-machine.ts";
import { nodeFor, nodePrograms } from "../support/lab-node.ts";
import { networkListing } from "../support/machine-listing.ts";

const skip = cannotMakeMachines(...nodePrograms, "ctr", "curl", "/lib/systemd/systemd");
const program = "/usr/lib/keelson/node";
const pods = "10.42.0.0/16,fd00:42::/56";
const services = "10.43.0.0/16,fd00:43::/112";
const ranges = ["--pod-network-cidr", pods, "--service-cidr", services];
const families = ["IPv4", "IPv6"] as const;

interface Told {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly podCIDR?: string;
    readonly podCIDRs?: readonly string[];
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly ipFamilies?: readonly string[];
    readonly ipFamilyPolicy?: string;
    readonly ports?: readonly { readonly nodePort: number }[];
  };
  readonly status: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly hostIP?: string;
    readonly hostIPs?: readonly { readonly ip: string }[];
  };
}

const url = (host: string, port: number) => `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;

test("a cluster of both families", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("dual"), address: "192.168.89.10,fd00:89::10", flags: ranges });
  const { machine, kubectl, tryKubectl, apply } = lab;
  const near = await joinedMachine(context, lab, { name: uniqueName("dual-2"), address: "192.168.89.11,fd00:89::11", systemd: true });
  const far = await machineFor(context, { name: uniqueName("dual-3"), address: "192.168.90.10,fd00:90::10", fabric: machine.name });
  const before = await listingOf(far);
  assert.equal((await keelsonIn(far, ...(await joinWords(lab)))).code, 0);
  const machines = [machine, near.machine, far];
  const own: Readonly<Record<(typeof families)[number], readonly string[]>> = {
    IPv4: ["192.168.89.10", "192.168.89.11", "192.168.90.10"],
    IPv6: ["fd00:89::10", "fd00:89::11", "fd00:90::10"],
  };
  const nodes = machines.map(({ name }) => `keelson-${name}`);
  await apply(nodes.map((node, at) => podOn(node, at)).join("---\n") + objects);
  await kubectl("wait --for=condition=Ready pod/pod-0 pod/pod-1 pod/pod-2 --timeout=60s");
  const get = async (what: string) => JSON.parse(await kubectl(`get ${what} -o json`)) as Told;
  const addressesOf = async (pod: string) => ((await get(`pod ${pod}`)).status.podIPs ?? []).map(({ ip }) => ip);

  /** What the servers there say of who asks, by one Pod; what went wrong otherwise. */
  async function askAll(pod: string, targets: readonly string[]): Promise<readonly string[]> {
    const script = `Promise.all(${JSON.stringify(targets)}.map((target) => fetch(target, { signal: AbortSignal.timeout(3000) })
      .then((a) => a.text(), (e) => String(e.cause ?? e)))).then((all) => (console.log(JSON.stringify(all)), process.exit()))`;
    return JSON.parse(await kubectl(["exec", pod, "--", program, "-e", script]));
  }
  const ask = async (pod: string, host: string, port = 8080) => (await askAll(pod, [url(host, port)]))[0] as string;
  /** Every Pod reaches every other by both families, and is seen there with its own address. */
  async function assertMesh(): Promise<void> {
    const all = await Promise.all([0, 1, 2].map((at) => addressesOf(`pod-${at}`)));
    for (const [from, source] of all.entries()) {
      const targets = all.flat();
      const answers = await askAll(
        `pod-${from}`,
        targets.map((target) => url(target, 8080)),
      );
      assert.deepEqual(
        answers,
        targets.map((_, at) => source[at % 2]),
        `pod-${from} to ${targets.join(", ")}`,
      );
    }
  }

  await context.test("NETWORK-230: Nodes have a part of each range and an address of each family, Pods an address of each", async () => {
    for (const [at, name] of nodes.entries()) {
      const { spec, status } = await get(`node ${name}`);
      assert.deepEqual(spec.podCIDRs, [`10.42.${at}.0/24`, at === 0 ? "fd00:42::/64" : `fd00:42:0:${at}::/64`]);
      assert.equal(spec.podCIDR, spec.podCIDRs?.[0]);
      const internal = (status.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address);
      assert.deepEqual(internal, [own.IPv4[at], own.IPv6[at]]);
      const pod = await get(`pod pod-${at}`);
      const [first, second, ...more] = (pod.status.podIPs ?? []).map(({ ip }) => ip);
      assert.match(first ?? "", new RegExp(`^10\\.42\\.${at}\\.`));
      assert.match(second ?? "", at === 0 ? /^fd00:42::/ : new RegExp(`^fd00:42:0:${at}::`));
      assert.deepEqual([more, pod.status.podIP], [[], first]);
      assert.deepEqual([pod.status.hostIP, pod.status.hostIPs], [internal[0], internal.map((ip) => ({ ip }))]);
    }
    const proxy = await get(`pod kube-apiserver-${nodes[0]} -n kube-system`);
    assert.deepEqual(
      proxy.status.podIPs,
      families.map((family) => ({ ip: own[family][0] })),
      "a Pod on the node's network has the node's addresses",
    );
    const said = await kubectl(["exec", "pod-1", "--", program, "-p", "process.env.IPS + ' ' + process.env.HOST_IPS"]);
    assert.equal(said, `${(await addressesOf("pod-1")).join(",")} ${own.IPv4[1]},${own.IPv6[1]}`);
  });

  await context.test("NETWORK-231: Pods reach each other by both families, on one link by routes and else through tunnels", async () => {
    await assertMesh();
    assert.match(await machine.sh("ip -6 route show proto 157"), /^fd00:42:0:1::\/64 via fd00:89::11 dev eth0/m);
    assert.match(await machine.sh("ip -6 route show proto 157"), /^fd00:42:0:2::\/64 via fd00:42:0:2:: dev keelson-vxlan6 .*onlink/m);
    const [, there] = await addressesOf("pod-2");
    const big = `require("node:http").get("${url(there as string, 8080)}" + "x".repeat(8000), (a) => (console.log(a.statusCode), process.exit()))`;
    assert.equal(await kubectl(["exec", "pod-1", "--", program, "-e", big]), "200");
    const all = (await Promise.all([0, 1, 2].map((at) => addressesOf(`pod-${at}`)))).flat();
    for (const from of machines)
      await fromMachine(
        from,
        all.map((address) => url(address, 8080)),
      );
  });

  await context.test(
    "NETWORK-232: a Pod's addresses are its own from its first moment, without being looked for elsewhere first",
    async () => {
      const read = `fs.readFileSync("/proc/net/if_inet6", "utf8") + fs.readFileSync("/proc/sys/net/ipv6/conf/eth0/accept_dad", "utf8")`;
      const said = await kubectl(["exec", "pod-0", "--", program, "-p", read]);
      assert.match(said, /^fd00004200000000[0-9a-f]{16} \S+ 40 00 80 +eth0$/m, "neither tentative nor in doubt");
      assert.match(said, /^0$/m);
      assert.equal(await machine.sh("cat /proc/sys/net/ipv6/conf/cni0/accept_dad"), "0");
      // Asked by the Pod's first process in its first moment.
      const [, target] = await addressesOf("pod-1");
      await apply(onceAsking("first-moment", nodes[2] as string, url(target as string, 8080)));
      await eventually("it has asked", 30, async () =>
        (await kubectl("get pod first-moment -o jsonpath={.status.phase}")) === "Succeeded" ? true : undefined,
      );
      const [answer = "", milliseconds = ""] = (await kubectl("logs first-moment")).split(" ");
      assert.equal(answer, (await addressesOf("first-moment"))[1]);
      assert.ok(Number(milliseconds) < 900, `the first answer took ${milliseconds} ms`);
    },
  );

  await context.test(
    "NETWORK-233: Services have an address of the first family unless both are asked for, and lead to Pods by both",
    async () => {
      const [single, preferred, required, kubernetes, dns] = await Promise.all(
        ["service single", "service preferred", "service required", "service kubernetes", "service kube-dns -n kube-system"].map(get),
      );
      for (const one of [single, kubernetes, dns])
        assert.deepEqual([one?.spec.ipFamilyPolicy, one?.spec.ipFamilies, one?.spec.clusterIPs?.length], ["SingleStack", ["IPv4"], 1]);
      assert.deepEqual([kubernetes?.spec.clusterIP, dns?.spec.clusterIP], ["10.43.0.1", "10.43.0.10"]);
      assert.deepEqual(preferred?.spec.ipFamilies, ["IPv4", "IPv6"]);
      assert.deepEqual(required?.spec.ipFamilies, ["IPv6", "IPv4"]);
      const sources = await Promise.all([0, 1, 2].map((at) => addressesOf(`pod-${at}`)));
      for (const { spec } of [preferred, required] as Told[])
        for (const [at, family] of (spec.ipFamilies ?? []).entries()) {
          const address = spec.clusterIPs?.[at] as string;
          assert.match(address, family === "IPv4" ? /^10\.43\./ : /^fd00:43::/);
          // The Pod behind it sees who asks, but for itself.
          for (const from of [1, 2]) assert.equal(await ask(`pod-${from}`, address, 80), sources[from]?.[family === "IPv4" ? 0 : 1]);
          assert.match(await ask("pod-0", address, 80), /^(10\.42\.0|fd00:42::)/, "the Pod behind it reaches itself by it");
          for (const from of machines) await fromMachine(from, [url(address, 80)]);
        }
      const port = preferred?.spec.ports?.[0]?.nodePort as number;
      for (const from of machines)
        await fromMachine(
          from,
          [...own.IPv4, ...own.IPv6].map((address) => url(address, port)),
        );
      for (const from of machines)
        await fromMachine(
          from,
          [own.IPv4[0], own.IPv6[0]].map((address) => url(address as string, 20_389)),
        );
      const names = `Promise.all(["preferred", "single"].flatMap((name) => ["resolve4", "resolve6"].map((how) =>
      dns.promises[how](name + ".default.svc.cluster.local").catch(({ code }) => code)))).then((all) => console.log(JSON.stringify(all)))`;
      assert.deepEqual(JSON.parse(await kubectl(["exec", "pod-2", "--", program, "-e", names])), [
        [preferred?.spec.clusterIPs?.[0]],
        [preferred?.spec.clusterIPs?.[1]],
        [single?.spec.clusterIP],
        "ENODATA",
      ]);
    },
  );

  await context.test("NETWORK-234: NetworkPolicies hold for both families", async () => {
    const targets = (await addressesOf("pod-0")).map((address) => url(address, 8080));
    const reached = async () => {
      const answers = await Promise.all([1, 2].map((from) => askAll(`pod-${from}`, targets)));
      return answers.flat().map((answer) => answer.includes("42"));
    };
    const becomes = (what: string, wanted: readonly boolean[]) =>
      eventually(what, 30, async () => ((await reached()).join() === wanted.join() ? true : undefined));
    await apply(policy("podSelector: {matchLabels: {at: '1'}}"));
    await becomes("only the one Pod comes in, by both", [true, true, false, false]);
    await apply(policy("ipBlock: {cidr: 'fd00:42:0:2::/64'}"));
    await becomes("only a range of IPv6 comes in", [false, false, false, true]);
    await kubectl("delete networkpolicy only");
    await becomes("everybody comes in again", [true, true, true, true]);
  });

  await context.test(
    "NETWORK-235: Pods reach the outside under the node's address of the family, and nothing else of them leaves",
    async () => {
      // The router between the two links is no node; it counts what comes to it.
      const router = (script: string) =>
        world.processes.run("ip", ["netns", "exec", `keelson-${machine.name}.outside`, "sh", "-c", script]);
      const server = 'require("node:http").createServer((q, r) => r.end(q.socket.remoteAddress)).listen(8088, "::")';
      const { stdout } = await router(`${process.execPath} -e '${server}' >/dev/null 2>&1 </dev/null & echo $!
nft -f - <<end
table ip6 seen {
  chain incoming {
    type filter hook prerouting priority 0;
    ip6 daddr { fd00:42:0:77::/64, fd00:43::/112 } counter comment "nobody"
    ip6 daddr fd00:89::1 counter comment "router"
  }
}
end`);
      try {
        const asked = async (pod: string, host: string) => (await ask(pod, host, 8088)).replace("::ffff:", "");
        await eventually("it answers", 10, async () => ((await asked("pod-0", "fd00:89::1")).includes(":89::") ? true : undefined));
        assert.equal(await asked("pod-0", "fd00:89::1"), "fd00:89::10");
        assert.equal(await asked("pod-1", "fd00:89::1"), "fd00:89::11");
        assert.equal(await asked("pod-2", "fd00:89::1"), "fd00:90::10");
        assert.equal(await asked("pod-1", "192.168.89.1"), "192.168.89.11");
        for (const from of machines)
          for (const nobody of ["fd00:42:0:77::7", "fd00:43::7777"])
            assert.notEqual((await from.run(["curl", "-gs", "--max-time", "1", url(nobody, 80)])).code, 0);
        for (const nobody of ["fd00:42:0:77::7", "fd00:43::7777"]) assert.doesNotMatch(await ask("pod-1", nobody), /^fd00/);
        const counted = (await router("nft list table ip6 seen")).stdout;
        assert.match(counted, /packets 0 bytes 0 comment "nobody"/);
        assert.match(counted, /packets [1-9][0-9]* bytes [0-9]+ comment "router"/);
      } finally {
        world.processes.signal(Number(stdout), "SIGKILL");
      }
    },
  );

  await context.test("NETWORK-236: up and join may be repeated, and machines that lost their power return with both families", async () => {
    const heard = "cat /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv6/conf/eth0/accept_ra";
    assert.equal(await machine.sh(heard), "1\n2", "it forwards, and hears the router's advertisements all the same");
    const containers = await machine.sh("ctr -n k8s.io containers ls -q | sort");
    const again = await keelsonIn(machine, "up", ...ranges);
    assert.equal(again.code, 0, again.text);
    assert.equal(await machine.sh("ctr -n k8s.io containers ls -q | sort"), containers, "up once more changes nothing");
    const joinedAgain = await keelsonIn(near.machine, ...(await joinWords(lab)));
    assert.equal(joinedAgain.code, 0, joinedAgain.text);
    const other = await keelsonIn(machine, "up", "--pod-network-cidr", "10.42.0.0/16", "--service-cidr", "10.43.0.0/16");
    assert.match(other.text, /was made with podRange 10\.42\.0\.0\/16,fd00:42::\/56/);
    for (const { name } of [machine, near.machine]) {
      const bootOf = async () =>
        (JSON.parse(await kubectl(`get node keelson-${name} -o json`)) as { status: { nodeInfo: object } }).status.nodeInfo;
      const old = JSON.stringify(await bootOf());
      await labCrash(world, name);
      await labBoot(world, name);
      await eventually(`${name} says that it started anew`, 90, async () =>
        (await bootOf().then(JSON.stringify, () => old)) === old ? undefined : true,
      );
    }
    for (const one of [machine, near.machine]) assert.equal(await one.sh(heard), "1\n2");
    await eventually("all Pods are Ready", 90, async () =>
      (await tryKubectl("wait --for=condition=Ready pod/pod-0 pod/pod-1 pod/pod-2 --timeout=1s")).code === 0 ? true : undefined,
    );
    await eventually("all Pods reach each other", 60, () =>
      assertMesh().then(
        () => true,
        () => undefined,
      ),
    );
    const { spec } = await get("service preferred");
    for (const address of spec.clusterIPs ?? [])
      await eventually(`the Service leads there by ${address}`, 30, async () =>
        (await ask("pod-1", address, 80)).includes("42") ? true : undefined,
      );
  });

  await context.test("NETWORK-237: down leaves nothing of either family", async () => {
    const { code, text } = await keelsonIn(far, "down");
    assert.equal(code, 0, text);
    assert.deepEqual(await listingOf(far), before);
    await kubectl(`delete node ${nodes[2]}`);
    await eventually("its ways are gone", 15, async () =>
      /keelson-vxlan/.test(await machine.sh("ip -6 route show proto 157; ip route show proto 157; ip -o link")) ? undefined : true,
    );
  });
});

test("ranges and addresses of both families that do not go together", { skip, timeout: 120_000 }, async (context) => {
  const machine = await machineFor(context, { name: uniqueName("dual-wrong"), address: "192.168.91.10,fd00:91::10" });
  const before = await listingOf(machine);

  await context.test("NETWORK-238: are refused before anything is touched, with what is wrong", async () => {
    const refused = async (why: RegExp, podRange: string, serviceRange: string, ...more: readonly string[]) => {
      const { code, text } = await keelsonIn(machine, "up", "--pod-network-cidr", podRange, "--service-cidr", serviceRange, ...more);
      assert.equal(code, 1, text);
      assert.match(text, why);
    };
    await refused(/has more than one range of a family/, "10.42.0.0/16,10.44.0.0/16", services);
    await refused(
      /--pod-network-cidr 10\.42\.0\.0\/16,fd00:42::\/56 is of IPv4 and IPv6, and --service-cidr .* of IPv4/,
      pods,
      "10.43.0.0/16",
    );
    await refused(/is of IPv4 and IPv6, and --service-cidr .* of IPv6 and IPv4/, pods, "fd00:43::/112,10.43.0.0/16");
    await refused(/the ranges of Pods fd00:42::\/56 and of Services fd00:42::\/112 overlap/, pods, "10.43.0.0/16,fd00:42::/112");
    await refused(/--pod-network-cidr fd00::\/32 is too large/, "10.42.0.0/16,fd00::/32", services);
    await refused(/--pod-network-cidr fd00:42::\/72 is too small/, "10.42.0.0/16,fd00:42::/72", services);
    await refused(/--service-cidr fd00:43::\/64 is too large/, pods, "10.43.0.0/16,fd00:43::/64");
    await refused(/"fd00:42::1\/56" is not a range of IPv6 addresses/, "10.42.0.0/16,fd00:42::1/56", services);
    await refused(/fd00:91::10 lies in fd00:91::\/56/, "10.42.0.0/16,fd00:91::/56", services, "--node-ip", "192.168.91.10,fd00:91::10");
    await refused(/has more than one address of a family/, pods, services, "--node-ip", "192.168.91.10,192.168.91.11");
    await refused(/--node-ip fd00:91::10 is of IPv6, and Pods have addresses of IPv4 and IPv6/, pods, services, "--node-ip", "fd00:91::10");
    await machine.sh("ip -6 address del fd00:91::10/64 dev eth0");
    await refused(/this machine has no IPv6 address that others could reach/, pods, services);
    await machine.sh("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6");
    await refused(/IPv6 is switched off on this machine/, pods, services);
    await machine.sh(
      "echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6; ip -6 address add fd00:91::10/64 dev eth0 nodad; ip -6 route add default via fd00:91::1",
    );
    assert.deepEqual(await listingOf(machine), before);
  });

  await context.test("NETWORK-239: IPv6 may be the first family, or the only one", async () => {
    const kubectl = (words: string) => machine.sh(`KUBECONFIG=/etc/kubernetes/admin.conf kubectl --cache-dir=/dev/shm/kubectl ${words}`);
    for (const [podRange, serviceRange, cluster] of [
      ["fd00:42::/56,10.42.0.0/16", "fd00:43::/112,10.43.0.0/16", ["fd00:91::10", "192.168.91.10"]],
      ["fd00:42::/56", "fd00:43::/112", ["fd00:91::10"]],
    ] as const) {
      const { code, text } = await keelsonIn(machine, "up", "--pod-network-cidr", podRange, "--service-cidr", serviceRange);
      assert.equal(code, 0, text);
      const node = JSON.parse(await kubectl("get nodes -o json")) as { items: readonly Told[] };
      const internal = (node.items[0]?.status.addresses ?? []).filter(({ type }) => type === "InternalIP");
      assert.deepEqual(
        internal.map(({ address }) => address),
        cluster,
      );
      await kubectl("create deployment hello --image=keelson/hello");
      await kubectl("expose deployment hello --port=80 --target-port=8080");
      await kubectl("rollout status deployment/hello --timeout=60s");
      assert.match(
        await kubectl("get pods -l app=hello -o jsonpath='{.items[0].status.podIP} {.items[0].status.podIPs[*].ip}'"),
        /^fd00:42::\S+ fd00:42::/,
      );
      assert.equal(
        await kubectl("get service kubernetes -o jsonpath='{.spec.clusterIP} {.spec.ipFamilyPolicy}'"),
        "fd00:43::1 SingleStack",
      );
      assert.equal(
        await kubectl("get endpointslice kubernetes -o jsonpath='{.addressType} {.endpoints[0].addresses[0]}'"),
        "IPv6 fd00:91::10",
      );
      const page = `fetch("http://hello.default.svc.cluster.local/").then((r) => r.text()).then((t) => console.log(t))`;
      const asked = () => kubectl(`exec deploy/hello -- ${program} -e '${page}'`).catch(() => undefined);
      assert.match(await eventually("the page", 15, asked), /^Hello from Pod hello-/);
      const down = await keelsonIn(machine, "down");
      assert.equal(down.code, 0, down.text);
    }
    assert.deepEqual(await listingOf(machine), before);
  });
});

async function fromMachine(machine: TestMachine, targets: readonly string[]): Promise<void> {
  const asked = targets.map((target) => `curl -gs --max-time 5 -o /dev/null "${target}" || echo "${target}"`).join("; ");
  assert.equal(await machine.sh(asked), "", `not reached by ${machine.name}`);
}

async function listingOf(machine: TestMachine): Promise<readonly string[]> {
  const lines = (await machine.sh(networkListing)).split("\n");
  return lines.filter((line) => !/^route .*fe80|^route (multicast|anycast)/.test(line)).sort();
}

const server = `require("node:http").createServer((q, r) => r.end(q.socket.remoteAddress.replace("::ffff:", ""))).listen(8080, "::")`;

const podOn = (node: string, at: number) => `
apiVersion: v1
kind: Pod
metadata: {name: pod-${at}, labels: {app: who, at: "${at}"}}
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 0
  containers:
  - name: who
    image: keelson/hello
    imagePullPolicy: IfNotPresent
    command: [${program}, -e, '${server}']
    ${at === 0 ? "ports: [{containerPort: 8080, hostPort: 20389}]" : ""}
    env:
    - {name: IPS, valueFrom: {fieldRef: {fieldPath: status.podIPs}}}
    - {name: HOST_IPS, valueFrom: {fieldRef: {fieldPath: status.hostIPs}}}
`;

const onceAsking = (name: string, node: string, address: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  nodeName: ${node}
  restartPolicy: Never
  containers:
  - name: asks
    image: keelson/hello
    imagePullPolicy: IfNotPresent
    command: [${program}, -e, 'const from = performance.now(); fetch("${address}").then((a) => a.text()).then((t) => console.log(t, Math.round(performance.now() - from)))']
`;

const service = (name: string, spec: string) => `---
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {selector: {at: "0"}, ports: [{port: 80, targetPort: 8080}], ${spec}}
`;

const objects =
  service("single", "type: ClusterIP") +
  service("preferred", "type: NodePort, ipFamilyPolicy: PreferDualStack") +
  service("required", "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6, IPv4]");

const policy = (from: string) => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only}
spec: {podSelector: {matchLabels: {at: "0"}}, ingress: [{from: [{${from}}]}]}
`;
