// Time limit: 10 minutes.
// What becomes of Pods that use more than they may, and of a node that runs short of memory, disk or process ids.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cgroupFilesOf } from "../support/cgroup-files.ts";
import { bundledKeelson } from "../support/bundled.ts";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry, untilTold } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");
const address = "192.168.94.20";
const mebibyte = 2 ** 20;
const kubeletConfig = "/var/lib/kubelet/config.yaml";

test("A node that runs short", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-short"), address });
  const { machine, kubectl, tryKubectl, apply } = lab;
  await startRegistry(machine);
  const nodeName = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
  const field = (pod: string, at: string) => kubectl(["get", "pod", pod, "-o", `jsonpath={${at}}`]);
  const ready = (pod: string) => kubectl(`wait --for=condition=Ready pod/${pod} --timeout=60s`);
  const failed = (pod: string, seconds = 60) =>
    eventually(`${pod} is Failed`, seconds, async () => {
      const text = await field(pod, ".status.phase}|{.status.reason}|{.status.message");
      return text.startsWith("Failed|") ? text.slice("Failed|".length) : undefined;
    });

  const kubeletId = async (): Promise<string> => {
    const { stdout } = await machine.run([...(await bundledKeelson()), "status"]);
    const id = /kubelet.*process (\d+)/.exec(stdout)?.[1];
    assert.ok(id, stdout);
    return id;
  };
  const restartKubelet = async () => machine.sh(`kill ${await kubeletId()}`);

  const cgroups = await cgroupFilesOf(machine);
  // The kubelet is started anew with room for a few hundred MiB more than what runs already.
  await machine.sh(`
used=$(cat ${cgroups.pathOf("used", "/kubepods")})
total=$(($(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo) * 1024))
cat >>${kubeletConfig} <<END
podPidsLimit: 40
kubeReserved: {memory: "$((total - used - ${600 * mebibyte}))"}
evictionHard: {memory.available: 100Mi}
evictionPressureTransitionPeriod: 6s
shutdownGracePeriod: 8s
shutdownGracePeriodCriticalPods: 4s
END`);
  const before = await kubectl(["get", "node", nodeName, "-o", "jsonpath={.status.allocatable.memory}"]);
  await restartKubelet();
  await eventually("the kubelet runs with its new configuration", 60, async () => {
    const { stdout } = await tryKubectl(["get", "node", nodeName, "-o", "jsonpath={.status.allocatable.memory}"]);
    return stdout !== "" && stdout !== before ? true : undefined;
  });
  await apply(objects(nodeName));

  await context.test("NODE-160: a Pod that writes more than its emptyDir may hold is evicted", async () => {
    const [reason, message] = (await failed("filling")).split("|");
    assert.equal(reason, "Evicted");
    assert.equal(message, 'Usage of EmptyDir volume "data" exceeds the limit "2Mi".');
    assert.equal(await field("filling", ".status.conditions[?(@.type=='DisruptionTarget')].reason"), "TerminationByKubelet");
    assert.match(await kubectl("describe pod filling"), /Warning +Evicted .*Usage of EmptyDir volume "data" exceeds the limit "2Mi"\./);
  });

  await context.test("NODE-161: a Pod that writes more than its containers' ephemeral storage is evicted", async () => {
    const [reason, message] = (await failed("scribbling")).split("|");
    assert.equal(reason, "Evicted");
    assert.equal(message, "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi.");
  });

  await context.test(
    "NODE-162: when memory is short, the Pod that uses most beyond its request is evicted, and its restartPolicy does not count",
    async () => {
      await apply(hungry(nodeName));
      const [reason, message] = (await failed("hungry", 90)).split("|");
      assert.equal(reason, "Evicted");
      assert.match(
        message ?? "",
        /^The node was low on resource: memory\. Threshold quantity: 100Mi, available: \d+(Ki|Mi)?\. Container main was using \d+(Ki|Mi)?, request is 0, has larger consumption of memory\.$/,
      );
      assert.equal(await field("modest", ".status.phase"), "Running");
      assert.equal(await field("hungry", ".status.conditions[?(@.type=='DisruptionTarget')].status"), "True");
    },
  );

  await context.test("NODE-163: the Node says MemoryPressure, takes no Pods that asked for nothing, and recovers", async () => {
    const pressure = () => kubectl(["get", "node", nodeName, "-o", "jsonpath={.status.conditions[?(@.type=='MemoryPressure')].status}"]);
    assert.equal(await pressure(), "True");
    assert.match(await kubectl(["get", "node", nodeName, "-o", "jsonpath={.spec.taints[*].key}"]), /node\.kubernetes\.io\/memory-pressure/);
    await apply(waiting("unwelcome", nodeName));
    assert.equal(await failed("unwelcome"), "Evicted|Pod was rejected: The node had condition: [MemoryPressure].");
    await apply(waiting("welcome", nodeName, "resources: {requests: {memory: 1Mi}}"));
    await ready("welcome");
    await eventually("the pressure is over", 60, async () => ((await pressure()) === "False" ? true : undefined));
  });

  await context.test("NODE-164: when process ids and disk are short, images nobody uses go, then Pods; critical Pods stay", async () => {
    await apply(`${waiting("vital", nodeName, "tty: false", "priorityClassName: system-cluster-critical")}`);
    await ready("vital");
    await machine.sh(`
umoci config --image /var/lib/test-registry/oci:base --tag unused --config.label unused=yes
skopeo --insecure-policy copy -q --dest-tls-verify=false oci:/var/lib/test-registry/oci:unused docker://127.0.0.1:5000/unused:1
ctr -n k8s.io images pull --plain-http 127.0.0.1:5000/unused:1 >/dev/null
sed -i 's/^evictionHard: .*/evictionHard: {pid.available: 99.999%, nodefs.available: 99.99%}/; /imageMinimumGCAge/d' ${kubeletConfig}
echo 'imageMinimumGCAge: 1s' >>${kubeletConfig}`);
    await restartKubelet();
    const pressure = (type: string) => ["get", "node", nodeName, "-o", `jsonpath={.status.conditions[?(@.type=='${type}')].status}`];
    for (const type of ["DiskPressure", "PIDPressure"])
      await eventually(type, 60, async () => ((await kubectl(pressure(type))) === "True" ? true : undefined));
    await apply(waiting("refused", nodeName, "resources: {requests: {memory: 1Mi}}"));
    assert.match(
      await failed("refused"),
      /^Evicted\|Pod was rejected: The node had condition: \[(DiskPressure PIDPressure|PIDPressure DiskPressure)\]\.$/,
    );
    const evicted = await eventually("a Pod is evicted", 60, async () => {
      const all = await kubectl([
        "get",
        "pods",
        "-o",
        "jsonpath={range .items[?(@.status.reason=='Evicted')]}{.status.message}{'\\n'}{end}",
      ]);
      return /^The node was low on resource: .*$/m.exec(all.replace(/.*resource: memory.*/g, ""))?.[0];
    });
    assert.match(evicted, /^The node was low on resource: (pids|ephemeral-storage)\. Threshold quantity: /);
    assert.equal(await field("vital", ".status.phase"), "Running");
    await eventually("the unused image is gone", 60, async () =>
      (await machine.sh("ctr -n k8s.io images ls -q")).includes("/unused:1") ? undefined : true,
    );
    assert.doesNotMatch(await kubectl("get pods -n kube-system"), /Evicted/);
    await machine.sh(`sed -i 's/^evictionHard: .*/evictionHard: {memory.available: 1Mi}/' ${kubeletConfig}`);
  });

  await context.test("NODE-180: folders, logs and cgroups of Pods that nobody knows are cleared when the kubelet starts", async () => {
    const uid = "11111111-2222-3333-4444-555555555555";
    await machine.sh(
      `mkdir -p /var/lib/kubelet/pods/${uid}/volumes/x ${cgroups.memory}/kubepods/besteffort/pod${uid} /var/log/pods/default_gone_${uid}/main`,
    );
    await restartKubelet();
    await eventually("they are gone", 60, async () => {
      const { stdout } = await machine.run([
        "sh",
        "-c",
        `ls -d /var/lib/kubelet/pods/${uid} ${cgroups.memory}/kubepods/besteffort/pod${uid} /var/log/pods/default_gone_${uid} 2>/dev/null`,
      ]);
      return stdout === "" ? true : undefined;
    });
    assert.equal(await field("vital", ".status.containerStatuses[0].restartCount"), "0");
  });

  await context.test("NODE-174: where there is no systemd, SIGPWR tells the kubelet that the machine goes down", async () => {
    await apply(waiting("last", nodeName, "resources: {requests: {memory: 1Mi}}"));
    // It takes all the time there is before the API server's turn comes.
    const stubborn = pod("stubborn", nodeName, `resources: {requests: {memory: 1Mi}}, command: [sh, -c, "trap '' TERM; sleep 100000"]`);
    await apply(stubborn.replace("GracePeriodSeconds: 1", "GracePeriodSeconds: 60"));
    await ready("last");
    await ready("stubborn");
    await machine.sh(`kill -PWR ${await kubeletId()}`);
    const told = ["get", "pod", "last", "-o", "jsonpath={.status.phase}|{.status.reason}|{.status.message}"];
    await eventually("its Pod is told", 10, async () =>
      (await tryKubectl(told)).stdout === "Failed|Terminated|Pod was terminated in response to imminent node shutdown." ? true : undefined,
    );
    await eventually("nothing runs any more", 20, async () =>
      (await machine.sh("ctr -n k8s.io tasks ls | grep -c RUNNING || true")) === "0" ? true : undefined,
    );
  });
});

const wait = `command: [sh, -c, "${untilTold}"]`;
const pod = (name: string, nodeName: string, container: string, more = "") => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  nodeName: ${nodeName}
  terminationGracePeriodSeconds: 1
  containers:
  - {name: main, image: "${busyboxImage}", ${container}}
  ${more}
---`;
const waiting = (name: string, nodeName: string, container = "tty: false", more = "") => pod(name, nodeName, `${wait}, ${container}`, more);

const hungry = (nodeName: string) =>
  pod(
    "hungry",
    nodeName,
    `volumeMounts: [{name: memory, mountPath: /memory}], command: [sh, -c, "dd if=/dev/zero of=/memory/first bs=1M count=320; while :; do dd if=/dev/zero of=/memory/$(date +%s%N) bs=1M count=20 2>/dev/null; sleep 0.5; done"]`,
    "volumes: [{name: memory, emptyDir: {medium: Memory, sizeLimit: 560Mi}}]",
  );

const objects = (nodeName: string) => `
${waiting("modest", nodeName, "resources: {requests: {memory: 300Mi}}")}
${pod(
  "filling",
  nodeName,
  `volumeMounts: [{name: data, mountPath: /data}], command: [sh, -c, "dd if=/dev/zero of=/data/file bs=1M count=4; sleep 1000"]`,
  "volumes: [{name: data, emptyDir: {sizeLimit: 2Mi}}]",
)}
${pod(
  "scribbling",
  nodeName,
  `resources: {limits: {ephemeral-storage: 2Mi}}, command: [sh, -c, "dd if=/dev/zero of=/file bs=1M count=4; sleep 1000"]`,
)}
`;
