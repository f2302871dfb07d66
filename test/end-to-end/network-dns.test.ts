// Time limit: 10 minutes.
// What the cluster's name server answers, asked from Pods as programs ask it, on one node made for this file.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundledKeelson } from "../support/bundled.ts";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { nodeFor, nodePrograms } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, "curl");
const address = "192.168.87.20";

test("names in one cluster", { skip, timeout: 9 * 60_000 }, async (context) => {
  const { machine, kubectl, tryKubectl, apply } = await nodeFor(context, { name: uniqueName("e2e-names"), address });
  await apply(objects);
  await kubectl("wait --for=condition=Ready pod/asker pod/resolver --timeout=90s");
  const ipOf = (pod: string) => kubectl(`get pod ${pod} -o jsonpath={.status.podIP}`);
  const vipOf = (service: string) => kubectl(`get service ${service} -o jsonpath={.spec.clusterIP}`);
  const [asker, resolver] = await Promise.all([ipOf("asker"), ipOf("resolver")]);

  // Said at once, seen when the file has reached the Pod: the last test waits for it.
  const corefile = await kubectl("get configmap coredns -n kube-system -o jsonpath={.data.Corefile}");
  const stub = `corp.example:53 {\n    cache 30\n    forward . ${resolver}:5353\n}\n`;
  const patch = JSON.stringify({ data: { Corefile: `${corefile}\n${stub}` } });
  await kubectl(["patch", "configmap", "coredns", "-n", "kube-system", "-p", patch]);

  /** What Node's resolver says of these, by method and name; a failure by its code. */
  async function ask(...questions: readonly (readonly [method: string, name: string])[]): Promise<readonly unknown[]> {
    const script = `const dns = require("node:dns").promises;
Promise.all(${JSON.stringify(questions)}.map(([method, name]) => dns[method](name).catch(({ code }) => code))).then((all) => console.log(JSON.stringify(all)));`;
    return JSON.parse(await kubectl(["exec", "asker", "--", "/usr/lib/keelson/node", "-e", script]));
  }
  const one = async (method: string, name: string) => (await ask([method, name]))[0];
  const becomes = (what: string, method: string, name: string, wanted: unknown, seconds = 20) =>
    eventually(what, seconds, async () => (JSON.stringify(await one(method, name)) === JSON.stringify(wanted) ? true : undefined));

  await context.test(
    "NETWORK-100: a Service's name is its address; of the other family there is nothing, and what is no name is unknown",
    async () => {
      const [v4, v6, unknown, nowhere] = await ask(
        ["resolve4", "web.default.svc.cluster.local"],
        ["resolve6", "web.default.svc.cluster.local"],
        ["resolve4", "none.default.svc.cluster.local"],
        ["resolve4", "web.nowhere.svc.cluster.local"],
      );
      assert.deepEqual([v4, v6, unknown, nowhere], [[await vipOf("web")], "ENODATA", "ENOTFOUND", "ENOTFOUND"]);
    },
  );

  await context.test("NETWORK-101: a headless Service's name is its ready Pods' addresses, unready ones too where it says so", async () => {
    await becomes("ready ones", "resolve4", "pods.default.svc.cluster.local", [asker]);
    const all = (await one("resolve4", "everybody.default.svc.cluster.local")) as string[];
    assert.deepEqual([...all].sort(), [asker, await ipOf("unready")].sort());
    assert.equal(await one("resolve4", "empty.default.svc.cluster.local"), "ENOTFOUND");
  });

  await context.test("NETWORK-102: a Pod with host name and subdomain has a name of its own, as it sees itself", async () => {
    await becomes("its name", "resolve4", "alpha.pods.default.svc.cluster.local", [asker]);
    assert.equal(await kubectl("exec asker -- /usr/lib/keelson/node -p require('os').hostname()"), "alpha");
    assert.equal(await one("resolve4", "beta.pods.default.svc.cluster.local"), "ENOTFOUND");
  });

  await context.test("NETWORK-103: named ports are found by SRV, with the Service's name or the Pods' own", async () => {
    const [single, each, none] = await ask(
      ["resolveSrv", "_http._tcp.web.default.svc.cluster.local"],
      ["resolveSrv", "_http._tcp.pods.default.svc.cluster.local"],
      ["resolveSrv", "_http._udp.web.default.svc.cluster.local"],
    );
    const records = (found: unknown) =>
      (found as { name: string; port: number; priority: number; weight: number }[]).map(({ name, port, priority, weight }) =>
        [priority, weight, port, name].join(" "),
      );
    assert.deepEqual(records(single), ["0 100 80 web.default.svc.cluster.local"]);
    assert.deepEqual(records(each), ["0 100 8080 alpha.pods.default.svc.cluster.local"]);
    assert.equal(none, "ENOTFOUND");
  });

  await context.test("NETWORK-104: addresses of Services and of headless Services' Pods lead back to their names", async () => {
    // Node's `reverse` would look into /etc/hosts first.
    const backwards = (ip: string) => `${ip.split(".").reverse().join(".")}.in-addr.arpa`;
    const [service, pod] = await ask(["resolvePtr", backwards(await vipOf("web"))], ["resolvePtr", backwards(asker)]);
    assert.deepEqual(service, ["web.default.svc.cluster.local"]);
    const sixteen = `5.${"0.".repeat(23)}4.4.2.0.0.0.d.f.ip6.arpa`;
    const [six, its, none] = await ask(
      ["resolve6", "sixes.default.svc.cluster.local"],
      ["resolvePtr", sixteen],
      ["resolvePtr", `6${sixteen.slice(1)}`],
    );
    assert.deepEqual([six, its], [["fd00:244::5"], ["six.sixes.default.svc.cluster.local"]]);
    assert.match(String(none), /^E/);
    assert.match(String(pod), /^(alpha\.pods|alpha\.everybody|\d+-\d+-\d+-\d+\.(pods|everybody))\.default\.svc\.cluster\.local$/);
  });

  await context.test("NETWORK-105: an ExternalName is another name, inside or outside, until the Service is something else", async () => {
    const [cname, followed, twice] = await ask(
      ["resolveCname", "alias.default.svc.cluster.local"],
      ["resolve4", "alias.default.svc.cluster.local"],
      ["resolve4", "alias-of-alias.default.svc.cluster.local"],
    );
    const vip = await vipOf("web");
    assert.deepEqual([cname, followed, twice], [["web.default.svc.cluster.local"], [vip], [vip]]);
    await kubectl(["patch", "service", "alias", "-p", '{"spec":{"externalName":"kubernetes.default.svc.cluster.local"}}']);
    await becomes("the other name", "resolveCname", "alias.default.svc.cluster.local", ["kubernetes.default.svc.cluster.local"]);
    await kubectl(["patch", "service", "alias", "-p", '{"spec":{"type":"ClusterIP","externalName":null,"ports":[{"port":80}]}}']);
    await becomes("an address of its own", "resolve4", "alias.default.svc.cluster.local", [await vipOf("alias")]);
  });

  await context.test(
    "NETWORK-106: an address with dashes is a Pod's name; the version of these rules is told; the zone has a server",
    async () => {
      const [pod, version, servers, server] = await ask(
        ["resolve4", `${asker.replaceAll(".", "-")}.default.pod.cluster.local`],
        ["resolveTxt", "dns-version.cluster.local"],
        ["resolveNs", "cluster.local"],
        ["resolve4", "ns.dns.cluster.local"],
      );
      const self = await kubectl("get service kube-dns -n kube-system -o jsonpath={.spec.clusterIP}");
      assert.deepEqual([pod, version, servers, server], [[asker], [["1.1.0"]], ["ns.dns.cluster.local"], [self]]);
    },
  );

  await context.test("NETWORK-107: the short names of a Pod's search list lead there, by the C library too", async () => {
    const vip = await vipOf("web");
    for (const found of await ask(...["web", "web.default", "web.default.svc"].map((name) => ["lookup", name] as const)))
      assert.deepEqual(found, { address: vip, family: 4 });
    assert.equal(await one("lookup", "none.default.svc.cluster.local"), "ENOTFOUND");
  });

  await context.test("NETWORK-108: what is too long for a datagram comes by TCP", async () => {
    assert.equal(((await one("resolve4", "hundred.default.svc.cluster.local")) as string[]).length, 100);
  });

  await context.test("NETWORK-109: health at 8080, readiness at 8181, metrics at 9153", async () => {
    const pod = await kubectl("get pods -n kube-system -l k8s-app=kube-dns -o jsonpath={.items[0].status.podIP}");
    assert.equal(await machine.sh(`curl -sS http://${pod}:8080/health`), "OK");
    assert.equal(await machine.sh(`curl -sS http://${pod}:8181/ready`), "OK");
    const metrics = await machine.sh(`curl -sS http://${pod}:9153/metrics`);
    assert.match(metrics, /^coredns_dns_requests_total\{server="dns:\/\/:53",zone="cluster\.local\.",proto="udp",type="A"\} [1-9]/m);
    assert.match(metrics, /^coredns_dns_responses_total\{server="dns:\/\/:53",zone="cluster\.local\.",rcode="NXDOMAIN"\} [1-9]/m);
  });

  await context.test(
    "NETWORK-110: a domain in the Corefile is asked for at its own resolver, without a restart; its answers are kept",
    async () => {
      await becomes("the resolver's answer", "resolve4", "wiki.corp.example", ["192.0.2.77"], 150);
      for (let at = 0; at < 5; at += 1) assert.deepEqual(await one("resolve4", "wiki.corp.example"), ["192.0.2.77"]);
      const asked = (await kubectl("logs resolver")).split("\n").filter((line) => line === "wiki.corp.example");
      assert.ok(asked.length <= 3, `asked ${asked.length} times`);
      assert.equal(await one("resolve4", "missing.corp.example"), "ENOTFOUND");
      assert.equal(
        await kubectl("get pods -n kube-system -l k8s-app=kube-dns -o jsonpath={.items[*].status.containerStatuses[0].restartCount}"),
        "0",
      );
    },
  );

  await context.test(
    "NETWORK-111: kubectl scale says how many name servers there are, and `keelson up` leaves that and the Corefile alone",
    async () => {
      await kubectl("scale deployment coredns -n kube-system --replicas=2");
      await kubectl("rollout status deployment coredns -n kube-system --timeout=60s");
      const up = await machine.run([...(await bundledKeelson()), "up"]);
      assert.equal(up.code, 0, up.stderr);
      assert.equal(await kubectl("get deployment coredns -n kube-system -o jsonpath={.spec.replicas}"), "2");
      assert.match(await kubectl("get configmap coredns -n kube-system -o jsonpath={.data.Corefile}"), /corp\.example/);
      await eventually("both are behind the Service", 30, async () =>
        (await tryKubectl("get endpoints kube-dns -n kube-system -o jsonpath={.subsets[0].addresses[*].ip}")).stdout.split(" ").length === 2
          ? true
          : undefined,
      );
    },
  );

  await context.test("NETWORK-112: while name servers are replaced one by one, every question is answered", async () => {
    const script = `const dns = require("node:dns").promises; let [asked, failed] = [0, 0]; let ended = false;
process.on("SIGTERM", () => { ended = true; });
(async () => { while (!ended) { const resolver = new dns.Resolver({ timeout: 5000, tries: 1 }); asked += 1;
  await resolver.resolve4("web.default.svc.cluster.local").catch((e) => { failed += 1; console.log(e.code); });
  await new Promise((resolve) => setTimeout(resolve, 20)); } console.log(JSON.stringify({ asked, failed })); })();`;
    await apply(nodePod("steady", script, "app: steady"));
    await kubectl("wait --for=condition=Ready pod/steady --timeout=60s");
    await kubectl("rollout restart deployment coredns -n kube-system");
    await kubectl("rollout status deployment coredns -n kube-system --timeout=90s");
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    const log = tryKubectl("logs -f steady");
    await kubectl("delete pod steady --grace-period=10");
    const { asked, failed } = JSON.parse((await log).stdout.trim().split("\n").at(-1) ?? "{}");
    assert.ok(asked > 50, `asked ${asked} times`);
    assert.equal(failed, 0);
  });
});

const resolverProgram = `const s = require("node:dgram").createSocket("udp4");
s.on("message", (m, { port, address }) => {
  let name = "", at = 12;
  while (m[at]) { name += (name && ".") + m.subarray(at + 1, at + 1 + m[at]); at += m[at] + 1; }
  console.log(name.toLowerCase());
  const known = name.toLowerCase() === "wiki.corp.example" && m.readUInt16BE(at + 1) === 1;
  const head = Buffer.from(m.subarray(0, at + 5));
  head.writeUInt16BE(known ? 0x8580 : 0x8583, 2); head.writeUInt16BE(known ? 1 : 0, 6); head.writeUInt32BE(0, 8);
  s.send(known ? Buffer.concat([head, Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77])]) : head, port, address);
}).bind(5353);`;

const nodePod = (name: string, text: string, labels: string, more = "", container = "") => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {${labels}}}
spec:
  terminationGracePeriodSeconds: 0
  ${more}
  containers:
  - name: main
    image: keelson/hello
    command: [/usr/lib/keelson/node, -e, ${JSON.stringify(text)}]
    ${container}
---`;

const objects = `${nodePod("asker", "setInterval(() => {}, 1000);", "app: asker, every: body", "hostname: alpha\n  subdomain: pods")}
${nodePod("unready", "setInterval(() => {}, 1000);", "every: body", "", 'readinessProbe: {exec: {command: ["/absent"]}}')}
${nodePod("resolver", resolverProgram, "app: resolver")}
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: asker}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: pods}
spec: {clusterIP: None, selector: {app: asker}, ports: [{name: http, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: everybody}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {every: body}}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {clusterIP: None, selector: {app: nobody}}
---
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: web.default.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: alias-of-alias}
spec: {type: ExternalName, externalName: alias.default.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: sixes}
spec: {clusterIP: None}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: sixes-1, labels: {kubernetes.io/service-name: sixes}}
addressType: IPv6
ports: []
endpoints: [{addresses: ["fd00:244::5"], hostname: six, conditions: {ready: true}}]
---
apiVersion: v1
kind: Service
metadata: {name: hundred}
spec: {clusterIP: None}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: hundred-1, labels: {kubernetes.io/service-name: hundred}}
addressType: IPv4
ports: []
endpoints: [${Array.from({ length: 100 }, (_, at) => `{addresses: [198.51.100.${at}], conditions: {ready: true}}`).join(", ")}]
---`;
