// Time limit: 5 minutes.
// The life of a Pod's containers on one real node: who starts when, who is started again, hooks, last words, and how all of it ends.
// The Pods are made all at once and each looked at in a test of its own, so that their waiting times pass together.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry } from "../support/lab-node.ts";
import { lifeOf } from "../support/pod-life.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");

const node = "/usr/lib/keelson/node";
const shell = (text: string) => ({ image: busyboxImage, command: ["sh", "-c", text] });
/** Ends when it is told to, and says so. */
const waits = (word = "") => `trap '${word ? `echo ${word} told; ` : ""}exit 0' TERM; sleep 100000 & wait`;
const shared = [{ name: "shared", mountPath: "/shared" }];
const volumes = [{ name: "shared", emptyDir: {} }];
const main = (text: string, more: object = {}) => ({ name: "main", ...shell(text), ...more });
const hookServer = `require("node:http").createServer((request, response) => {
  console.log(request.method, request.url, request.headers["x-word"], request.headers["user-agent"], request.headers.host);
  response.statusCode = 500;
  response.end();
}).listen(8080, () => require("node:fs").writeFileSync("/tmp/open", ""));
process.on("SIGTERM", () => setTimeout(() => process.exit(0), 50));`;

/** By name: the spec, or a whole Pod. */
const pods: Readonly<Record<string, object>> = {
  ordered: {
    volumes,
    initContainers: [
      { name: "first", ...shell("sleep 2; echo first >>/shared/order"), volumeMounts: shared },
      { name: "second", ...shell("echo second >>/shared/order"), volumeMounts: shared },
    ],
    containers: [main(`echo main >>/shared/order; ${waits()}`, { volumeMounts: shared })],
  },
  "init-again": {
    volumes,
    restartPolicy: "OnFailure",
    initContainers: [{ name: "first", ...shell("echo try >>/shared/tries; test $(wc -l </shared/tries) = 2"), volumeMounts: shared }],
    containers: [main("cat /shared/tries", { volumeMounts: shared })],
  },
  "init-failed": { restartPolicy: "Never", initContainers: [{ name: "first", ...shell("exit 3") }], containers: [main("true")] },
  "init-once": {
    restartPolicy: "Always",
    initContainers: [{ name: "first", restartPolicy: "Never", ...shell("exit 4") }],
    containers: [main("true")],
  },
  accompanied: {
    volumes,
    terminationGracePeriodSeconds: 20,
    initContainers: [
      {
        name: "near",
        restartPolicy: "Always",
        ...shell(`sleep 1; touch /shared/near; ${waits("near")}`),
        volumeMounts: shared,
        startupProbe: { exec: { command: ["test", "-e", "/shared/near"] }, periodSeconds: 1 },
      },
      { name: "between", ...shell("test -e /shared/near && touch /shared/between"), volumeMounts: shared },
      { name: "far", restartPolicy: "Always", ...shell(`test -e /shared/between && ${waits("far")}`), volumeMounts: shared },
    ],
    containers: [main(`trap 'echo main told; sleep 1; exit 0' TERM; sleep 100000 & wait`)],
  },
  "side-again": {
    restartPolicy: "Never",
    initContainers: [{ name: "side", restartPolicy: "Always", ...shell("sleep 1; exit 0") }],
    containers: [main(waits())],
  },
  complete: {
    restartPolicy: "OnFailure",
    terminationGracePeriodSeconds: 20,
    initContainers: [{ name: "side", restartPolicy: "Always", ...shell("trap 'sleep 3; exit 0' TERM; sleep 100000 & wait") }],
    containers: [main("sleep 1; exit 0")],
  },
  selfish: {
    terminationGracePeriodSeconds: 8,
    initContainers: [{ name: "side", restartPolicy: "Always", ...shell("trap '' TERM; sleep 100000") }],
    containers: [main("trap '' TERM; sleep 100000")],
  },
  changed: { restartPolicy: "Never", containers: [main(waits())] },
  crashing: {
    volumes,
    containers: [
      main(waits(), { volumeMounts: shared }),
      { name: "crash", ...shell("date +%s >>/shared/starts; exit 1"), volumeMounts: shared },
    ],
  },
  "own-policy": {
    restartPolicy: "Never",
    containers: [main(waits()), { name: "again", restartPolicy: "OnFailure", ...shell("sleep 1; exit 1") }],
  },
  ruled: {
    volumes,
    restartPolicy: "Never",
    containers: [
      main("echo run >>/shared/runs; test $(wc -l </shared/runs) = 1 && exit 42; exit 7", {
        volumeMounts: shared,
        restartPolicy: "Never",
        restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
      }),
    ],
  },
  anew: {
    volumes,
    restartPolicy: "Never",
    initContainers: [
      { name: "first", ...shell("echo init >>/shared/log"), volumeMounts: shared },
      {
        name: "watcher",
        restartPolicy: "Always",
        ...shell(`sleep 2; test $(grep -c init /shared/log) = 1 && exit 88; ${waits()}`),
        volumeMounts: shared,
        restartPolicyRules: [{ action: "RestartAllContainers", exitCodes: { operator: "In", values: [88] } }],
      },
    ],
    containers: [
      main(`echo main >>/shared/log; ${waits()}`, {
        volumeMounts: shared,
        lifecycle: { preStop: { exec: { command: ["sh", "-c", "echo hook >>/shared/log"] } } },
      }),
    ],
  },
  boxed: {
    volumes,
    initContainers: [{ name: "first", ...shell("echo init >>/shared/log"), volumeMounts: shared }],
    containers: [main(waits(), { volumeMounts: shared })],
  },
  hooked: {
    terminationGracePeriodSeconds: 20,
    containers: [
      main(`echo started; ${waits("main")}`, {
        lifecycle: {
          postStart: { exec: { command: ["sh", "-c", "sleep 2; echo post-start >/proc/1/fd/1"] } },
          preStop: { exec: { command: ["sh", "-c", "echo pre-stop >/proc/1/fd/1; sleep 1"] } },
        },
      }),
    ],
  },
  "hook-failed": {
    containers: [main(waits(), { lifecycle: { postStart: { exec: { command: ["sh", "-c", "echo secret word; exit 5"] } } } })],
  },
  "hook-http": {
    terminationGracePeriodSeconds: 10,
    containers: [
      {
        name: "main",
        image: "keelson/hello",
        command: [node, "-e", hookServer],
        ports: [{ name: "web", containerPort: 8080 }],
        readinessProbe: { exec: { command: [node, "-e", 'require("node:fs").statSync("/tmp/open")'] }, periodSeconds: 1 },
        lifecycle: { preStop: { httpGet: { path: "/before?end", port: "web", httpHeaders: [{ name: "X-Word", value: "bye" }] } } },
      },
    ],
  },
  "hook-sleep": {
    terminationGracePeriodSeconds: 20,
    containers: [main(waits("main"), { lifecycle: { preStop: { sleep: { seconds: 3 } } } })],
  },
  "hook-long": {
    terminationGracePeriodSeconds: 3,
    containers: [main(waits("main"), { lifecycle: { preStop: { exec: { command: ["sleep", "60"] } } } })],
  },
  "hook-broken": {
    terminationGracePeriodSeconds: 5,
    containers: [main(waits(), { lifecycle: { preStop: { exec: { command: ["sh", "-c", "echo secret word; exit 6"] } } } })],
  },
  "hook-plain": {
    terminationGracePeriodSeconds: 10,
    containers: [
      {
        name: "main",
        image: "keelson/hello",
        command: [node, "-e", hookServer],
        readinessProbe: { exec: { command: [node, "-e", 'require("node:fs").statSync("/tmp/open")'] }, periodSeconds: 1 },
        lifecycle: { preStop: { httpGet: { scheme: "HTTPS", path: "/end", port: 8080 } } },
      },
    ],
  },
  patient: { terminationGracePeriodSeconds: 120, containers: [main("trap '' TERM; sleep 100000")] },
  extended: { containers: [main(waits())] },
  listener: {
    containers: [
      {
        name: "main",
        image: "keelson/hello",
        command: [node, "-e", hookServer],
        readinessProbe: { exec: { command: [node, "-e", 'require("node:fs").statSync("/tmp/open")'] }, periodSeconds: 1 },
      },
    ],
  },
  "collected-a": { containers: [main(waits())] },
  "collected-b": { containers: [main(waits())] },
  debugged: { containers: [main(`${waits()} # the-main-process`)] },
  uninitialised: { initContainers: [{ name: "first", ...shell(waits()) }], containers: [main("true")] },
  words: {
    restartPolicy: "Never",
    containers: [
      main("echo the reason >/dev/termination-log; exit 3"),
      {
        name: "elsewhere",
        terminationMessagePath: "/tmp/words",
        ...shell("printf 'not root' >/tmp/words"),
        securityContext: { runAsUser: 1000 },
      },
      { name: "logged", terminationMessagePolicy: "FallbackToLogsOnError", ...shell("for i in $(seq 200); do echo line $i; done; exit 1") },
      { name: "fine", terminationMessagePolicy: "FallbackToLogsOnError", ...shell("echo all is well") },
      { name: "both", terminationMessagePolicy: "FallbackToLogsOnError", ...shell("echo log; printf file >/dev/termination-log; exit 1") },
    ],
  },
  wordy: {
    restartPolicy: "Never",
    containers: ["main", "b", "c", "d"].map((name) => ({
      name,
      ...shell("{ head -c 6000 /dev/zero | tr '\\0' a; printf END; } >/dev/termination-log"),
    })),
  },
  brief: {
    activeDeadlineSeconds: 12,
    terminationGracePeriodSeconds: 2,
    containers: [main("trap '' TERM; sleep 100000")],
  },
  unstartable: { restartPolicy: "Never", containers: [{ name: "main", image: busyboxImage, command: ["no-such-program"] }] },
  done: { restartPolicy: "OnFailure", containers: [main("exit 0")] },
  counted: { containers: [main(waits(), { readinessProbe: { exec: { command: ["true"] }, initialDelaySeconds: 1, periodSeconds: 20 } })] },
  unmounted: {
    volumes: [{ name: "absent", configMap: { name: "absent" } }],
    containers: [main(waits(), { volumeMounts: [{ name: "absent", mountPath: "/absent" }] })],
  },
  evicted: { terminationGracePeriodSeconds: 20, containers: [main("trap '' TERM; sleep 100000")] },
};

test("the life of containers on one node", { skip, timeout: 5 * 60_000, concurrency: 10 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-life"), address: "192.168.91.20" });
  const { machine, kubectl, tryKubectl } = lab;
  await startRegistry(machine);
  const life = lifeOf(lab);
  await life.create(pods);

  await context.test("NODE-1: init containers run one after another before the others start, and the Pod says how far it is", async () => {
    const early = await life.until("ordered", "the first runs", ({ status }) => status.initContainerStatuses?.[0]?.state.running);
    assert.equal(early.status.phase, "Pending");
    assert.equal(await life.shown("ordered"), "Init:0/2");
    const initialized = life.condition(early, "Initialized");
    assert.deepEqual(
      [initialized?.status, initialized?.reason, initialized?.message],
      ["False", "ContainersNotInitialized", "containers with incomplete status: [first second]"],
    );
    assert.equal(early.status.containerStatuses?.[0]?.state.waiting?.reason, "PodInitializing");
    const pod = await life.ready("ordered");
    assert.equal(await life.sh("ordered", "cat /shared/order"), "first\nsecond\nmain");
    assert.deepEqual(
      pod.status.initContainerStatuses?.map(({ state, ready }) => [state.terminated?.reason, ready]),
      [
        ["Completed", true],
        ["Completed", true],
      ],
    );
    assert.equal(life.condition(pod, "Initialized")?.status, "True");
  });

  await context.test("NODE-2: a failed init container runs again where the restart policy says so, else the Pod is Failed", async () => {
    const again = await life.until("init-again", "it has succeeded", ({ status }) => status.phase === "Succeeded");
    assert.equal(again.status.initContainerStatuses?.[0]?.restartCount, 1);
    const failed = await life.until("init-failed", "it has failed", ({ status }) => status.phase === "Failed");
    assert.equal(await life.shown("init-failed"), "Init:Error");
    assert.equal(failed.status.initContainerStatuses?.[0]?.state.terminated?.exitCode, 3);
    assert.equal(failed.status.containerStatuses?.[0]?.state.waiting?.reason, "PodInitializing");
    const once = await life.until("init-once", "it has failed", ({ status }) => status.phase === "Failed");
    assert.deepEqual([once.status.initContainerStatuses?.[0]?.restartCount, life.condition(once, "Ready")?.reason], [0, "PodFailed"]);
  });

  await context.test("NODE-3: a sidecar is started before what follows it, is counted among the containers, and runs on", async () => {
    const pod = await life.ready("accompanied");
    const [near, between, far] = pod.status.initContainerStatuses ?? [];
    assert.deepEqual([near?.started, near?.ready, far?.started, far?.ready], [true, true, true, true]);
    assert.ok(near?.state.running && far?.state.running && between?.state.terminated);
    assert.match(await kubectl("get pod accompanied --no-headers"), /^accompanied +3\/3 +Running +0 /);
  });

  await context.test("NODE-4: a sidecar that ends is started again, whatever the Pod's restart policy", async () => {
    const pod = await life.until("side-again", "a restart", ({ status }) => (status.initContainerStatuses?.[0]?.restartCount ?? 0) > 0);
    assert.equal(pod.status.phase, "Running");
    assert.equal(pod.status.containerStatuses?.[0]?.restartCount, 0);
  });

  await context.test("NODE-5: sidecars end when the containers have, and the Pod is Succeeded when they are gone, not before", async () => {
    const ending = await life.until("complete", "the container has ended", ({ status }) => status.containerStatuses?.[0]?.state.terminated);
    if (ending.status.initContainerStatuses?.[0]?.state.running) assert.equal(ending.status.phase, "Running");
    const pod = await life.until("complete", "it has succeeded", ({ status }) => status.phase === "Succeeded");
    const [side] = pod.status.initContainerStatuses ?? [];
    assert.deepEqual([side?.state.terminated?.exitCode, side?.restartCount], [0, 0]);
    const seconds = (name: string) => Date.parse(name) / 1_000;
    const lasted =
      seconds(side?.state.terminated?.finishedAt ?? "") - seconds(pod.status.containerStatuses?.[0]?.state.terminated?.finishedAt ?? "");
    assert.ok(lasted >= 2, `the sidecar had ${lasted} s after the container`);
    assert.equal(life.condition(pod, "Ready")?.reason, "PodCompleted");
  });

  // Those that wait for Pods to go do so together.
  const together: Promise<unknown>[] = [];
  together.push(
    context.test("NODE-6: of a deleted Pod the containers end first, then the sidecars, the last started first", async () => {
      const logs = tryKubectl("logs -f accompanied --all-containers --timestamps");
      await life.until("accompanied", "its containers are ready", ({ status }) => status.containerStatuses?.[0]?.ready);
      await life.settle();
      await kubectl("delete pod accompanied");
      const told = (await logs).stdout
        .split("\n")
        .filter((line) => line.endsWith(" told"))
        .sort()
        .map((line) => line.replace(/^\S+ (\[\S+\] )?/, ""));
      assert.deepEqual(told, ["main told", "far told", "near told"]);
      const events = await life.events("accompanied");
      assert.deepEqual(
        new Set(events.filter(({ reason }) => reason === "Killing").map(({ message }) => message)),
        new Set(["Stopping container main", "Stopping container near", "Stopping container far"]),
      );
    }),
  );

  together.push(
    context.test("NODE-7: all containers of a Pod share one grace period; what is left of it is at least two seconds", async () => {
      await life.ready("selfish");
      const seconds = await life.seconds(() => kubectl("delete pod selfish"));
      assert.ok(seconds >= 8 && seconds < 15, `gone after ${seconds} s`);
    }),
  );

  await context.test("NODE-8: a container whose image was changed is replaced, whatever its restart policy", async () => {
    await life.ready("changed");
    await kubectl(["patch", "pod", "changed", "-p", '{"spec":{"containers":[{"name":"main","image":"127.0.0.1:5000/web:1"}]}}']);
    const pod = await life.until("changed", "it runs anew", ({ status }) => {
      const [own] = status.containerStatuses ?? [];
      return own?.restartCount === 1 && own.state.running;
    });
    assert.equal(pod.status.containerStatuses?.[0]?.image, "127.0.0.1:5000/web:1");
    assert.ok(await life.event("changed", "Killing", /^Container main definition changed, will be restarted$/));
  });

  await context.test(
    "NODE-10: a crashing container starts again at once, then after 10 seconds, and says CrashLoopBackOff meanwhile",
    async () => {
      const crash = ({ status }: Awaited<ReturnType<typeof life.pod>>) => status.containerStatuses?.find(({ name }) => name === "crash");
      const pod = await life.until("crashing", "it waits", (seen) => crash(seen)?.state.waiting?.reason === "CrashLoopBackOff");
      assert.match(
        crash(pod)?.state.waiting?.message ?? "",
        /^back-off (10|20)s restarting failed container=crash pod=crashing_default\([0-9a-f-]{36}\)$/,
      );
      assert.deepEqual([pod.status.phase, crash(pod)?.lastState.terminated?.exitCode], ["Running", 1]);
      assert.ok(await life.event("crashing", "BackOff", /^Back-off restarting failed container crash in pod crashing_default\(/));
      await life.until("crashing", "a second restart", (seen) => (crash(seen)?.restartCount ?? 0) >= 2);
      const [first = 0, second = 0, third = 0] = (await life.sh("crashing", "cat /shared/starts")).split("\n").map(Number);
      assert.ok(second - first < 8, `the first restart after ${second - first} s`);
      assert.ok(third - second >= 9, `the second restart after ${third - second} s`);
    },
  );

  await context.test("NODE-11: a container's own restart policy wins over the Pod's", async () => {
    const pod = await life.until("own-policy", "a restart", ({ status }) =>
      status.containerStatuses?.some(({ name, restartCount }) => name === "again" && restartCount > 0),
    );
    assert.equal(pod.status.phase, "Running");
    assert.equal(pod.status.containerStatuses?.find(({ name }) => name === "main")?.restartCount, 0);
  });

  await context.test(
    "NODE-12: a restart rule that fits the exit code starts the container again, any other code follows the policy",
    async () => {
      const pod = await life.until("ruled", "it has failed", ({ status }) => status.phase === "Failed");
      const [own] = pod.status.containerStatuses ?? [];
      assert.deepEqual([own?.restartCount, own?.lastState.terminated?.exitCode, own?.state.terminated?.exitCode], [1, 42, 7]);
    },
  );

  await context.test(
    "NODE-13: a rule may start all containers anew: no hooks, init containers too, and sandbox and volumes stay",
    async () => {
      const before = await life.until("anew", "it has an address", ({ status }) => status.podIP);
      const pod = await life.until("anew", "all runs anew", ({ status }) => {
        const [own] = status.containerStatuses ?? [];
        return own?.restartCount === 1 && own.state.running;
      });
      assert.deepEqual(
        pod.status.initContainerStatuses?.map(({ restartCount }) => restartCount),
        [1, 1],
      );
      assert.equal(pod.status.podIP, before.status.podIP);
      assert.equal(await life.sh("anew", "cat /shared/log"), "init\nmain\ninit\nmain");
      assert.equal(life.condition(pod, "AllContainersRestarting")?.status, "False");
    },
  );

  await context.test("NODE-14: a sandbox that was lost is replaced, init containers run again, and restart counts go on", async () => {
    const before = await life.ready("boxed");
    await machine.sh(`
for id in $(ctr -n k8s.io containers ls -q 'labels."io.kubernetes.pod.name"==boxed,labels."io.cri-containerd.kind"==sandbox'); do
  ctr -n k8s.io tasks kill -s KILL $id
done`);
    const pod = await life.until("boxed", "it runs anew", ({ status }) => {
      const [own] = status.containerStatuses ?? [];
      return own?.restartCount === 1 && own.ready;
    });
    assert.equal(pod.metadata.uid, before.metadata.uid);
    assert.equal(await life.sh("boxed", "cat /shared/log"), "init\ninit");
    assert.equal(pod.status.initContainerStatuses?.[0]?.restartCount, 1);
    assert.ok(await life.event("boxed", "SandboxChanged", /^Pod sandbox changed, it will be killed and re-created\.$/));
  });

  together.push(
    context.test(
      "NODE-20: a container runs for others once its postStart hook is done, and its preStop hook comes before TERM",
      async () => {
        const pod = await life.ready("hooked");
        assert.ok(pod.status.containerStatuses?.[0]?.state.running);
        assert.match(await kubectl("logs hooked"), /^started\npost-start$/);
        const logs = tryKubectl("logs -f hooked");
        await life.settle();
        await kubectl("delete pod hooked");
        assert.deepEqual((await logs).stdout.trim().split("\n"), ["started", "post-start", "pre-stop", "main told"]);
      },
    ),
  );

  together.push(
    context.test(
      "NODE-21: a failed postStart hook ends the container, which is started again; no event tells what the hook said",
      async () => {
        await life.until("hook-failed", "a restart", ({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0);
        assert.ok(await life.event("hook-failed", "FailedPostStartHook", /^PostStartHook failed$/));
        assert.ok(await life.event("hook-failed", "Killing", /^FailedPostStartHook$/));
        assert.doesNotMatch(JSON.stringify(await life.events("hook-failed")), /secret word/);
      },
    ),
  );

  together.push(
    context.test("NODE-22: an HTTP hook is a GET with its headers to the container's port, and done whatever is answered", async () => {
      const pod = await life.ready("hook-http");
      const logs = tryKubectl("logs -f hook-http");
      await life.settle();
      await kubectl("delete pod hook-http");
      assert.equal((await logs).stdout.trim(), `GET /before?end bye kube-lifecycle/1.36 ${pod.status.podIP}:8080`);
      assert.deepEqual(
        (await life.events("hook-http")).filter(({ reason }) => reason === "FailedPreStopHook"),
        [],
      );
    }),
  );

  together.push(
    context.test("NODE-23: a preStop hook that sleeps holds TERM back for its seconds", async () => {
      await life.ready("hook-sleep");
      const seconds = await life.seconds(() => kubectl("delete pod hook-sleep"));
      assert.ok(seconds >= 3 && seconds < 15, `gone after ${seconds} s`);
    }),
  );

  together.push(
    context.test("NODE-24: hooks count against the grace period; a container gets two more seconds after one that used it up", async () => {
      await life.ready("hook-long");
      const seconds = await life.seconds(() => kubectl("delete pod hook-long"));
      assert.ok(seconds >= 3 && seconds < 20, `gone after ${seconds} s`);
    }),
  );

  together.push(
    context.test("NODE-25: a failed preStop hook is told, without what it said, and the container ends all the same", async () => {
      await life.ready("hook-broken");
      await kubectl("delete pod hook-broken");
      assert.ok(await life.event("hook-broken", "FailedPreStopHook", /^PreStopHook failed$/));
      assert.doesNotMatch(JSON.stringify(await life.events("hook-broken")), /secret word/);
    }),
  );

  together.push(
    context.test("NODE-26: an HTTPS hook that is answered in HTTP is asked again in HTTP, and that is told", async () => {
      await life.ready("hook-plain");
      const logs = tryKubectl("logs -f hook-plain");
      await life.settle();
      await kubectl("delete pod hook-plain");
      assert.match((await logs).stdout, /^GET \/end /);
      assert.ok(
        await life.event(
          "hook-plain",
          "LifecycleHTTPFallback",
          /^request to HTTPS lifecycle hook [\d.]+:8080 got HTTP response, retry with HTTP succeeded$/,
        ),
      );
    }),
  );

  together.push(
    context.test("NODE-27: a second deletion with less grace hurries the first, and one with more does not slow it", async () => {
      await life.ready("patient");
      await kubectl("delete pod patient --wait=false");
      await life.settle();
      const seconds = await life.seconds(async () => {
        await kubectl("delete pod patient --grace-period=1 --wait=false");
        await kubectl("delete pod patient --grace-period=60");
      });
      assert.ok(seconds < 20, `gone after ${seconds} s`);
    }),
  );

  await Promise.all(together);

  await context.test("NODE-28: a postStart hook by HTTP may ask another host", async () => {
    const { podIP } = (await life.ready("listener")).status;
    const hook = { httpGet: { host: podIP, port: 8080, path: "after-start", httpHeaders: [{ name: "x-word", value: "hi" }] } };
    await life.create({ "hook-out": { containers: [main(waits(), { lifecycle: { postStart: hook } })] } });
    await life.ready("hook-out");
    assert.equal(await kubectl("logs listener"), `GET /after-start hi kube-lifecycle/1.36 ${podIP}:8080`);
  });

  await context.test(
    "NODE-30: an ephemeral container joins a running Pod, sees the target's processes, and is not started again",
    async () => {
      await life.ready("debugged");
      await life.addEphemeral("debugged", { name: "looker", ...shell("ps; exit 3"), targetContainerName: "main" });
      const pod = await life.until(
        "debugged",
        "the looker has ended",
        ({ status }) => status.ephemeralContainerStatuses?.[0]?.state.terminated,
      );
      assert.match(await kubectl("logs debugged -c looker"), /the-main-process/);
      await life.settle();
      const [looker] = (await life.pod("debugged")).status.ephemeralContainerStatuses ?? [];
      assert.deepEqual([looker?.restartCount, looker?.state.terminated?.exitCode, looker?.ready], [0, 3, false]);
      assert.equal(life.condition(pod, "Ready")?.status, "True", "the Pod's readiness is none of its business");
      const started = (await life.events("debugged")).find(
        (event) => event.involvedObject.fieldPath === "spec.ephemeralContainers{looker}",
      );
      assert.ok(started);
      assert.equal(pod.metadata.generation, 2);
      await life.until("debugged", "the node has seen it", ({ status }) => Number(status.observedGeneration) === 2);
    },
  );

  await context.test(
    "NODE-31: an ephemeral container can neither be changed nor removed, nor come with a Pod, nor have probes",
    async () => {
      const changed = await life.tryEphemeral("debugged", [{ name: "looker", ...shell("true"), targetContainerName: "main" }]);
      assert.match(changed, /spec\.ephemeralContainers: Forbidden: existing ephemeral containers "looker" may not be changed/);
      assert.match(await life.tryEphemeral("debugged", []), /existing ephemeral containers "looker" may not be removed/);
      const mirror = (await kubectl("get pods -n kube-system -o name")).split("\n").find((name) => name.includes("kube-apiserver"));
      const onMirror = await life.tryEphemeral(mirror?.replace("pod/", "") ?? "", [{ name: "looker", ...shell("true") }], "kube-system");
      assert.match(onMirror, /static pods do not support ephemeral containers/);
      const whole = life.manifest("with-looker", {
        containers: [main("true")],
        ephemeralContainers: [{ name: "looker", ...shell("true") }],
      });
      assert.match(
        (await tryKubectl("create -f -", { input: JSON.stringify(whole) })).stderr,
        /spec\.ephemeralContainers: Forbidden: cannot be set on create/,
      );
    },
  );

  await context.test("NODE-32: an ephemeral container does not wait for the init containers, only for its target", async () => {
    await life.until("uninitialised", "the init container runs", ({ status }) => status.initContainerStatuses?.[0]?.state.running);
    await life.addEphemeral("uninitialised", { name: "looker", ...shell("echo here; sleep 100") });
    await life.until("uninitialised", "the looker runs", ({ status }) => status.ephemeralContainerStatuses?.[0]?.state.running);
    assert.equal(await life.shown("uninitialised"), "Init:0/1");
    await life.addEphemeral("uninitialised", { name: "early", ...shell("true"), targetContainerName: "main" });
    const waiting = await life.until("uninitialised", "the other is told why it waits", ({ status }) =>
      status.ephemeralContainerStatuses?.find(({ name, state }) => name === "early" && state.waiting?.message),
    );
    const early = waiting.status.ephemeralContainerStatuses?.find(({ name }) => name === "early")?.state.waiting;
    assert.deepEqual([early?.reason, early?.message], ["CreateContainerConfigError", "unable to find target container main"]);
  });

  await context.test(
    "NODE-40: last words come from the container's file, or on errors from the end of its log where it says so",
    async () => {
      const pod = await life.until("words", "all has ended", ({ status }) => status.phase === "Failed");
      const said = Object.fromEntries((pod.status.containerStatuses ?? []).map(({ name, state }) => [name, state.terminated?.message]));
      assert.equal(said["main"], "the reason\n");
      assert.equal(said["elsewhere"], "not root");
      assert.equal(said["logged"]?.split("\n").length, 81, "80 lines");
      assert.match(said["logged"] ?? "", /^line 121\n[^]*line 200\n$/);
      assert.equal(said["fine"], undefined);
      assert.equal(said["both"], "file");
    },
  );

  await context.test("NODE-41: last words are the last 4096 bytes of a container, and 12 KiB of a Pod", async () => {
    const pod = await life.until("wordy", "all has ended", ({ status }) => status.phase === "Succeeded");
    const lengths = pod.status.containerStatuses?.map(({ state }) => state.terminated?.message?.length);
    assert.deepEqual(lengths, [3_072, 3_072, 3_072, 3_072]);
  });

  await context.test(
    "NODE-42: a Pod over its activeDeadlineSeconds is ended with its grace and Failed, with DeadlineExceeded",
    async () => {
      const pod = await life.until("brief", "it has failed", ({ status }) => status.phase === "Failed");
      const message = "Pod was active on the node longer than the specified deadline";
      assert.deepEqual([pod.status.reason, pod.status.message], ["DeadlineExceeded", message]);
      assert.equal(pod.status.containerStatuses?.[0]?.state.terminated?.exitCode, 137);
      const [event] = (await life.events("brief")).filter(({ reason }) => reason === "DeadlineExceeded");
      assert.deepEqual([event?.type, event?.message], ["Normal", message]);
    },
  );

  await context.test("NODE-43: a container that cannot be started says why, and under Never the Pod is Failed", async () => {
    const pod = await life.until("unstartable", "it has failed", ({ status }) => status.phase === "Failed");
    const ended = pod.status.containerStatuses?.[0]?.state.terminated;
    assert.deepEqual([ended?.exitCode, ended?.reason], [128, "StartError"]);
    assert.match(ended?.message ?? "", /no-such-program/);
    assert.ok(await life.event("unstartable", "Failed", /^Error: .*no-such-program/));
  });

  await context.test("NODE-44: activeDeadlineSeconds may be set on a running Pod, and shortened, not lengthened", async () => {
    await life.ready("extended");
    const deadline = (seconds: number) =>
      tryKubectl(["patch", "pod", "extended", "-p", JSON.stringify({ spec: { activeDeadlineSeconds: seconds } })]);
    assert.equal((await deadline(1_000)).code, 0);
    assert.match(
      (await deadline(2_000)).stderr,
      /spec\.activeDeadlineSeconds: Invalid value: 2000: must be less than or equal to previous value/,
    );
    assert.equal((await deadline(1)).code, 0);
    const pod = await life.until("extended", "it has failed", ({ status }) => status.phase === "Failed");
    assert.equal(pod.status.reason, "DeadlineExceeded");
  });

  await context.test("NODE-50: generation counts changes of the spec; the status and its conditions say which they tell of", async () => {
    const pod = await life.ready("counted");
    const told = (of: typeof pod) => [
      of.metadata.generation,
      of.status.observedGeneration,
      life.condition(of, "Ready")?.observedGeneration,
    ];
    assert.deepEqual(told(pod), [1, 1, 1]);
    const toleration = '{"spec":{"tolerations":[{"key":"a","operator":"Exists"}]}}';
    await kubectl(["patch", "pod", "counted", "--type=strategic", "-p", toleration]);
    const later = await life.until("counted", "the node has seen it", ({ status }) => Number(status.observedGeneration) === 2);
    assert.deepEqual(told(later), [2, 2, 2]);
    assert.equal(life.condition(later, "Ready")?.lastTransitionTime, life.condition(pod, "Ready")?.lastTransitionTime);
    await kubectl("label pod counted new=label");
    assert.equal((await life.pod("counted")).metadata.generation, 2, "labels are none of the spec");
  });

  await context.test("NODE-57: a status may be patched; what others say in it stays, and what the node says is put right", async () => {
    const { metadata } = await life.ready("debugged");
    const conditions = [
      { type: "example.com/told", status: "True" },
      { type: "Ready", status: "False" },
    ];
    const patch = { metadata: { annotations: { told: "yes" } }, status: { message: "from elsewhere", reason: "Elsewhere", conditions } };
    const said = JSON.parse(
      await kubectl(["patch", "pod", "debugged", "--subresource=status", "--type=strategic", "-o", "json", "-p", JSON.stringify(patch)]),
    );
    assert.deepEqual([said.status.reason, said.status.message, said.metadata.annotations.told], ["Elsewhere", "from elsewhere", "yes"]);
    assert.equal(life.condition(said, "Ready")?.status, "False");
    const pod = await life.until(
      "debugged",
      "it is put right",
      (seen) => seen.status.reason === undefined && life.condition(seen, "Ready")?.status === "True",
    );
    assert.deepEqual([pod.status.message, life.condition(pod, "example.com/told")?.status], [undefined, "True"]);
    assert.equal(pod.metadata.generation, metadata.generation, "nothing of it is the spec's");
    assert.equal(pod.status.containerStatuses?.[0]?.restartCount, 0);
  });

  await context.test("NODE-55: after many changes in a row the status has caught up with the last", async () => {
    const before = Number((await life.ready("counted")).metadata.generation);
    const changes = 20;
    const patch = `{"spec":{"activeDeadlineSeconds":'$((100000 - i))'}}`;
    const { code, stderr } = await lab.script(
      `for i in $(seq ${changes}); do kubectl patch pod counted -p '${patch}' >/dev/null || exit 1; done`,
    );
    assert.equal(code, 0, stderr);
    const pod = await life.until("counted", "it has caught up", ({ status }) => Number(status.observedGeneration) === before + changes);
    assert.equal(Number(pod.metadata.generation), before + changes);
    assert.equal(pod.status.containerStatuses?.[0]?.restartCount, 0);
  });

  await context.test("NODE-51: conditions tell how far a Pod is, and why not further", async () => {
    const all = (pod: Awaited<ReturnType<typeof life.pod>>) =>
      Object.fromEntries((pod.status.conditions ?? []).map(({ type, status, reason }) => [type, reason ? `${status} ${reason}` : status]));
    const yes = { PodReadyToStartContainers: "True", Initialized: "True", Ready: "True", ContainersReady: "True", PodScheduled: "True" };
    assert.deepEqual(all(await life.ready("counted")), yes);
    assert.deepEqual(all(await life.until("unmounted", "it has conditions", ({ status }) => status.startTime)), {
      ...yes,
      PodReadyToStartContainers: "False",
      Ready: "False ContainersNotReady",
      ContainersReady: "False ContainersNotReady",
    });
    assert.deepEqual(all(await life.until("done", "it has succeeded", ({ status }) => status.phase === "Succeeded")), {
      ...yes,
      PodReadyToStartContainers: "False",
      Initialized: "True PodCompleted",
      Ready: "False PodCompleted",
      ContainersReady: "False PodCompleted",
    });
    const failed = await life.until("init-failed", "its sandbox is gone", (pod) => all(pod)["PodReadyToStartContainers"] === "False");
    assert.deepEqual(all(failed), {
      ...yes,
      PodReadyToStartContainers: "False",
      Initialized: "False ContainersNotInitialized",
      Ready: "False PodFailed",
      ContainersReady: "False PodFailed",
    });
  });

  await context.test("NODE-52: a Pod that is evicted says so before it goes", async () => {
    await life.ready("evicted");
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "evicted", namespace: "default" } };
    await kubectl("create --raw /api/v1/namespaces/default/pods/evicted/eviction -f -", { input: JSON.stringify(eviction) });
    const target = life.condition(await life.pod("evicted"), "DisruptionTarget");
    assert.deepEqual([target?.status, target?.reason, target?.message], ["True", "EvictionByEvictionAPI", "Eviction API: evicting"]);
    await kubectl("delete pod evicted --grace-period=1");
  });

  await context.test(
    "NODE-54: a deleted Pod that a finalizer holds ends, says how, also what never ran, and goes with the finalizer",
    async () => {
      for (const [name, phase, reason, exitCode] of [
        ["boxed", "Succeeded", "Completed", 0],
        ["unmounted", "Failed", "ContainerStatusUnknown", 137],
      ] as const) {
        await kubectl(["patch", "pod", name, "-p", '{"metadata":{"finalizers":["example.com/hold"]}}']);
        await kubectl(`delete pod ${name} --wait=false`);
        const pod = await life.until(name, "it has ended", ({ status }) => status.phase === phase);
        const ended = pod.status.containerStatuses?.[0]?.state.terminated;
        assert.deepEqual([life.condition(pod, "Ready")?.status, ended?.reason, ended?.exitCode], ["False", reason, exitCode]);
        await kubectl(["patch", "pod", name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}']);
        await kubectl(`wait --for=delete pod/${name} --timeout=30s`);
      }
    },
  );

  await context.test("NODE-56: running Pods that are deleted as a collection all end", async () => {
    await Promise.all(["collected-a", "collected-b"].map((name) => life.ready(name)));
    await kubectl(["delete", "--raw", "/api/v1/namespaces/default/pods?labelSelector=app%20in%20(collected-a,collected-b)"]);
    await kubectl("wait --for=delete pod/collected-a pod/collected-b --timeout=60s");
  });

  await context.test("NODE-53: what a status says does not change when the kubelet starts anew", async () => {
    const names = ["ordered", "counted", "init-failed", "words", "anew", "done", "brief"];
    const before = await Promise.all(names.map(async (name) => (await life.pod(name)).status));
    await life.restartKubelet();
    await life.settle();
    const after = await Promise.all(names.map(async (name) => (await life.pod(name)).status));
    assert.deepEqual(after, before);
  });
  await eventually("all Pods go", 90, async () => ((await tryKubectl("delete pods --all --grace-period=1")).code === 0 ? true : undefined));
});
