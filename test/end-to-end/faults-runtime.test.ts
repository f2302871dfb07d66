// Time limit: 5 minutes.
// A node between whose kubelet and container runtime somebody stands who refuses, loses, delays and never answers calls, each in turn
// (test/support/cri-proxy.ts). The kubelet goes on by itself, says what went wrong, and leaves nothing behind.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import type { Event } from "#api/core/event/event.ts";
import type { CriFault } from "../support/cri-proxy.ts";
import { cannotMakeMachines, eventually, node, repository, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry, untilTold } from "../support/lab-node.ts";
import { lifeOf } from "../support/pod-life.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl", "ctr");
const socket = "/run/containerd/containerd.sock";
const realSocket = "/run/containerd/real.sock";
const faultsFile = "/run/cri-faults.json";
/** What may be spoiled when Pods come and go. */
const doing = ["RunPodSandbox", "CreateContainer", "StartContainer", "StopContainer", "StopPodSandbox", "RemovePodSandbox"];
const looking = ["ListPodSandbox", "ListContainers", "PodSandboxStatus", "ContainerStatus", "ImageStatus"];
const pulling = ["PullImage"];

const shell = (text: string) => ({ image: busyboxImage, command: ["sh", "-c", text] });
const podsOfRound = (round: string) =>
  Object.fromEntries(
    ["a", "b", "c"].map((name) => [
      `${round}-${name}`,
      {
        ...(name === "a" && { initContainers: [{ name: "first", ...shell("true") }] }),
        containers: [{ name: "main", ...shell(untilTold), imagePullPolicy: name === "b" ? "Always" : "IfNotPresent" }],
      },
    ]),
  );

test("a container runtime that cannot be relied upon", { skip, timeout: 5 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-cri"), address: "192.168.96.20" });
  const { machine, kubectl } = lab;
  await startRegistry(machine);
  const life = lifeOf(lab);
  const proxy = path.join(repository, "test/support/cri-proxy.ts");
  const spoil = (faults: readonly CriFault[]) =>
    machine.sh(`: >${faultsFile}.log; cat >${faultsFile}.new; mv ${faultsFile}.new ${faultsFile}`, JSON.stringify(faults));
  await spoil([]);
  await machine.sh(`mv ${socket} ${realSocket}
setsid ${node} --disable-warning=ExperimentalWarning ${proxy} ${socket} ${realSocket} ${faultsFile} >/run/cri-proxy.log 2>&1 </dev/null &
until test -S ${socket}; do sleep 0.05; done
cat >>/var/lib/kubelet/config.yaml <<END
runtimeRequestTimeout: 4s
containerLogMaxSize: 20Ki
containerLogMonitorInterval: 1s
END`);
  await life.restartKubelet();
  const spoiled = async () => new Set((await machine.sh(`cat ${faultsFile}.log`)).split("\n"));
  const containers = () => machine.sh(`ctr -a ${realSocket} -n k8s.io containers ls -q | sort`);
  const folders = () =>
    machine.sh("ls /var/lib/kubelet/pods | sort; ls -d /sys/fs/cgroup/memory/kubepods/*/pod* | sort; ls /var/log/pods | sort");
  await eventually("the Node is ready", 30, async () => ((await kubectl("get nodes --no-headers")).includes(" Ready ") ? true : undefined));
  const before = { containers: await containers(), folders: await folders() };

  const events = async () => JSON.parse(await kubectl("get events -o json")).items as readonly Event[];
  const told = async (round: string, reason: string, message: RegExp) =>
    eventually(`an event ${reason} of ${round}: ${message}`, 30, async () =>
      (await events()).find(
        (event) => event.involvedObject?.name?.startsWith(`${round}-`) && event.reason === reason && message.test(event.message ?? ""),
      ),
    );
  /** Pods come, run and go while faults last. */
  async function comeAndGo(round: string, faults: readonly CriFault[], whileThere: () => Promise<void> = async () => {}): Promise<void> {
    await spoil(faults);
    const pods = podsOfRound(round);
    await life.create(pods);
    for (const name of Object.keys(pods))
      await life.until(name, "it is ready", (pod) => life.condition(pod, "Ready")?.status === "True", 90);
    for (const name of Object.keys(pods)) {
      const { status } = await life.pod(name);
      assert.equal(status.containerStatuses?.[0]?.state.running === undefined, false, name);
    }
    await whileThere();
    await kubectl(`delete pod ${Object.keys(pods).join(" ")} --timeout=90s`, { seconds: 100 });
    const seen = await spoiled();
    for (const { method, kind } of faults.filter(({ times }) => times !== undefined))
      assert.ok(seen.has(`${method} ${kind}`), `${method} was never ${kind}: ${[...seen].join()}`);
    await spoil([]);
    await nothingLeft();
  }
  const nothingLeft = () =>
    eventually("nothing is left", 90, async () =>
      (await containers()) === before.containers && (await folders()) === before.folders ? true : undefined,
    ).catch(async (error: Error) => {
      assert.deepEqual({ containers: await containers(), folders: await folders() }, before, error.message);
    });

  await context.test("NODE-301: calls that are refused are made again, and what was refused is said in events", async () => {
    await comeAndGo(
      "refused",
      [...doing, ...looking, ...pulling].map((method) => ({ method, kind: "error", times: 1 })),
    );
    await told("refused", "FailedCreatePodSandBox", /^Failed to create pod sandbox: rpc error: code = Unknown desc = injected failure$/);
    await told("refused", "Failed", /^Error: injected failure$/);
    await told("refused", "FailedSync", /^error determining status: rpc error: code = Unknown desc = injected failure$/);
    await told("refused", "FailedKillPod", /^error killing pod: .*rpc error: code = Unknown desc = injected failure/);
    await told("refused", "Failed", /^Failed to pull image ".*": rpc error: code = Unknown desc = injected failure$/);
    await told("refused", "Failed", /^Error: ErrImagePull$/);
  });

  await context.test("NODE-302: what was done though the answer was lost is found, and not done twice", async () => {
    await comeAndGo(
      "lost",
      [...doing, ...looking, ...pulling].map((method) => ({ method, kind: "lost", times: 1 })),
    );
  });

  await context.test("NODE-303: answers that come late only delay", async () => {
    await comeAndGo("late", [{ method: "*", kind: "late", seconds: 0.4 }]);
  });

  await context.test("NODE-304: a call that is never answered is given up after runtimeRequestTimeout and made again", async () => {
    await comeAndGo(
      "hung",
      doing.map((method) => ({ method, kind: "hang", times: 1 })),
    );
    await told("hung", "FailedCreatePodSandBox", /^Failed to create pod sandbox: rpc error: code = DeadlineExceeded desc = /);
  });

  await context.test(
    "NODE-306: a refused call that looks, serves a caller or changes what runs costs nothing but itself, and is made again",
    async () => {
      const amounts = (cpu: string) => ({ requests: { cpu, memory: "16Mi" }, limits: { cpu, memory: "32Mi" } });
      const counts =
        "until test -e /tmp/go; do sleep 0.1; done; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo $i $(printf %060d 0); [ $((i % 50)) != 0 ] || sleep 0.2; done";
      await life.create({
        steady: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: "main",
              ...shell(untilTold),
              resources: amounts("50m"),
              readinessProbe: { exec: { command: ["true"] }, periodSeconds: 1 },
            },
            { name: "counts", ...shell(`${counts}; ${untilTold}`) },
          ],
        },
        crashes: { terminationGracePeriodSeconds: 1, containers: [{ name: "main", ...shell("exit 1") }] },
      });
      await life.ready("steady");
      const followed = lab.script("timeout 30 kubectl logs -f steady -c counts | head -2000 | cut -d' ' -f1", { seconds: 60 });
      await life.settle();
      await kubectl("exec steady -c counts -- touch /tmp/go");
      const calls = ["ExecSync", "UpdateContainerResources", "ReopenContainerLog", "RemoveContainer", "Exec", "PortForward"];
      const numbers = ["ListContainerStats", "ListPodSandboxStats", "ImageFsInfo", "ListImages", "Status", "Version"];
      await spoil([...calls, ...numbers].map((method) => ({ method, kind: "error", times: 2 })));

      const resized = await life.pod("steady");
      Object.assign(resized.spec.containers[0] ?? {}, { resources: amounts("60m") });
      await kubectl("replace --raw /api/v1/namespaces/default/pods/steady/resize -f -", { input: JSON.stringify(resized) });
      const outcomes = [];
      for (let turn = 0; turn < 3; turn++) outcomes.push((await lab.tryKubectl("exec steady -c main -- echo heard")).stdout);
      assert.deepEqual([outcomes[0], outcomes[2]], ["", "heard\n"], "kubectl itself may ask twice, in two protocols");
      const node = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
      await eventually("the numbers are there again", 60, async () => {
        const { code, stdout } = await lab.tryKubectl(`get --raw /api/v1/nodes/${node}/proxy/stats/summary`);
        return code === 0 && stdout.includes('"steady"') ? true : undefined;
      });
      await life.event("steady", "Unhealthy", /^Readiness probe errored and resulted in unknown state: rpc error: .* injected failure$/);
      await life.event("steady", "ResizeError", /injected failure/);
      const { status } = await life.until(
        "steady",
        "it has what it wants",
        (pod) => pod.status.containerStatuses?.[0]?.resources?.requests?.["cpu"] === "60m",
        60,
      );
      assert.equal(life.condition({ status } as never, "Ready")?.status, "True");
      assert.deepEqual(
        status.containerStatuses?.map(({ restartCount }) => restartCount),
        [0, 0],
      );
      await life.until("crashes", "it crashed often", (pod) => (pod.status.containerStatuses?.[0]?.restartCount ?? 0) >= 3, 90);
      await eventually("no more than two ends are kept", 40, async () =>
        Number(await machine.sh(`ctr -a ${realSocket} -n k8s.io containers ls -q 'labels."io.kubernetes.pod.name"==crashes' | wc -l`)) <= 3
          ? true
          : undefined,
      );
      const { stdout: numbersSeen } = await followed;
      assert.equal(numbersSeen, Array.from({ length: 2_000 }, (_, index) => `${index + 1}\n`).join(""));
      assert.ok(Number(await machine.sh("ls /var/log/pods/default_steady_*/counts | wc -l")) > 1, "the log was rotated");
      // Some are asked now and then only.
      const refused = ["ExecSync", "UpdateContainerResources", "ReopenContainerLog", "RemoveContainer", "Exec", ...numbers];
      await eventually(`each was refused: ${refused.join()}`, 90, async () => {
        const seen = await spoiled();
        return refused.every((method) => seen.has(`${method} error`)) ? true : undefined;
      });
      assert.equal(
        JSON.parse(await kubectl("get nodes -o json")).items[0].status.conditions.find((one: { type: string }) => one.type === "Ready")
          .status,
        "True",
      );
      await spoil([]);
      await kubectl("delete pod steady crashes --timeout=60s");
      await nothingLeft();
    },
  );

  await context.test(
    "NODE-305: a Node whose runtime does not answer says so; what runs goes on, and the Node is ready again afterwards",
    async () => {
      await life.create({ goes: { containers: [{ name: "main", ...shell(untilTold) }] } });
      const { containerID } = (await life.ready("goes")).status.containerStatuses?.[0] ?? {};
      await spoil([{ method: "*", kind: "hang" }]);
      const condition = async () =>
        JSON.parse(await kubectl("get nodes -o json")).items[0].status.conditions.find((one: { type: string }) => one.type === "Ready");
      await eventually("the Node is not ready", 60, async () => ((await condition()).status === "False" ? true : undefined));
      const { reason, message } = await condition();
      assert.deepEqual([reason, message], ["KubeletNotReady", "container runtime is down"]);
      await spoil([]);
      await eventually("the Node is ready again", 40, async () => ((await condition()).status === "True" ? true : undefined));
      const { status } = await life.ready("goes");
      assert.deepEqual([status.containerStatuses?.[0]?.containerID, status.containerStatuses?.[0]?.restartCount], [containerID, 0]);
      await kubectl("delete pod goes --timeout=60s");
      await nothingLeft();
    },
  );
});
