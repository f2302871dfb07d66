// Time limit: 15 minutes.
// The first steps of the README and what follows on them, with the real kubectl and real containers, on one node made for this file.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import {
  askFromPod,
  busyboxImage,
  nodeFor,
  nodePrograms,
  registryPrograms,
  startBox,
  startRegistry,
  tracesOfPods,
  webImage,
} from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl", "script");
const address = "192.168.81.10";

test("kubectl on one node", { skip, timeout: 14 * 60_000 }, async (context) => {
  const folder = mkdtempSync(path.join(tmpdir(), "keelson-first-light-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const lab = await nodeFor(context, { name: uniqueName("e2e"), address });
  const { machine, kubectl, tryKubectl, apply, script } = lab;
  // What the cluster's own Services leave is there before: on a slow machine they are served a while after up has ended.
  const atStart = await eventually("the cluster's own Services are served", 60, async () => {
    const traces = await tracesOfPods(machine);
    const isServed = (port: string) => traces.some((trace) => trace.includes(`chain endpoint-kube-system-${port}-`));
    return isServed("kube-dns-dns-udp") && isServed("kube-dns-metrics-tcp") && isServed("metrics-server-https-tcp") ? traces : undefined;
  });
  await startRegistry(machine);
  const podNames = async (selector: string) =>
    (await kubectl(["get", "pods", "-l", selector, "-o", "jsonpath={.items[*].metadata.name}"])).split(" ").filter((name) => name !== "");
  const fromNode = async (url: string) => (await machine.sh(`curl -sS --max-time 5 ${url}`)).split("\n")[0] ?? "";

  await context.test("a Deployment of keelson/hello comes up, with no registry in reach that has it", async () => {
    assert.equal(await kubectl("create deployment hello --image=keelson/hello --replicas=3"), "deployment.apps/hello created");
    assert.match(await kubectl("rollout status deployment/hello --timeout=90s"), /deployment "hello" successfully rolled out$/);
    assert.match(await kubectl("get deployment hello --no-headers"), /^hello +3\/3 +3 +3 /);
    assert.match(await kubectl("get nodes --no-headers"), /^\S+ +Ready /);
    await startBox(lab, "box");
  });

  await context.test("its page is reached by ClusterIP, NodePort and name, from the node and from another Pod", async () => {
    await kubectl("expose deployment hello --port=80 --target-port=8080");
    await kubectl("expose deployment hello --name=hello-node --type=NodePort --port=80 --target-port=8080");
    const clusterIP = await kubectl("get service hello -o jsonpath={.spec.clusterIP}");
    const nodePort = await kubectl("get service hello-node -o jsonpath={.spec.ports[0].nodePort}");
    const page = /^Hello from Pod hello-\S+ on Node \S+\.$/;
    await eventually("the Service answers", 20, async () =>
      (await machine.run(["curl", "-sf", "--max-time", "1", `http://${clusterIP}/`])).code === 0 ? true : undefined,
    );
    assert.match(await fromNode(`http://${clusterIP}/`), page);
    assert.match(await fromNode(`http://${address}:${nodePort}/`), page);
    for (const host of [clusterIP, `${address}:${nodePort}`, "hello", "hello.default", "hello.default.svc.cluster.local"])
      assert.match(await askFromPod(lab, "box", `http://${host}/`), page, host);
    const answering = new Set<string>();
    for (let asked = 0; asked < 30; asked += 1) answering.add(await fromNode(`http://${clusterIP}/`));
    assert.equal(answering.size, 3, "every Pod answers some of the time");
    assert.notEqual((await tryKubectl("exec box -- nslookup nobody.default.svc.cluster.local")).code, 0);
  });

  await context.test("logs: what was said, its end, and what is said from now on, until the Pod is deleted", async () => {
    assert.match(await kubectl("logs deployment/hello"), /hello/);
    await kubectl([
      "run",
      "ticker",
      `--image=${busyboxImage}`,
      "--restart=Never",
      "--",
      "sh",
      "-c",
      "for i in $(seq 1000); do echo tick $i; sleep 0.2; done",
    ]);
    await kubectl("wait --for=condition=Ready pod/ticker --timeout=60s");
    const following = tryKubectl("logs -f ticker");
    const before = await eventually("three ticks", 20, async () => {
      const lines = (await kubectl("logs ticker")).split("\n");
      return lines.length >= 3 ? lines : undefined;
    });
    assert.deepEqual(before.slice(0, 3), ["tick 1", "tick 2", "tick 3"]);
    assert.match(await kubectl("logs ticker --tail=1 --timestamps"), /^\d{4}-\d\d-\d\dT\S+Z tick \d+$/);
    await kubectl("delete pod ticker --grace-period=1");
    const { code, stdout } = await following;
    assert.equal(code, 0);
    const followed = stdout.trim().split("\n");
    assert.ok(followed.length > before.length, `${followed.length} lines followed, ${before.length} were there`);
    assert.deepEqual(
      followed,
      followed.map((_, index) => `tick ${index + 1}`),
    );
  });

  await context.test("exec keeps the exit code and both streams", async () => {
    const { code, stdout, stderr } = await tryKubectl(["exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert.deepEqual([code, stdout], [7, "out\n"]);
    assert.match(stderr, /^err\ncommand terminated with exit code 7\n$/);
    const absent = await tryKubectl("exec box -- no-such-program");
    assert.notEqual(absent.code, 0);
    assert.match(absent.stderr, /no-such-program.*executable file not found/);
  });

  await context.test("exec carries standard input to its end", async () => {
    assert.equal(await kubectl("exec -i box -- cat", { input: "x\n" }), "x");
    const megabyte = randomBytes(2 ** 20).toString("base64");
    assert.equal((await tryKubectl("exec -i box -- cat", { input: megabyte })).stdout, megabyte);
  });

  await context.test("exec gives a terminal", async () => {
    const { code, stdout } = await script(`script -qec 'kubectl exec -it box -- sh -c "tty; exit 5"' /dev/null </dev/null`);
    assert.match(stdout, /\/dev\/pts\/\d+/);
    assert.equal(code, 5);
  });

  await context.test("every kubectl that is here: streams by SPDY and by WebSocket", async (subtest) => {
    const others = await script('ls "$(dirname "$(readlink -f "$(command -v kubectl)")")"/kubectl.1.*');
    const programs = others.stdout.split("\n").filter((line) => line !== "");
    if (programs.length === 0) return subtest.skip("there is only one kubectl");
    for (const program of programs) {
      const { stdout, stderr } = await script(`
'${program}' exec box -- sh -c 'echo out; exit 4' || echo "exit $?"
echo in | '${program}' exec -i box -- cat
'${program}' get pods box -o name
'${program}' logs deployment/hello | grep -c hello`);
      assert.match(stdout, /^out\nexit 4\nin\npod\/box\n\d+\n$/, `${program}: ${stderr}`);
    }
  });

  await context.test("what a slow reader does not take waits in the container", async () => {
    const { stdout } = await script(`kubectl exec box -- head -c 300000000 /dev/zero | { sleep 2; head -c 1000000 | wc -c; }`);
    assert.equal(stdout.trim(), "1000000");
    assert.equal((await script("kubectl exec box -- head -c 30000000 /dev/zero | wc -c")).stdout.trim(), "30000000");
  });

  await context.test("cp there and back, and port-forward", async () => {
    const [there, back] = [path.join(folder, "there"), path.join(folder, "back")];
    writeFileSync(there, randomBytes(300_000));
    await kubectl(`cp ${there} box:/tmp/file`);
    await kubectl(`cp box:/tmp/file ${back}`);
    assert.ok(readFileSync(there).equals(readFileSync(back)));
    const { stdout, stderr } = await script(`
kubectl port-forward service/hello :80 >'${folder}/forward' 2>&1 & forward=$!
trap 'kill $forward' EXIT
for try in $(seq 100); do port=$(sed -n 's/^Forwarding from 127.0.0.1:\\([0-9]*\\) .*/\\1/p' '${folder}/forward'); [ -z "$port" ] || break; sleep 0.1; done
curl -sS --max-time 5 "http://127.0.0.1:$port/" && curl -sS --max-time 5 "http://127.0.0.1:$port/"`);
    assert.equal(stdout.match(/^Hello from Pod/gm)?.length, 2, stdout + stderr);
  });

  await context.test("scale, up and down", async () => {
    assert.equal(await kubectl("scale deployment hello --replicas=5"), "deployment.apps/hello scaled");
    await kubectl("rollout status deployment/hello --timeout=60s");
    assert.match(await kubectl("get deployment hello --no-headers"), /^hello +5\/5 /);
    await kubectl("scale deployment hello --replicas=1");
    await eventually("one Pod is left", 60, async () => ((await podNames("app=hello")).length === 1 ? true : undefined));
    const slices = await kubectl([
      "get",
      "endpointslices",
      "-l",
      "kubernetes.io/service-name=hello",
      "-o",
      "jsonpath={.items[*].endpoints[*].addresses[0]}",
    ]);
    assert.equal(slices.split(" ").length, 1);
  });

  await context.test("apply twice: the second time nothing changes", async () => {
    assert.match(await apply(web), /^deployment.apps\/web created\nservice\/web created$/);
    assert.match(await apply(web), /^deployment.apps\/web unchanged\nservice\/web unchanged$/);
    await kubectl("rollout status deployment/web --timeout=90s");
    assert.equal((await tryKubectl("diff -f -", { input: web })).code, 0, "kubectl diff finds no difference");
  });

  await context.test("a rolling update, its undoing, and a bad image that holds the rollout: no request fails", async () => {
    const revisions = async () => (await kubectl("rollout history deployment/web")).match(/^\d+/gm);
    await eventually("the Service answers", 20, async () =>
      (await tryKubectl("exec box -- timeout 2 wget -q -O- http://web/")).code === 0 ? true : undefined,
    );
    const client = `while [ ! -e /tmp/stop ]; do timeout 5 wget -q -O- http://web/ >>/tmp/answers || echo failed >>/tmp/answers; done`;
    await kubectl(["exec", "box", "--", "sh", "-c", `(${client}) >/dev/null 2>&1 </dev/null &`]);
    const answered = async () => (await kubectl("exec box -- tail -n 1 /tmp/answers")).trim();
    await eventually("version 1 answers", 20, async () => ((await answered()) === "version 1" ? true : undefined));

    await kubectl(`set image deployment/web web=${webImage(2)}`);
    assert.match(await kubectl("rollout status deployment/web --timeout=90s"), /successfully rolled out$/);
    await eventually("version 2 answers", 20, async () => ((await answered()) === "version 2" ? true : undefined));
    assert.deepEqual(await revisions(), ["1", "2"]);

    assert.equal(await kubectl("rollout undo deployment/web"), "deployment.apps/web rolled back");
    await kubectl("rollout status deployment/web --timeout=90s");
    await eventually("version 1 answers again", 20, async () => ((await answered()) === "version 1" ? true : undefined));
    assert.deepEqual(await revisions(), ["2", "3"]);
    assert.equal(await kubectl("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}"), webImage(1));

    await kubectl(`set image deployment/web web=${webImage("none")}`);
    // The first is shown for a second at each attempt, and attempts come 10, 20, 40 seconds after each other.
    for (const reason of ["ErrImagePull", "ImagePullBackOff"])
      await eventually(reason, 100, async () => ((await kubectl("get pods -l app=web")).includes(` ${reason} `) ? true : undefined));
    assert.match(await kubectl("get deployment web --no-headers"), /^web +3\/3 +1 +3 /);
    const waiting = await tryKubectl("rollout status deployment/web --timeout=1s");
    assert.equal(waiting.code, 1);
    assert.match(waiting.stdout, /1 out of 3 new replicas have been updated/);
    // Newer ones leave the events of several Pods out unless asked.
    const events = await kubectl("describe pods -l app=web --show-events=true");
    for (const [reason, message] of [
      ["Pulling", `Pulling image "${webImage("none")}"`],
      ["Failed", `Failed to pull image "${webImage("none")}": rpc error: code = NotFound desc = `],
      ["Failed", "Error: ErrImagePull"],
      ["BackOff", `Back-off pulling image "${webImage("none")}"`],
      ["Failed", "Error: ImagePullBackOff"],
    ] as const)
      assert.ok(hasEvent(events, reason, message), `${reason} ${message}\n${events}`);
    await kubectl("rollout undo deployment/web");
    await kubectl("rollout status deployment/web --timeout=60s");

    await kubectl("exec box -- touch /tmp/stop");
    const answers = (await kubectl("exec box -- cat /tmp/answers")).split("\n");
    assert.ok(answers.length > 100, `only ${answers.length} answers`);
    assert.deepEqual(
      answers.filter((answer) => !/^version [12]$/.test(answer)),
      [],
    );
  });

  await context.test("describe shows the events people know", async () => {
    const pod = await kubectl("describe pod box");
    for (const [reason, message] of [
      ["Scheduled", "Successfully assigned default/box to "],
      ["Pulling", `Pulling image "${busyboxImage}"`],
      ["Pulled", `Successfully pulled image "${busyboxImage}" in `],
      ["Created", "Container created"],
      ["Started", "Container started"],
    ] as const)
      assert.ok(hasEvent(pod, reason, message), `${reason} ${message}\n${pod}`);
    const deployment = await kubectl("describe deployment web");
    assert.match(deployment, /^NewReplicaSet: +web-\S+ \(3\/3 replicas created\)$/m);
    for (const message of ["Scaled up replica set web-\\S+ from 0 to 3", "Scaled down replica set web-\\S+ from 3 to 2"])
      assert.match(deployment, new RegExp(`Normal +ScalingReplicaSet .*deployment-controller +${message}`));
  });

  await context.test("rollout restart, pause and resume", async () => {
    const sets = async () => (await kubectl("get replicasets -l app=hello -o name")).split("\n").length;
    const before = await sets();
    await kubectl("rollout restart deployment/hello");
    await kubectl("rollout status deployment/hello --timeout=60s");
    assert.equal(await sets(), before + 1);
    await kubectl("rollout pause deployment/hello");
    await kubectl("set env deployment/hello WORD=one");
    await kubectl("set env deployment/hello OTHER=two");
    const paused = await tryKubectl("rollout status deployment/hello --timeout=2s");
    assert.equal(paused.code, 1, "while it is paused nothing is rolled out");
    assert.equal(await sets(), before + 1);
    await kubectl("rollout resume deployment/hello");
    await kubectl("rollout status deployment/hello --timeout=60s");
    assert.equal(await sets(), before + 2, "two changes, one rollout");
  });

  await context.test("bad input is answered, and nothing is stored", async () => {
    const refused = async (manifest: string, words: RegExp) => {
      const { code, stderr } = await tryKubectl("create -f -", { input: manifest });
      assert.equal(code, 1, manifest.slice(0, 200));
      assert.match(stderr, words);
    };
    const map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\n";
    await refused(`${map}data: {key: value`, /error converting YAML to JSON/);
    await refused(`${map}date: {key: value}`, /(strict decoding error|ValidationError\(ConfigMap\)): unknown field "date"/);
    await refused(`${map}data: {key: [1]}`, /BadRequest|ValidationError\(ConfigMap.data.key\)/);
    await refused(`${map}data: {key: ${"x".repeat(1_100_000)}}`, /Too long: may not be more than 1048576 bytes/);
    await refused(`${map}data: {key: ${"x".repeat(3_200_000)}}`, /RequestEntityTooLarge.*Request entity too large: limit is 3145728/);
    await refused(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: X_y}\nspec: {containers: []}",
      /metadata\.name: Invalid value: "X_y"[^]*spec\.containers: Required value/,
    );
    await refused("apiVersion: v1\nkind: Nothing\nmetadata: {name: x}", /no matches for kind "Nothing" in version "v1"/);
    assert.equal(await kubectl("get configmaps -o name"), "configmap/kube-root-ca.crt");
  });

  await context.test("server-side apply: one field, two managers, a conflict", async () => {
    const map = (value: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {key: ${value}}\n`;
    await kubectl("apply --server-side --field-manager=alice -f -", { input: map("one") });
    const refused = await tryKubectl("apply --server-side --field-manager=bob -f -", { input: map("two") });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^error: Apply failed with 1 conflict: conflict with "alice": \.data\.key$/m);
    assert.equal(await kubectl("get configmap shared -o jsonpath={.data.key}"), "one");
    await kubectl("apply --server-side --field-manager=bob --force-conflicts -f -", { input: map("two") });
    assert.equal(await kubectl("get configmap shared -o jsonpath={.data.key}"), "two");
    await kubectl("delete configmap shared");
  });

  await context.test("delete leaves nothing", async () => {
    await kubectl("delete deployment,service,pod --all --timeout=90s", { seconds: 100 });
    await eventually("no Pod of a Deployment is left", 60, async () => ((await kubectl("get pods -o name")) === "" ? true : undefined));
    const left = "get replicasets,endpointslices,endpoints,services -o name";
    const kubernetes = ["endpoints/kubernetes", "endpointslice.discovery.k8s.io/kubernetes", "service/kubernetes"];
    let last: readonly string[] = [];
    await eventually(`only the API server's own is left of the objects`, 30, async () => {
      last = (await kubectl(left)).split("\n").sort();
      return String(last) === String(kubernetes) ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`left: ${last.join(" ")}`, { cause: error });
    });
    await eventually("the machine is as it was", 30, async () => {
      last = (await tracesOfPods(machine)).filter((trace) => !atStart.includes(trace));
      return last.length === 0 ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`left:\n${last.join("\n")}`, { cause: error });
    });
  });
});

function hasEvent(described: string, reason: string, message: string): boolean {
  return described.split("\n").some((line) => line.trim().split(/ {2,}/)[1] === reason && line.includes(message));
}

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: web
        image: ${webImage(1)}
        ports: [{containerPort: 8080}]
        # Between being deleted and being asked no more, it goes on answering.
        lifecycle: {preStop: {exec: {command: [sleep, "2"]}}}
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`;
