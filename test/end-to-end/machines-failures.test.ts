// Three machines and a Service under constant requests: power cuts, cut cables, returns. Nodes are missed after six seconds here, not forty.
import assert from "node:assert/strict";
import { test } from "node:test";
import { labBoot, labCrash, labCut, labJoin } from "#lab/lab.ts";
import { joinedMachine } from "../support/lab-cluster.ts";
import { cannotMakeMachines, eventually, type TestMachine, uniqueName, world } from "../support/lab-machine.ts";
import { nodeFor, nodePrograms } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, "curl");
const program = "/usr/lib/keelson/node";
const server = `const fs = require("node:fs"); const at = "/kept/first-start"; if (!fs.existsSync(at)) fs.writeFileSync(at, process.env.UID);
require("node:http").createServer((request, response) => { response.setHeader("connection", "close"); response.end(process.env.NAME + " " + fs.readFileSync(at, "utf8")); }).listen(8080);
process.on("SIGTERM", () => process.exit());`;
/** Asks again and again; a line for each answer: when, and whose. */
const client = `const http = require("node:http"); const url = process.argv[1]; const end = (at, what) => console.log(at, Date.now(), what);
setInterval(() => { const at = Date.now(); const asked = http.get(url, { agent: false, timeout: 1500 }, (answer) => { answer.resume(); answer.on("end", () => end(at, "ok")); });
asked.on("timeout", () => asked.destroy(new Error("silent"))); asked.on("error", (error) => end(at, "failed " + error.message)); }, 50);`;

interface Asked {
  readonly at: number;
  readonly ok: boolean;
  readonly what: string;
}

test("machines fail and return under constant requests", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("fail"), address: "192.168.63.10" });
  const { machine: first, kubectl, tryKubectl } = lab;
  await quicker();
  const one = await joinedMachine(context, lab, { name: uniqueName("fail-2"), address: "192.168.63.11" });
  const two = await joinedMachine(context, lab, { name: uniqueName("fail-3"), address: "192.168.63.12" });
  const nodes = [`keelson-${first.name}`, one.node, two.node];
  await kubectl("apply -f -", { input: `${nodes.map(stayingPod).join("---\n")}${moving}${services}` });
  await kubectl("wait --for=condition=Ready pod -l app=stay --timeout=60s");
  await kubectl("rollout status deployment/moving --timeout=60s");
  await kubectl("wait --for=condition=Ready node --all --timeout=60s");
  const vip = (name: string) => kubectl(`get service ${name} -o jsonpath={.spec.clusterIP}`);
  const [all, onWorkers] = [await vip("all"), await vip("on-workers")];
  const watched = watchAddresses();
  context.after(() => watched.stop());
  await startAsking(first, `http://${all}`);
  const isReady = async (node: string) => /\sReady\s/.test((await tryKubectl(`get node ${node} --no-headers`)).stdout);
  const untilReady = (node: string, seconds = 60) =>
    eventually(`${node} is Ready`, seconds, async () => ((await isReady(node)) ? true : undefined));
  const untilMissed = (node: string) => eventually(`${node} is missed`, 60, async () => ((await isReady(node)) ? undefined : true));
  const movingOn = async () =>
    (await kubectl("get pods -l app=moving --field-selector=status.phase=Running -o jsonpath={.items[*].spec.nodeName}")).split(" ");
  const untilMovedFrom = (node: string) =>
    eventually(`Pods run elsewhere than on ${node}`, 60, async () => {
      const where = (await kubectl("get pods -l app=moving -o json").then(JSON.parse)) as Pods;
      const live = where.items.filter(({ metadata, status }) => !metadata.deletionTimestamp && isPodReady(status));
      return live.length === 3 && live.every(({ spec }) => spec.nodeName !== node) ? true : undefined;
    });
  let calmSince = 0;
  /** Requests failed between the moments only, and afterwards none for a while. */
  const failedOnlyBetween = async (machine: TestMachine, from: number, noticed: number) => {
    const settled = noticed + 4_000;
    await eventually("a while has passed", 20, async () => (Date.now() > settled + 1_500 ? true : undefined));
    const answers = await asked(machine);
    const after = answers.filter(({ at }) => at > settled);
    assert.ok(after.length > 5, `${after.length} requests`);
    assert.deepEqual(
      answers.filter(({ at, ok }) => !ok && at > calmSince && (at < from - 1_500 || at > settled)),
      [],
    );
    calmSince = settled;
  };

  await context.test("NETWORK-222: requests fail only until a machine without power is missed", async () => {
    assert.ok((await movingOn()).length === 3);
    const from = Date.now();
    await labCrash(world, one.machine.name);
    await untilMissed(one.node);
    await failedOnlyBetween(first, from, Date.now());
  });

  await context.test("NETWORK-223: Pods of a lost worker run elsewhere, and are not there twice when it is back", async () => {
    await untilMovedFrom(one.node);
    const from = Date.now();
    await labCut(world, two.machine.name);
    const bootId = await kubectl(`get node ${one.node} -o jsonpath={.status.nodeInfo.bootID}`);
    await labBoot(world, one.machine.name);
    await untilReady(one.node);
    assert.notEqual(await kubectl(`get node ${one.node} -o jsonpath={.status.nodeInfo.bootID}`), bootId);
    await untilMissed(two.node);
    await failedOnlyBetween(first, from, Date.now());
    await untilMovedFrom(two.node);
    await labJoin(world, two.machine.name);
    await untilReady(two.node);
    await eventually("what ran twice is ended", 60, async () => {
      const running = (await two.machine.sh("ctr -n k8s.io containers ls | grep -c 'keelson/hello' || true")).trim();
      const here = (await kubectl(`get pods --field-selector=spec.nodeName=${two.node} -o jsonpath={.items[*].metadata.name}`)).split(" ");
      return running === String(here.length) && here.length >= 1 ? true : undefined;
    });
    assert.deepEqual(watched.twice(), []);
  });

  await context.test("NETWORK-220: a worker that had no power returns by itself with its Pods", async () => {
    await kubectl("wait --for=condition=Ready pod -l app=stay --timeout=60s");
    assert.match(
      await kubectl(`get events --field-selector=reason=Rebooted,involvedObject.name=${one.node}`),
      /has been rebooted, boot id: /,
    );
    const pods = JSON.parse(await kubectl("get pods -l app=stay -o json")) as Pods;
    for (const { metadata, status } of pods.items)
      assert.equal(
        await first.sh(`curl -s --max-time 5 http://${status.podIP}:8080`),
        `${metadata.name} ${metadata.uid}`,
        "the same Pod with what it kept",
      );
  });

  await context.test(
    "NETWORK-224: while the control plane is cut off, Services lead on to Pods, and a machine that starts finds its ways",
    async () => {
      await startAsking(one.machine, `http://${onWorkers}`);
      const from = Date.now();
      await labCut(world, first.name);
      await labCrash(world, two.machine.name);
      await labBoot(world, two.machine.name);
      await eventually("its ways are there", 20, async () =>
        (await two.machine.sh("ip route show proto 157")).includes("via 192.168.63.11") ? true : undefined,
      );
      await eventually("requests are answered while nobody watches", 20, async () =>
        (await asked(one.machine)).filter(({ at, ok }) => ok && at > from).length > 40 ? true : undefined,
      );
      await labJoin(world, first.name);
      for (const node of nodes) await untilReady(node);
      await kubectl("wait --for=condition=Ready pod -l app=stay --timeout=60s");
      await failedOnlyBetween(one.machine, from, Date.now());
    },
  );

  await context.test("NETWORK-221: a control plane that had no power returns by itself with all that was acknowledged", async () => {
    const acknowledged: string[] = [];
    let isCut = false;
    const writing = (async () => {
      for (let at = 0; !isCut; at += 1)
        if ((await tryKubectl(`create configmap written-${at}`, { seconds: 5 })).code === 0) acknowledged.push(`written-${at}`);
    })();
    await eventually("some writes", 20, async () => (acknowledged.length >= 5 ? true : undefined));
    const started = await stayingSince(one.node);
    await labCrash(world, first.name);
    isCut = true;
    await labBoot(world, first.name);
    await writing;
    for (const node of nodes) await untilReady(node, 90);
    await kubectl("wait --for=condition=Ready pod --all --timeout=90s");
    const there = new Set((await kubectl("get configmaps -o jsonpath={.items[*].metadata.name}")).split(" "));
    assert.deepEqual(
      acknowledged.filter((name) => !there.has(name)),
      [],
    );
    assert.equal(await stayingSince(one.node), started, "a worker's Pods ran on");
    assert.deepEqual(watched.twice(), []);
  });

  /** As an administrator would: Nodes say more often that they live, and are missed sooner. */
  async function quicker(): Promise<void> {
    const config = JSON.parse(await kubectl("get configmap kubelet-config -n kube-system -o json")) as { data: { kubelet: string } };
    const data = { kubelet: `${config.data.kubelet}nodeLeaseDurationSeconds: 8\n` };
    await kubectl(["patch", "configmap", "kubelet-config", "-n", "kube-system", "--type=merge", "-p", JSON.stringify({ data })]);
    const manifest = "/etc/kubernetes/manifests/kube-controller-manager.yaml";
    await first.sh(`sed 's/^\\( *\\)- --allocate-node-cidrs=true/&\\n\\1- --node-monitor-grace-period=6s/' ${manifest} >/tmp/manifest
cp /tmp/manifest ${manifest}`);
    await eventually("the controller manager goes by it", 30, async () =>
      (await first.sh("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")).includes("--node-monitor-grace-period=6s") ? true : undefined,
    );
    await first.sh("echo 'nodeLeaseDurationSeconds: 8' >>/var/lib/kubelet/config.yaml; kill -9 $(pgrep -f 'keelson.js [k]ubelet')");
  }

  async function stayingSince(node: string): Promise<string> {
    const pods = JSON.parse(await kubectl(`get pods -l app=stay --field-selector=spec.nodeName=${node} -o json`)) as Pods;
    return JSON.stringify(pods.items.map(({ status }) => status.containerStatuses?.map(({ containerID }) => containerID)));
  }

  /** Looks at all Pods that run, all the time. */
  function watchAddresses() {
    const found = new Set<string>();
    let isOver = false;
    void (async () => {
      while (!isOver) {
        const { code, stdout } = await tryKubectl("get pods -A -o json", { seconds: 5 });
        const { items } = code === 0 ? (JSON.parse(stdout) as Pods) : { items: [] };
        const owners = new Map<string, string>();
        for (const { metadata, spec, status } of items) {
          if (spec.hostNetwork || !status.podIP || status.phase === "Failed" || status.phase === "Succeeded") continue;
          const other = owners.get(status.podIP);
          if (other) found.add(`${status.podIP}: ${other} and ${metadata.name}`);
          owners.set(status.podIP, metadata.name);
        }
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    })();
    return { stop: () => void (isOver = true), twice: () => [...found] };
  }
});

interface Pods {
  readonly items: readonly PodSeen[];
}
interface PodSeen {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string; readonly hostNetwork?: boolean };
  readonly status: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly containerID?: string }[];
  };
}

function isPodReady({ conditions = [] }: PodSeen["status"]): boolean {
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

async function startAsking(machine: TestMachine, url: string): Promise<void> {
  await machine.sh(`setsid ${program} -e '${client.replaceAll("\n", " ")}' ${url} >/tmp/asked 2>&1 </dev/null &`);
  await eventually("answers", 20, async () => ((await asked(machine)).some(({ ok }) => ok) ? true : undefined));
}

async function asked(machine: TestMachine): Promise<readonly Asked[]> {
  return (await machine.sh("cat /tmp/asked")).split("\n").flatMap((line) => {
    const [, at, , what = ""] = /^(\d+) (\d+) (.*)$/.exec(line) ?? [];
    return at === undefined ? [] : [{ at: Number(at), ok: what === "ok", what }];
  });
}

const container = `
  - name: web
    image: keelson/hello
    imagePullPolicy: IfNotPresent
    command: [${program}, -e, ${JSON.stringify(server)}]
    env:
    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: UID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
    securityContext: {runAsUser: 0}
    volumeMounts: [{name: kept, mountPath: /kept}]`;

/** Belongs to its machine, with what it keeps there. */
function stayingPod(node: string, at: number): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: stay-${at}, labels: {app: stay, web: "yes"${at > 0 ? ', where: "worker"' : ""}}}
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 1
  tolerations: [{operator: Exists}]
  containers:${container}
  volumes: [{name: kept, hostPath: {path: /var/lib/kept, type: DirectoryOrCreate}}]
`;
}

const moving = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: moving}
spec:
  replicas: 3
  selector: {matchLabels: {app: moving}}
  template:
    metadata: {labels: {app: moving, web: "yes"}}
    spec:
      terminationGracePeriodSeconds: 1
      tolerations:
      - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
      - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
      containers:${container.replaceAll("\n", "\n    ")}
      volumes: [{name: kept, emptyDir: {}}]
`;

const services = `---
apiVersion: v1
kind: Service
metadata: {name: all}
spec:
  selector: {web: "yes"}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: on-workers}
spec:
  selector: {where: worker}
  ports: [{port: 80, targetPort: 8080}]
`;
