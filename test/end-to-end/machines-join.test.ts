// Three machines, two subnets: how a machine becomes a node of a cluster, and how Pods reach each other across machines.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "#api/core/node/node.ts";
import { labBoot, labCrash } from "#lab/lab.ts";
import { joinedMachine, joinWords, keelsonIn } from "../support/lab-cluster.ts";
import { cannotMakeMachines, eventually, machineFor, type TestMachine, uniqueName, world } from "../support/lab-machine.ts";
import { nodeFor, nodePrograms } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, "curl");

/** Says who asks, to whom it answers. */
const server = `require("node:http").createServer((request, response) => response.end(request.socket.remoteAddress.replace("::ffff:", ""))).listen(8080);
const udp = require("node:dgram").createSocket("udp4"); udp.on("message", (_, from) => udp.send(from.address, from.port, from.address)).bind(8080)`;
/** Prints what it answers to a datagram. */
const datagram = (host: string) => `const s = require("node:dgram").createSocket("udp4");
s.on("message", (m) => { console.log(String(m)); process.exit(); }); s.send("?", 8080, "${host}"); setTimeout(() => process.exit(1), 2000)`;
const program = "/usr/lib/keelson/node";

test("machines join, and their Pods reach each other", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("join"), address: "192.168.61.10" });
  const { machine, kubectl, tryKubectl } = lab;
  const first = `keelson-${machine.name}`;
  const stranger = await machineFor(context, { name: uniqueName("join-2"), address: "192.168.61.11", fabric: machine.name });

  await context.test("NETWORK-201: a machine joins no cluster that it does not recognise", async () => {
    const [, address = "", , token = "", , hash = ""] = await joinWords(lab);
    const refused = async (why: RegExp, ...words: readonly string[]) => {
      const { code, text } = await keelsonIn(stranger, "join", ...words);
      assert.equal(code, 1);
      assert.match(text, why);
    };
    await refused(/and not the one that was given/, address, "--token", token, "--ca-hash", `sha256:${"0".repeat(64)}`);
    await refused(/does not know the token zzzzzz/, address, "--token", "zzzzzz.0123456789abcdef", "--ca-hash", hash);
    await refused(/does not know the secret part/, address, "--token", `${token.slice(0, 7)}0123456789abcdef`, "--ca-hash", hash);
    await refused(/cannot be asked which cluster it is/, "192.168.61.99:6443", "--token", token, "--ca-hash", hash);
    await refused(/--token is six letters/, address, "--token", "x", "--ca-hash", hash);
    assert.equal(await stranger.sh("ls /etc/kubernetes /var/lib/kubelet /var/lib/keelson 2>/dev/null | grep -v : | wc -w"), "0");
    assert.equal(await stranger.sh("ip route show 10.96.0.0/12"), "");
  });

  const near = { machine: stranger, node: `keelson-${stranger.name}` };
  await context.test("NETWORK-200: a machine joins with the line that token create prints", async () => {
    const { code, text } = await keelsonIn(stranger, ...(await joinWords(lab)));
    assert.equal(code, 0, text);
    assert.match(await kubectl(`get node ${near.node} --no-headers`), /\sReady\s/);
    assert.equal(await stranger.sh("grep -rlE 'token:|[a-z0-9]{6}\\.[a-z0-9]{16}' /etc/kubernetes | wc -l"), "0");
    assert.match(
      await stranger.sh("openssl x509 -noout -subject -issuer -in /var/lib/kubelet/pki/kubelet-client-current.pem"),
      new RegExp(`system:nodes.*system:node:${near.node}[\\s\\S]*issuer.*kubernetes`),
    );
    await eventually("the kubelet serves with a certificate of the cluster", 20, async () =>
      (await machine.run(["sh", "-c", "curl -s --cacert /etc/kubernetes/pki/ca.crt https://192.168.61.11:10250/healthz"])).code === 0
        ? true
        : undefined,
    );
  });

  await signForSecondsOnly();
  const far = await joinedMachine(context, lab, { name: uniqueName("join-3"), address: "192.168.62.10" });
  const issued = await eventually("the far machine's certificates", 20, () => certificatesOf(far.machine));
  const nodes = [first, near.node, far.node];
  await kubectl("apply -f -", { input: nodes.map((node, at) => podOn(node, at)).join("---\n") + service });
  await kubectl("wait --for=condition=Ready pod/pod-0 pod/pod-1 pod/pod-2 --timeout=60s");
  const addresses = (await kubectl("get pods -l app=who -o jsonpath={.items[*].status.podIP}")).split(" ");
  const askByUdp = (pod: string, host: string) => kubectl(["exec", pod, "--", program, "-e", datagram(host)]);
  const ask = (pod: string, host: string, port = 8080) =>
    kubectl(["exec", pod, "--", program, "-e", `fetch("http://${host}:${port}").then((a) => a.text()).then(console.log)`]);

  await context.test("NETWORK-210: Pods on different nodes of one link see each other's addresses", async () => {
    assert.equal(new Set(addresses.map((address) => address.split(".")[2])).size, 3);
    assert.equal(await ask("pod-0", addresses[1] as string), addresses[0]);
    assert.equal(await ask("pod-1", addresses[0] as string), addresses[1]);
    assert.equal(await askByUdp("pod-0", addresses[1] as string), addresses[0]);
    assert.match(await machine.sh("ip route show proto 157"), /via 192\.168\.61\.11 dev eth0/);
  });

  await context.test("NETWORK-211: nodes in different subnets are joined by a tunnel", async () => {
    assert.equal(await ask("pod-0", addresses[2] as string), addresses[0]);
    assert.equal(await ask("pod-2", addresses[1] as string), addresses[2]);
    assert.equal(await askByUdp("pod-2", addresses[1] as string), addresses[2]);
    const big = `require("node:http").get("http://${addresses[2]}:8080/" + "x".repeat(8000), (a) => console.log(a.statusCode))`;
    assert.equal(await kubectl(["exec", "pod-1", "--", program, "-e", big]), "200");
    assert.match(await far.machine.sh("ip route show proto 157"), /10\.244\.\d\.0\/24 via 10\.244\.\d\.0 dev keelson-vxlan/);
  });

  await context.test("NETWORK-212: nodes reach Pods of other nodes, and Services lead to them", async () => {
    for (const from of [machine, near.machine, far.machine])
      for (const address of addresses)
        for (const command of [
          ["curl", "-s", "--max-time", "5", `http://${address}:8080`],
          [program, "-e", datagram(address)],
        ])
          assert.equal((await from.run(command)).code, 0, `${from.name} to ${address}: ${command[0]}`);
    const vip = await kubectl("get service far -o jsonpath={.spec.clusterIP}");
    assert.equal(await ask("pod-0", vip, 80), addresses[0]);
    assert.equal(await ask("pod-1", vip, 80), addresses[1]);
    for (const from of [machine, near.machine, far.machine])
      assert.equal((await from.run(["curl", "-s", "--max-time", "5", `http://${vip}`])).code, 0, from.name);
    const port = await kubectl("get service far -o jsonpath={.spec.ports[0].nodePort}");
    for (const address of ["192.168.61.10", "192.168.61.11", "192.168.62.10"])
      assert.equal((await machine.run(["curl", "-s", "--max-time", "5", `http://${address}:${port}`])).code, 0, address);
  });

  await context.test("NETWORK-213: logs and exec reach Pods of every node", async () => {
    for (const at of [0, 1, 2]) {
      assert.equal(await kubectl(["exec", `pod-${at}`, "--", program, "-p", "6*7"]), "42");
      assert.match(await kubectl(`logs pod-${at}`), /^ready/);
    }
  });

  await context.test("NETWORK-205: a kubelet has its certificates replaced before they end, and works on", async () => {
    const renewed = await eventually("both were replaced, and the first ones have ended", 120, async () => {
      const now = await certificatesOf(far.machine);
      const isOver = issued.every(({ ends }) => ends < Date.now());
      return isOver && now?.every(({ serial }, at) => serial !== issued[at]?.serial) ? now : undefined;
    });
    assert.ok(renewed.every(({ ends }) => ends > Date.now()));
    const served = "openssl s_client -connect 192.168.62.10:10250 </dev/null 2>/dev/null | openssl x509 -noout -serial";
    await eventually("it serves with the newest", 20, async () => {
      const [, server] = (await certificatesOf(far.machine)) ?? [];
      return (await machine.sh(served)).trim() === server?.serial ? true : undefined;
    });
    assert.equal(await kubectl(["exec", "pod-2", "--", program, "-p", "6*7"]), "42");
    const node = JSON.parse(await kubectl(`get node ${far.node} -o json`)) as Node;
    const ready = node.status.conditions?.find(({ type }) => type === "Ready");
    assert.equal(ready?.status, "True");
    assert.ok(Date.parse(ready?.lastTransitionTime ?? "") < Math.max(...issued.map(({ ends }) => ends)), "it was Ready the whole time");
    assert.match(await far.machine.sh("cat /etc/kubernetes/kubelet.conf"), /client-certificate: .*kubelet-client-current\.pem/);
  });

  await context.test("NETWORK-202: tokens are listed, deleted, signed with, and end", async () => {
    const list = (await keelsonIn(machine, "token", "list")).text;
    const tokens = [...list.matchAll(/^([a-z0-9]{6})\.[a-z0-9]{16} /gm)].map(([, id]) => id as string);
    assert.ok(tokens.length >= 2, list);
    const signatures = async () =>
      Object.keys(JSON.parse(await kubectl("get configmap cluster-info -n kube-public -o json")).data)
        .filter((key) => key !== "kubeconfig")
        .sort()
        .join(" ");
    const wanted = (ids: readonly string[]) =>
      [...ids]
        .map((id) => `jws-kubeconfig-${id}`)
        .sort()
        .join(" ");
    assert.equal(await signatures(), wanted(tokens));
    const [gone = "", ...others] = tokens;
    assert.equal((await keelsonIn(machine, "token", "delete", gone)).code, 0);
    await eventually("it is not signed with any more", 10, async () => ((await signatures()) === wanted(others) ? true : undefined));
    const { text } = await keelsonIn(machine, "token", "create", "--ttl", "2s");
    const ending = /--token ([a-z0-9]{6})/.exec(text)?.[1] as string;
    await eventually("a token that ended is deleted", 20, async () =>
      (await tryKubectl(`get secret bootstrap-token-${ending} -n kube-system`)).code === 0 ? undefined : true,
    );
  });

  await context.test("NETWORK-203: join may be repeated, but not under another Node's name", async () => {
    const words = await joinWords(lab);
    const again = await keelsonIn(near.machine, ...words);
    assert.equal(again.code, 0, again.text);
    assert.match(again.text, /already there/);
    const renamed = await keelsonIn(near.machine, ...words, "--node-name", first);
    assert.match(renamed.text, /this machine joined as Node/);
    const third = await machineFor(context, { name: uniqueName("join-4"), address: "192.168.61.12", fabric: machine.name });
    const { code, text } = await keelsonIn(third, ...words, "--node-name", near.node);
    assert.equal(code, 1);
    assert.match(text, /another machine goes by this name/);
  });

  await context.test("NETWORK-214: a Node that is deleted loses its way, and nothing leaves for addresses that nobody has", async () => {
    const { code, text } = await keelsonIn(far.machine, "down");
    assert.equal(code, 0, text);
    await kubectl(`delete node ${far.node}`);
    await eventually("the way is gone", 15, async () =>
      (await machine.sh("ip route show proto 157")).includes("keelson-vxlan") ? undefined : true,
    );
    assert.notEqual((await machine.run(["curl", "-s", "--max-time", "2", `http://${addresses[2]}:8080`])).code, 0);
    for (const from of [machine, near.machine]) {
      const caught = from.run(["sh", "-c", "timeout 3 tcpdump -n -i eth0 -c 1 net 10.0.0.0/8 2>/dev/null | wc -l"]);
      for (const nobody of ["10.244.77.7", "10.96.77.7"]) await from.run(["curl", "-s", "--max-time", "1", `http://${nobody}`]);
      if ((await from.run(["sh", "-c", "command -v tcpdump"])).code === 0) assert.equal((await caught).stdout.trim(), "0");
    }
  });

  await context.test("NETWORK-204: a worker that was taken down may join again", async () => {
    assert.equal(await far.machine.sh("ls /etc/kubernetes /var/lib/kubelet /var/lib/keelson 2>/dev/null | grep -v : | wc -w"), "0");
    assert.equal(await far.machine.sh("ip route show 10.96.0.0/12; ip route show proto 157; ls /usr/bin/kubelet 2>/dev/null || true"), "");
    const { code, text } = await keelsonIn(far.machine, ...(await joinWords(lab)));
    assert.equal(code, 0, text);
    assert.match(await kubectl(`get node ${far.node} --no-headers`), /\sReady\s/);
  });

  await context.test("NETWORK-225: a worker that comes back with another address is reached by it", async () => {
    const other = "192.168.61.21";
    const before = await certificatesOf(near.machine);
    await labCrash(world, near.machine.name);
    await labBoot(world, near.machine.name, { address: other });
    await eventually("its Node says so", 60, async () => {
      const { status } = JSON.parse(await kubectl(`get node ${near.node} -o json`)) as Node;
      const isReady = status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True");
      return isReady && status.addresses?.some(({ address }) => address === other) ? true : undefined;
    });
    assert.match(await near.machine.sh("ip route show 10.96.0.0/12"), /dev lo .*src 192\.168\.61\.21/);
    await eventually("others' way to its Pods", 30, async () =>
      (await machine.sh("ip route show proto 157")).includes("via 192.168.61.21 dev eth0") ? true : undefined,
    );
    await eventually("it serves with a certificate for that address", 60, async () =>
      (await certificatesOf(near.machine))?.[1]?.serial === before?.[1]?.serial ? undefined : true,
    );
    await kubectl("wait --for=condition=Ready pod/pod-0 pod/pod-1 --timeout=60s");
    assert.equal(await kubectl(["exec", "pod-1", "--", program, "-p", "6*7"]), "42");
    const [here, there] = (await kubectl("get pods pod-0 pod-1 -o jsonpath={.items[*].status.podIP}")).split(" ");
    assert.equal(await ask("pod-0", there as string), here);
    assert.equal(await ask("pod-1", here as string), there);
    const api = await kubectl("get service kubernetes -o jsonpath={.spec.clusterIP}");
    assert.match(await near.machine.sh(`curl -sk --max-time 5 https://${api}/version`), /gitVersion/);
  });

  /** As an administrator could: what is signed from now on ends after a minute. */
  async function signForSecondsOnly(): Promise<void> {
    const manifest = "/etc/kubernetes/manifests/kube-controller-manager.yaml";
    await machine.sh(`sed 's/^\\( *\\)- --allocate-node-cidrs=true/&\\n\\1- --cluster-signing-duration=60s/' ${manifest} >/tmp/manifest
cp /tmp/manifest ${manifest}`);
    await eventually("the controller manager goes by it", 30, async () =>
      (await machine.sh("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")).includes("--cluster-signing-duration=60s")
        ? true
        : undefined,
    );
  }
});

/** The client and the serving certificate that the cluster gave a kubelet, once there are both. */
async function certificatesOf(machine: TestMachine): Promise<readonly { readonly serial: string; readonly ends: number }[] | undefined> {
  const texts = ["client", "server"].map((name) =>
    machine.run(["openssl", "x509", "-noout", "-serial", "-enddate", "-in", `/var/lib/kubelet/pki/kubelet-${name}-current.pem`]),
  );
  const found = (await Promise.all(texts)).flatMap(({ stdout }) => {
    const [, serial, end = ""] = /^(serial=\S+)\nnotAfter=(.*)$/m.exec(stdout) ?? [];
    return serial === undefined ? [] : [{ serial, ends: Date.parse(end) }];
  });
  return found.length === 2 ? found : undefined;
}

function podOn(node: string, at: number): string {
  return `
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
    command: [${program}, -e, '${server.replaceAll("\n", " ")}; console.log("ready")']
`;
}

const service = `---
apiVersion: v1
kind: Service
metadata: {name: far}
spec:
  type: NodePort
  selector: {app: who, at: "2"}
  ports: [{port: 80, targetPort: 8080}]
`;
