// Time limit: 6 minutes.
// A machine under systemd is shut down: its kubelet is told beforehand and ends the Pods in good order.
import assert from "node:assert/strict";
import { test } from "node:test";
import { labBoot, labList } from "#lab/lab.ts";
import { cannotMakeMachines, eventually, uniqueName, world } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry } from "../support/lab-node.ts";

const skip = cannotMakeMachines(
  ...nodePrograms,
  ...registryPrograms,
  "curl",
  "dbus-daemon",
  "busctl",
  "systemd-inhibit",
  "/lib/systemd/systemd-logind",
);
const address = "192.168.93.20";

test("A machine that is shut down", { skip, timeout: 5 * 60_000 }, async (context) => {
  const name = uniqueName("e2e-off");
  const lab = await nodeFor(context, { name, address, systemd: true });
  const { machine, kubectl, tryKubectl, apply } = lab;
  await startRegistry(machine);
  await machine.sh(`
rm -f /etc/systemd/system/systemd-logind.service
cat >>/var/lib/kubelet/config.yaml <<END
shutdownGracePeriod: 20s
shutdownGracePeriodCriticalPods: 10s
END
systemctl daemon-reload
systemctl start dbus systemd-logind
systemctl restart kubelet`);
  const nodeName = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
  await apply(objects);
  for (const pod of ["ordinary", "stubborn", "critical"]) await kubectl(`wait --for=condition=Ready pod/${pod} --timeout=60s`);

  await context.test("NODE-170: the kubelet has systemd-logind wait for it, for as long as shutdownGracePeriod", async () => {
    await eventually("the lock is held", 30, async () =>
      /kubelet .*shutdown .*delay/.test((await machine.run(["systemd-inhibit", "--list", "--no-pager"])).stdout) ? true : undefined,
    );
    const property = "org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager InhibitDelayMaxUSec";
    assert.equal(await machine.sh(`busctl get-property ${property}`), "t 20000000");
  });

  const begun = performance.now();
  await machine.sh("systemctl poweroff");

  await context.test("NODE-171: the Node says that it is shutting down, and takes no Pods", async () => {
    const ready = [
      "get",
      "node",
      nodeName,
      "-o",
      "jsonpath={.status.conditions[?(@.type=='Ready')].status}|{.status.conditions[?(@.type=='Ready')].message}",
    ];
    await eventually("it is not ready", 8, async () =>
      (await tryKubectl(ready)).stdout === "False|node is shutting down" ? true : undefined,
    );
    await apply(pod("late", "", nodeName));
    await eventually("it is refused", 8, async () => {
      const { stdout } = await tryKubectl(["get", "pod", "late", "-o", "jsonpath={.status.reason}|{.status.message}"]);
      return stdout === "NodeShutdown|Pod was rejected as the node is shutting down." ? true : undefined;
    });
  });

  await context.test("NODE-172: Pods are ended with their grace, but no longer than the node has, the critical ones last", async () => {
    const status = ["get", "pod", "ordinary", "-o", "jsonpath={.status.phase}|{.status.reason}|{.status.message}"];
    await eventually("it is told", 8, async () =>
      (await tryKubectl(status)).stdout === "Failed|Terminated|Pod was terminated in response to imminent node shutdown."
        ? true
        : undefined,
    );
    await eventually("the machine is off", 60, async () =>
      (await labList(world)).some((lab) => lab.name === name && lab.running) ? undefined : true,
    );
    assert.ok(performance.now() - begun < 45_000, "no later than its time");
    await labBoot(world, name);
    const ends = (await machine.sh("cat /root/ends")).split("\n").map((line) => line.split(" "));
    assert.deepEqual(
      ends.map(([who]) => who),
      ["ordinary", "critical"],
    );
    const seconds = ends.map(([, at]) => Number(at));
    const between = (seconds[1] as number) - (seconds[0] as number);
    assert.ok(between >= 8 && between <= 15, `${between} s later, when the stubborn one had no more time`);
  });

  await context.test("NODE-173: after the machine is on again the Pods are as they were told to be", async () => {
    await eventually("the API answers", 90, async () => ((await tryKubectl("get --raw /readyz")).stdout === "ok" ? true : undefined));
    const told = ["get", "pod", "ordinary", "-o", "jsonpath={.status.phase}|{.status.conditions[?(@.type=='DisruptionTarget')].reason}"];
    assert.equal(await kubectl(told), "Failed|TerminationByKubelet");
    await eventually("the Node is ready", 90, async () =>
      (await tryKubectl(["get", "node", nodeName, "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}"])).stdout === "True"
        ? true
        : undefined,
    );
  });
});

const pod = (name: string, more = "", nodeName = "", onEnd = `echo ${name} $(date +%s) >>/ends/ends; exit 0`) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  ${nodeName && `nodeName: ${nodeName}`}
  terminationGracePeriodSeconds: 60
  ${more}
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sh, -c, ${JSON.stringify(`trap '${onEnd}' TERM; while :; do sleep 0.2; done`)}]
    volumeMounts: [{name: ends, mountPath: /ends}]
  volumes: [{name: ends, hostPath: {path: /root}}]
---`;

const objects = `
${pod("ordinary")}
${pod("stubborn", "", "", "")}
${pod("critical", "priorityClassName: system-cluster-critical")}
`;
