// Time limit: 10 minutes.
// Where connections to Services go: real Pods, real kernel, on one node made for this file, with a client outside of the cluster.
// Endpoints "elsewhere" are Pods of this node too, told by EndpointSlices to be on another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cannotMakeMachines, eventually, node as program, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startBox, startRegistry } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl", "conntrack");
const address = "192.168.84.20";
/** A client behind another interface of the node, and the node's address there. */
const outside = { client: "192.0.2.2", node: "192.0.2.1" };

test("Services on one node", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-services"), address });
  const { machine, kubectl, tryKubectl, apply } = lab;
  await startRegistry(machine);
  await machine.sh(`ip netns add outside
ip link add inner type veth peer name outer netns outside
ip addr add ${outside.node}/24 dev inner && ip link set inner up
ip -n outside addr add ${outside.client}/24 dev outer && ip -n outside link set outer up && ip -n outside link set lo up
ip -n outside route add default via ${outside.node}`);
  const created = apply(objects);
  await startBox(lab, "box");
  await created;
  await kubectl("wait --for=condition=Ready pod/one pod/two pod/lingering pod/udp-1 pod/port-a pod/port-b pod/port-c --timeout=90s");
  const node = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
  const ipOf = (pod: string) => kubectl(`get pod ${pod} -o jsonpath={.status.podIP}`);
  const [one, two, box] = await Promise.all([ipOf("one"), ipOf("two"), ipOf("box")]);
  const vipOf = (service: string) => kubectl(`get service ${service} -o jsonpath={.spec.clusterIP}`);

  /** "NAME CLIENT" as a Pod answered, or why not: "refused", "silent". */
  const told = ({ code, stdout, stderr }: { readonly code: number; readonly stdout: string; readonly stderr: string }) =>
    code === 0 ? stdout.trim() : /refused|exit code 7$/m.test(`${stderr} exit code ${code}`) ? "refused" : "silent";
  const fromPod = async (host: string, port = 80, pod = "box") =>
    told(await tryKubectl(["exec", pod, "--", "timeout", "2", "wget", "-q", "-O-", `http://${host}:${port}/cgi-bin/who`]));
  const curl = async (...words: readonly string[]) => {
    const { code = -1, stdout, stderr } = await machine.run([...words]);
    return told({ code, stdout, stderr });
  };
  const fromNode = (host: string, port = 80) => curl("curl", "-sS", "--max-time", "2", `http://${host}:${port}/cgi-bin/who`);
  const fromOutside = (host: string, port: number) =>
    curl("nsenter", "--net=/run/netns/outside", "curl", "-sS", "--max-time", "2", `http://${host}:${port}/cgi-bin/who`);
  /** What a UDP server answers to whom in `where` asks it; "" when nothing came. */
  const datagram = async (where: readonly string[], host: string, port: number) => {
    const script = `const s = require("node:dgram").createSocket("udp4"); s.on("error", () => process.exit());
s.on("message", (m) => { console.log(String(m)); process.exit(); }); s.send("?", ${port}, "${host}"); setTimeout(() => process.exit(), 2000);`;
    return (await machine.run([...where, program, "-e", script])).stdout.trim();
  };
  const nameIn = (answer: string) => answer.split(" ")[0] ?? "";
  const clientIn = (answer: string) => (answer.split(" ")[1] ?? "").replace(/^\[?(::ffff:)?|\]$/g, "");
  const many = async (ask: () => Promise<string>, count = 12) => {
    const names = new Set<string>();
    for (let at = 0; at < count; at += 1) names.add(nameIn(await ask()));
    return [...names].sort().join(" ");
  };
  const answers = (what: string, ask: () => Promise<string>, wanted: string | RegExp, seconds = 15) =>
    eventually(what, seconds, async () => {
      const answer = await ask();
      return (typeof wanted === "string" ? nameIn(answer) === wanted : wanted.test(answer)) ? answer : undefined;
    });
  /** A Service without a selector, and its endpoints as if an EndpointSlice controller had written them. */
  const service = (name: string, spec: string, endpoints: string, ports = "[{port: 80, targetPort: 8080}]") => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {ports: ${ports}, ${spec}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
ports: [{name: "", port: 8080}]
endpoints: [${endpoints}]
---`;
  const here = (ip: string, more = "") => `{addresses: [${ip}], nodeName: ${node}, conditions: {ready: true}${more}}`;
  const elsewhere = (ip: string, more = "") => `{addresses: [${ip}], nodeName: another, conditions: {ready: true}${more}}`;
  const nodePortOf = async (name: string) => Number(await kubectl(`get service ${name} -o jsonpath={.spec.ports[0].nodePort}`));

  await apply(
    service("spread", "type: ClusterIP", `${here(one)}, ${here(two)}`) +
      service("sticky", "sessionAffinity: ClientIP", `${here(one)}, ${here(two)}`) +
      service("fickle", "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 1}}", `${here(one)}, ${here(two)}`) +
      service("inner", "internalTrafficPolicy: Local", `${here(one)}, ${elsewhere(two)}`) +
      service("inner-away", "internalTrafficPolicy: Local", elsewhere(two)) +
      service("open", "type: NodePort", here(one)) +
      service("keeping", "type: NodePort, externalTrafficPolicy: Local", `${here(one)}, ${elsewhere(two)}`) +
      service("keeping-away", "type: LoadBalancer, externalTrafficPolicy: Local", elsewhere(two)) +
      service("balanced", "type: LoadBalancer, externalTrafficPolicy: Local", here(one)) +
      service("choosy", "type: LoadBalancer, loadBalancerSourceRanges: [198.51.100.0/24]", here(one)) +
      service("borrowed", "externalIPs: [198.51.100.7]", here(one)) +
      service(
        "near",
        "type: ClusterIP",
        `${elsewhere(one, ", hints: {forZones: [{name: east}]}")}, ${elsewhere(two, ", hints: {forZones: [{name: west}]}")}`,
      ) +
      service(
        "nearest",
        "type: ClusterIP",
        `${elsewhere(one, `, hints: {forNodes: [{name: another}]}`)}, ${here(two, `, hints: {forNodes: [{name: ${node}}]}`)}`,
      ) +
      service("nobody", "type: NodePort", ""),
  );

  await context.test("NETWORK-1: a Service's address leads to all its ready Pods, from Pods and from the node", async () => {
    await answers("it answers", () => fromPod("spread"), /^(one|two) /);
    assert.equal(await many(() => fromPod("spread")), "one two");
    const vip = await vipOf("spread");
    assert.equal(await many(() => fromNode(vip)), "one two");
    assert.equal(clientIn(await fromPod("spread")), box, "Pods are seen under their own addresses");
  });

  await context.test("NETWORK-2: a Pod reaches itself through its Service", async () => {
    await kubectl(["label", "pod", "one", "only=one"]);
    await answers("it answers itself", () => fromPod("alone", 80, "one"), "one");
  });

  await context.test("NETWORK-3: a Service without endpoints, and a port that a Service does not have, refuse at once", async () => {
    assert.equal(await fromPod(await vipOf("nobody")), "refused");
    assert.equal(await fromNode(await vipOf("nobody")), "refused");
    assert.equal(await fromOutside(address, await nodePortOf("nobody")), "refused");
    assert.equal(await fromPod(await vipOf("spread"), 81), "refused");
  });

  await context.test("NETWORK-4: a node port answers at the node's own address, and at none of its others", async () => {
    const port = await nodePortOf("open");
    assert.equal(nameIn(await fromOutside(address, port)), "one");
    assert.equal(nameIn(await fromPod(address, port)), "one");
    assert.equal(nameIn(await fromNode(address, port)), "one");
    assert.equal(await fromOutside(outside.node, port), "refused");
    assert.equal(await fromNode("127.0.0.1", port), "refused");
  });

  await context.test("NETWORK-5: clients stay with their Pods when kube-proxy starts anew", async () => {
    const clients = Array.from({ length: 8 }, (_, at) => `192.0.2.${100 + at}`);
    await machine.sh(clients.map((ip) => `ip -n outside addr add ${ip}/24 dev outer`).join("\n"));
    const vip = await vipOf("sticky");
    const served = async () => {
      const names: string[] = [];
      for (const ip of clients) {
        const words = ["nsenter", "--net=/run/netns/outside", "curl", "-sS", "--max-time", "2", "--interface", ip];
        names.push(nameIn(await curl(...words, `http://${vip}/cgi-bin/who`)));
      }
      return names.join(" ");
    };
    const before = await served();
    assert.match(before, /^((one|two)( |$)){8}$/);
    const proxies = "grep -la '/usr/local/bin/[k]ube-proxy' /proc/[0-9]*/cmdline | cut -d/ -f3";
    const old = await machine.sh(proxies);
    await machine.sh(`kill -9 ${old.replaceAll("\n", " ")}`);
    await eventually("another proxy has loaded its rules", 30, async () => {
      const isAnother = (await machine.run(["sh", "-c", proxies])).stdout
        .trim()
        .split("\n")
        .every((id) => id !== "" && !old.includes(id));
      const metrics = (await machine.run(["curl", "-s", "http://127.0.0.1:10249/metrics"])).stdout;
      return isAnother && /^kubeproxy_sync_proxy_rules_duration_seconds_count [1-9]/m.test(metrics) ? true : undefined;
    });
    assert.equal(await served(), before);
  });

  await context.test("NETWORK-5: with ClientIP affinity a client stays with its Pod, until it was away for the time given", async () => {
    assert.match(await many(() => fromPod("sticky"), 20), /^(one|two)$/);
    const first = nameIn(await fromPod("fickle"));
    await eventually("another Pod after a pause", 60, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      return nameIn(await fromPod("fickle")) !== first ? true : undefined;
    });
    await kubectl(["patch", "service", "sticky", "-p", '{"spec":{"sessionAffinity":"None"}}']);
    await eventually("no affinity any more", 20, async () => ((await many(() => fromPod("sticky"))) === "one two" ? true : undefined));
  });

  await context.test("NETWORK-6: internalTrafficPolicy Local keeps connections on their node, or drops them", async () => {
    assert.equal(await many(() => fromPod("inner")), "one");
    assert.equal(await fromPod(await vipOf("inner-away")), "silent");
  });

  await context.test(
    "NETWORK-7: externalTrafficPolicy Local keeps clients' addresses and goes to this node's Pods; Cluster does neither",
    async () => {
      assert.equal(clientIn(await fromOutside(address, await nodePortOf("keeping"))), outside.client);
      assert.equal(await many(async () => fromOutside(address, await nodePortOf("keeping"))), "one");
      assert.notEqual(clientIn(await fromOutside(address, await nodePortOf("open"))), outside.client);
    },
  );

  await context.test(
    "NETWORK-8: externalTrafficPolicy Local without a Pod here is silent to the outside and answers from inside",
    async () => {
      const port = await nodePortOf("keeping-away");
      assert.equal(await fromOutside(address, port), "silent");
      assert.equal(nameIn(await fromPod(address, port)), "two");
      assert.equal(nameIn(await fromNode(address, port)), "two");
    },
  );

  await context.test("NETWORK-9: health check node ports say how many Pods are here", async () => {
    const check = async (name: string) => {
      const port = await kubectl(`get service ${name} -o jsonpath={.spec.healthCheckNodePort}`);
      return machine.sh(`curl -s -w '\\n%{http_code}' http://${address}:${port}/`);
    };
    const [body = "", status] = (await check("balanced")).split(/\n(?=\d+$)/);
    assert.equal(status, "200");
    assert.deepEqual(JSON.parse(body), {
      service: { namespace: "default", name: "balanced" },
      localEndpoints: 1,
      serviceProxyHealthy: true,
    });
    assert.match(await check("keeping-away"), /"localEndpoints": 0,[\s\S]*\n503$/);
  });

  await context.test("NETWORK-10: a load balancer's address leads to the Pods; loadBalancerSourceRanges says for whom", async () => {
    // As older kubectls can say it too.
    const give = async (name: string, ip: string) => {
      const balanced = JSON.parse(await kubectl(`get service ${name} -o json`));
      const input = JSON.stringify({ ...balanced, status: { loadBalancer: { ingress: [{ ip }] } } });
      await kubectl(`replace --raw /api/v1/namespaces/default/services/${name}/status -f -`, { input });
    };
    await give("balanced", "203.0.113.5");
    await give("choosy", "203.0.113.6");
    await answers("from outside", () => fromOutside("203.0.113.5", 80), "one");
    assert.equal(nameIn(await fromPod("203.0.113.5")), "one");
    assert.equal(await fromOutside("203.0.113.6", 80), "silent");
    await kubectl(["patch", "service", "choosy", "-p", `{"spec":{"loadBalancerSourceRanges":["${outside.client}/32"]}}`]);
    await answers("from the range", () => fromOutside("203.0.113.6", 80), "one");
  });

  await context.test("NETWORK-12: endpoints are near where hints say so: of the same zone, of the same node", async () => {
    assert.equal(await many(() => fromPod("nearest")), "two");
    assert.equal(await many(() => fromPod("near")), "one two", "this node is in no zone");
    await kubectl(["label", "node", node, "topology.kubernetes.io/zone=west"]);
    await eventually("only the zone's", 20, async () => ((await many(() => fromPod("near"), 8)) === "two" ? true : undefined));
  });

  await context.test("NETWORK-13: Pods that end still serve while no other is ready", async () => {
    await answers("it answers", () => fromPod("parting"), "lingering");
    await kubectl("delete pod lingering --wait=false");
    const terminating = "jsonpath={.items[0].endpoints[0].conditions.terminating}";
    await eventually("it is known to end", 10, async () =>
      (await kubectl(["get", "endpointslices", "-l", "kubernetes.io/service-name=parting", "-o", terminating])) === "true"
        ? true
        : undefined,
    );
    for (let at = 0; at < 4; at += 1) assert.equal(nameIn(await fromPod("parting")), "lingering");
  });

  await context.test("NETWORK-14: a UDP client that never changes its port reaches the next Pod when its own is gone", async () => {
    const vip = await vipOf("datagrams");
    const client = `const s = require("node:dgram").createSocket("udp4"); let seen = ""; let misses = 0;
s.on("message", (m) => { misses = 0; if (String(m) !== seen) console.log(seen = String(m)); });
s.bind(40000, () => setInterval(() => s.send("?", 9000, "${vip}"), 100));`;
    await kubectl(["run", "sender", "--image=keelson/hello", "--restart=Never", "--command", "--", "/usr/lib/keelson/node", "-e", client]);
    const log = async () => (await tryKubectl("logs sender")).stdout.trim().split("\n").filter(Boolean);
    await eventually("the first Pod answers", 30, async () => ((await log())[0] === "udp-1" ? true : undefined));
    await apply(datagramPod("udp-2"));
    await kubectl("wait --for=condition=Ready pod/udp-2 --timeout=60s");
    await kubectl("delete pod udp-1");
    await eventually("the second Pod answers", 20, async () => ((await log())[1] === "udp-2" ? true : undefined));
  });

  await context.test("NETWORK-15: one port by TCP and UDP is one node port for both", async () => {
    assert.match(await kubectl("get service both -o jsonpath={.spec.ports[*].nodePort}"), /^(\d+) \1$/);
    const slice = (name: string, port: number, protocol: string, ip: string) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: both-${name}, labels: {kubernetes.io/service-name: both}}
addressType: IPv4
ports: [{name: ${name}, port: ${port}, protocol: ${protocol}}]
endpoints: [${here(ip)}]
---`;
    await apply(slice("web", 8080, "TCP", one) + slice("datagrams", 9000, "UDP", await ipOf("udp-2")));
    const port = await nodePortOf("both");
    await answers("by TCP", () => fromOutside(address, port), "one");
    await eventually("by UDP, whose endpoints may come to the rules a moment later", 20, async () =>
      (await datagram(["nsenter", "--net=/run/netns/outside"], address, port)) === "udp-2" ? true : undefined,
    );
  });

  await context.test("NETWORK-16: host ports of the same number do not meet on different addresses or protocols", async () => {
    const ask = (host: string) => machine.sh(`curl -sS --max-time 5 http://${host}:20321/cgi-bin/who`);
    assert.equal(nameIn(await ask("127.0.0.1")), "port-a");
    assert.equal(nameIn(await ask(address)), "port-b");
    assert.equal(await datagram([], address, 20321), "port-c");
  });

  await context.test("NETWORK-17: kube-proxy tells its health at 10256 and its metrics at 10249", async () => {
    assert.match(
      await machine.sh(`curl -sS http://${address}:10256/healthz`),
      /^\{"lastUpdated": "[^"]+","currentTime": "[^"]+", "nodeEligible": true\}$/,
    );
    assert.equal(await machine.sh("curl -sS http://127.0.0.1:10249/proxyMode"), "nftables");
    const metrics = await machine.sh("curl -sS http://127.0.0.1:10249/metrics");
    assert.match(metrics, /^kubeproxy_sync_proxy_rules_duration_seconds_count [1-9]/m);
    assert.match(metrics, /^kubeproxy_sync_proxy_rules_nftables_sync_failures_total 0$/m);
    await kubectl(["taint", "node", node, "ToBeDeletedByClusterAutoscaler=:PreferNoSchedule"]);
    await eventually("503 while the node is to go", 10, async () =>
      (await machine.sh(`curl -s -o /dev/null -w '%{http_code}' http://${address}:10256/healthz`)) === "503" ? true : undefined,
    );
    assert.equal(await machine.sh(`curl -s -o /dev/null -w '%{http_code}' http://${address}:10256/livez`), "200");
    await kubectl(["taint", "node", node, "ToBeDeletedByClusterAutoscaler-"]);
  });

  await context.test("NETWORK-18: a Service changes its type, and keeps or loses what belongs to it", async () => {
    const patch = (spec: string) => kubectl(["patch", "service", "open", "-p", `{"spec":${spec}}`]);
    const port = await nodePortOf("open");
    await patch('{"type":"ClusterIP"}');
    await answers("no node port", () => fromOutside(address, port), "refused");
    assert.equal(nameIn(await fromPod("open")), "one");
    await patch('{"type":"ExternalName","externalName":"spread.default.svc.cluster.local"}');
    assert.equal(await vipOf("open"), "");
    await answers("by the other name", () => fromPod("open"), /^(one|two) /);
    await patch('{"type":"NodePort","externalName":null}');
    await answers("a node port again", async () => fromOutside(address, await nodePortOf("open")), "one");
  });

  await context.test("NETWORK-11: externalIPs lead nowhere, unless kube-proxy is told to allow them", async () => {
    assert.notEqual(nameIn(await fromPod("198.51.100.7")), "one");
    await kubectl([
      "patch",
      "daemonset",
      "kube-proxy",
      "-n",
      "kube-system",
      "--type=json",
      "-p",
      '[{"op":"add","path":"/spec/template/spec/containers/0/command/-","value":"--feature-gates=AllowServiceExternalIPs=true"}]',
    ]);
    await answers("with the gate", () => fromPod("198.51.100.7"), "one", 60);
  });
});

const web = (name: string, more = "") => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {web: ${name}}}
spec:
  terminationGracePeriodSeconds: ${name === "lingering" ? 30 : 0}
  containers:
  - name: main
    image: ${busyboxImage}
    command:
    - sh
    - -c
    - |
      mkdir -p /www/cgi-bin
      printf '#!/bin/sh\\necho Content-type: text/plain\\necho\\necho ${name} $REMOTE_ADDR\\n' >/www/cgi-bin/who
      chmod +x /www/cgi-bin/who
      trap "sleep 25; exit 0" TERM
      httpd -f -p 8080 -h /www & wait
    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
    ${more}
---`;

const datagramServer = `const s = require("node:dgram").createSocket("udp4");
s.on("message", (m, { port, address }) => s.send(process.env.NAME, port, address)).bind(9000);`;

const datagramPod = (name: string, more = "", label = "datagrams") => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${label}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: keelson/hello
    command: [/usr/lib/keelson/node, -e, ${JSON.stringify(datagramServer)}]
    env: [{name: NAME, value: ${name}}]
    ${more}
---`;

const objects = `${web("one")}${web("two")}${web("lingering")}${datagramPod("udp-1")}
${web("port-a", "ports: [{containerPort: 8080, hostPort: 20321, hostIP: 127.0.0.1}]")}
${web("port-b", `ports: [{containerPort: 8080, hostPort: 20321, hostIP: ${address}}]`)}
${datagramPod("port-c", `ports: [{containerPort: 9000, hostPort: 20321, hostIP: ${address}, protocol: UDP}]`, "other")}
apiVersion: v1
kind: Service
metadata: {name: alone}
spec: {selector: {only: one}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: parting}
spec: {selector: {web: lingering}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: datagrams}
spec: {selector: {app: datagrams}, ports: [{port: 9000, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: both}
spec:
  type: NodePort
  ports: [{name: web, port: 80, targetPort: 8080}, {name: datagrams, port: 80, targetPort: 9000, protocol: UDP}]
---
`;
