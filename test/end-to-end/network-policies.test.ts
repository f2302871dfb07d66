// Time limit: 10 minutes.
// What NetworkPolicies let through: real Pods, real kernel, on one node made for this file, with a client outside of the cluster.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");
const address = "192.168.85.20";
const outside = { client: "192.0.2.2", node: "192.0.2.1" };

test("NetworkPolicies on one node", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-policies"), address });
  const { machine, kubectl, tryKubectl, apply } = lab;
  await startRegistry(machine);
  await machine.sh(`ip netns add outside
ip link add inner type veth peer name outer netns outside
ip addr add ${outside.node}/24 dev inner && ip link set inner up
ip -n outside addr add ${outside.client}/24 dev outer && ip -n outside link set outer up
ip -n outside route add default via ${outside.node}`);
  await kubectl("create namespace else");
  await apply(objects);
  await kubectl("wait --for=condition=Ready pod/server pod/friend pod/other --timeout=60s");
  await kubectl("wait -n else --for=condition=Ready pod/guest --timeout=60s");
  const serverIp = await kubectl("get pod server -o jsonpath={.status.podIP}");
  const friendIp = await kubectl("get pod friend -o jsonpath={.status.podIP}");

  const reaches = async (pod: string, host: string, port = 8080) => {
    const [name = "", namespace = "default"] = pod.split(".");
    const command = ["exec", "-n", namespace, name, "--", "timeout", "2", "wget", "-q", "-O-", `http://${host}:${port}/`];
    return (await tryKubectl(command)).code === 0;
  };
  const outsideReaches = async (host: string, port: number) =>
    (await machine.run(["nsenter", "--net=/run/netns/outside", "curl", "-sS", "--max-time", "1", `http://${host}:${port}/`])).code === 0;
  /** Waits until each of these is as said: "friend", "other" and "guest.else" reach the server, or not. */
  async function becomes(what: string, wanted: Readonly<Record<string, boolean>>, port = 8080, host = serverIp): Promise<void> {
    let seen: Record<string, boolean> = {};
    await eventually(`${what}: ${JSON.stringify(wanted)}`, 15, async () => {
      seen = Object.fromEntries(await Promise.all(Object.keys(wanted).map(async (pod) => [pod, await reaches(pod, host, port)] as const)));
      return JSON.stringify(seen) === JSON.stringify(wanted) ? true : undefined;
    }).catch((error: Error) => assert.fail(`${error.message}; last seen ${JSON.stringify(seen)}`));
  }
  const policy = (name: string, spec: string) =>
    apply(`apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}}\nspec: ${spec}`);
  /** A rule and its test, after which no policy is left. */
  const rule = (name: string, body: () => Promise<void>) =>
    context.test(name, async () => {
      try {
        await body();
      } finally {
        await clear();
      }
    });
  const clear = () => kubectl("delete networkpolicies --all");
  const all = { friend: true, other: true, "guest.else": true };
  const none = { friend: false, other: false, "guest.else": false };
  const onServer = "podSelector: {matchLabels: {app: server}}";

  await rule("NETWORK-300: without a policy every Pod reaches every other; a policy that allows nothing isolates", async () => {
    await becomes("no policy", all);
    await policy("deny", `{${onServer}}`);
    await becomes("isolated", none);
    await becomes("by its Service", { friend: false }, 80, "server");
    await becomes("what goes out is not limited", { server: true }, 8080, friendIp);
    await clear();
    await becomes("no policy again", all);
  });

  await rule("NETWORK-301: podSelector and namespaceSelector let in, alone or both together", async () => {
    await policy("friends", `{${onServer}, ingress: [{from: [{podSelector: {matchLabels: {app: friend}}}]}]}`);
    await becomes("a Pod", { ...none, friend: true });
    await becomes("through the Service", { friend: true, other: false }, 80, "server");
    await policy("friends", `{${onServer}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: else}}}]}]}`);
    await becomes("a namespace", { ...none, "guest.else": true });
    await policy("friends", `{${onServer}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: friend}}}]}]}`);
    await becomes("a Pod of any namespace", { ...none, friend: true, "guest.else": true });
    await kubectl("label pod other app=friend --overwrite");
    await becomes("a Pod's new label", all);
    await kubectl("label pod other app=other --overwrite");
    await becomes("its old label", { ...all, other: false });
  });

  await rule("NETWORK-302: policies add up", async () => {
    await policy("deny", "{podSelector: {}}");
    await policy("friends", `{${onServer}, ingress: [{from: [{podSelector: {matchLabels: {app: friend}}}]}]}`);
    await becomes("one lets in", { ...none, friend: true });
    await policy("others", `{${onServer}, ingress: [{from: [{podSelector: {matchLabels: {app: other}}}]}]}`);
    await becomes("so does another", { ...all, "guest.else": false });
  });

  await rule("NETWORK-303: ports: by number, by name, as a range", async () => {
    await policy("ports", `{${onServer}, ingress: [{ports: [{port: 8081}]}]}`);
    await becomes("not this one", none);
    await becomes("this one", { friend: true }, 8081);
    await policy("ports", `{${onServer}, ingress: [{ports: [{port: web}]}]}`);
    await becomes("by name", all);
    await becomes("not the other", { friend: false }, 8081);
    await policy("ports", `{${onServer}, ingress: [{ports: [{port: 8081, endPort: 9000}]}]}`);
    await becomes("not below the range", { friend: false });
    await becomes("within the range", { friend: true }, 8081);
  });

  await rule(
    "NETWORK-304: ipBlock lets ranges in, but for their exceptions; outside clients keep their address to be told by",
    async () => {
      const port = Number(await kubectl("get service server -o jsonpath={.spec.ports[0].nodePort}"));
      await policy("block", `{${onServer}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}`);
      await becomes("Pods are not in the range", none);
      await eventually("the range", 15, async () => ((await outsideReaches(address, port)) ? true : undefined));
      await policy("block", `{${onServer}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24, except: [${outside.client}/32]}}]}]}`);
      await eventually("the exception", 15, async () => ((await outsideReaches(address, port)) ? undefined : true));
      await policy("block", `{${onServer}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}`);
      await becomes("everybody", all);
      await clear();
    },
  );

  await rule("NETWORK-305: egress: to Pods, to ports, to ranges; answers to what was let in always pass", async () => {
    const fromServer = async (host: string, port = 8080) => reaches("server", host, port);
    const until = (what: string, ask: () => Promise<boolean>, wanted: boolean) =>
      eventually(what, 15, async () => ((await ask()) === wanted ? true : undefined));
    await policy("out", `{${onServer}, policyTypes: [Egress]}`);
    await until("nothing goes out", () => fromServer(friendIp), false);
    await becomes("but answers do", all);
    await policy(
      "out",
      `{${onServer}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: friend}}}], ports: [{port: web}]}]}`,
    );
    await until("to the friend", () => fromServer(friendIp), true);
    assert.equal(await fromServer(friendIp, 8081), false);
    assert.equal(await fromServer("friend", 80), false, "names are asked for at a port that is not allowed");
    const dns = "{ports: [{port: 53, protocol: UDP}, {port: 53}]}";
    await policy("out", `{${onServer}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: friend}}}]}, ${dns}]}`);
    await until("with names, through a Service", () => fromServer("friend", 80), true);
    assert.equal(await reaches("server", address, 10256), false, "the node itself is somewhere else too");
    await policy("out", `{${onServer}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: ${address}/32}}]}]}`);
    await eventually("the node by its address", 15, async () => {
      const { stdout } = await tryKubectl(["exec", "server", "--", "timeout", "1", "wget", "-q", "-O-", `http://${address}:10256/livez`]);
      return stdout.includes("nodeEligible") ? true : undefined;
    });
  });

  await rule("NETWORK-306: the node reaches its Pods whatever policies say: probes go on", async () => {
    await policy("deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}");
    await becomes("isolated", none);
    await machine.sh(`curl -sS --max-time 2 http://${serverIp}:8080/`);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    assert.equal(await kubectl("get pod server -o jsonpath={.status.containerStatuses[0].ready}"), "true");
  });

  await rule("NETWORK-307: an isolated Pod still reaches itself, by its address and through its Service", async () => {
    await policy("deny", "{podSelector: {}, policyTypes: [Ingress]}");
    await becomes("isolated", none);
    await becomes("itself", { server: true });
    // By more than its own name, which a Pod has in its own /etc/hosts.
    await becomes("itself, by its Service", { server: true }, 80, "server.default");
  });

  await rule("NETWORK-308: UDP is let in or not like TCP", async () => {
    const ask = `const s = require("node:dgram").createSocket("udp4"); s.on("message", (m) => { console.log(String(m)); process.exit(); });
s.send("?", 9000, "HOST"); setTimeout(() => process.exit(1), 1000);`;
    const echoIp = await kubectl("get pod echo -o jsonpath={.status.podIP}");
    await kubectl("wait --for=condition=Ready pod/echo pod/asking --timeout=60s");
    const asked = async () =>
      (await tryKubectl(["exec", "asking", "--", "/usr/lib/keelson/node", "-e", ask.replace("HOST", echoIp)])).stdout.trim();
    await eventually("it listens", 20, async () => ((await asked()) === "heard" ? true : undefined));
    await policy("datagrams", "{podSelector: {matchLabels: {app: echo}}, ingress: [{ports: [{port: 9000, protocol: TCP}]}]}");
    await eventually("not by UDP", 15, async () => ((await asked()) === "" ? true : undefined));
    await policy("datagrams", "{podSelector: {matchLabels: {app: echo}}, ingress: [{ports: [{port: 9000, protocol: UDP}]}]}");
    await eventually("by UDP", 15, async () => ((await asked()) === "heard" ? true : undefined));
  });

  await rule("NETWORK-309: rules that somebody else took away come back", async () => {
    await policy("deny", `{${onServer}}`);
    await becomes("isolated", none);
    await machine.sh("nft delete table ip kube-network-policies");
    assert.equal(await reaches("friend", serverIp), true);
    await eventually("isolated again", 60, async () => ((await reaches("friend", serverIp)) ? undefined : true));
  });
});

const serve = (name: string, namespace = "default", app = name) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, labels: {app: ${app}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sh, -c, "mkdir /www; echo hello >/www/index.html; httpd -p 8081 -h /www; exec httpd -f -p 8080 -h /www"]
    ports: [{name: web, containerPort: 8080}]
    readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1, failureThreshold: 1}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {type: NodePort, selector: {app: ${app}}, ports: [{port: 80, targetPort: 8080}]}
---`;

const echo = `const s = require("node:dgram").createSocket("udp4");
s.on("message", (m, { port, address }) => s.send("heard", port, address)).bind(9000);`;
const nodePod = (name: string, text: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: keelson/hello, command: [/usr/lib/keelson/node, -e, ${JSON.stringify(text)}]}]
---`;

const objects = `${serve("server")}${serve("friend")}${serve("other")}${serve("guest", "else", "friend")}
${nodePod("echo", echo)}${nodePod("asking", "setInterval(() => {}, 1000);")}`;
