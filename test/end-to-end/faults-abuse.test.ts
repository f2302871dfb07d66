// Time limit: 5 minutes.
// Containers and images that behave badly, all at once on one node: the node stays well, says what is wrong, and other Pods do not notice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry, untilTold } from "../support/lab-node.ts";
import { lifeOf } from "../support/pod-life.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");
const mebibyte = 2 ** 20;
const registry = "127.0.0.1:5000";
const noSuchDigest = `sha256:${"0".repeat(64)}`;
const shell = (text: string, more: object = {}) => ({ name: "main", image: busyboxImage, command: ["sh", "-c", text], ...more });

const pods: Readonly<Record<string, object>> = {
  polite: {
    containers: [
      shell(untilTold, { readinessProbe: { exec: { command: ["true"] }, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 10 } }),
    ],
  },
  "wrong-digest": { containers: [{ name: "main", image: `${registry}/busybox@${noSuchDigest}` }] },
  "missing-layer": { containers: [{ name: "main", image: `${registry}/hollow:1` }] },
  "false-layer": { containers: [{ name: "main", image: `${registry}/forged:1` }] },
  "no-entrypoint": { containers: [{ name: "main", image: `${registry}/pointless:1` }] },
  "no-program": { containers: [{ name: "main", image: busyboxImage, command: ["/no/such/program"] }] },
  "not-a-program": { containers: [{ name: "main", image: busyboxImage, command: ["/etc/passwd"] }] },
  "no-name": { containers: [{ name: "main", image: "UPPER/case is no image" }] },
  forks: {
    containers: [
      shell("bomb() { bomb | bomb & }; bomb; while :; do sleep 1; done", { resources: { limits: { cpu: "200m", memory: "64Mi" } } }),
    ],
  },
  floods: {
    containers: [
      shell("while :; do head -c 200000 /dev/zero | tr '\\0' a; echo; sleep 0.1; done", { resources: { limits: { cpu: "300m" } } }),
    ],
  },
  ...Object.fromEntries(
    ["deaf-1", "deaf-2", "deaf-3"].map((name) => [
      name,
      { terminationGracePeriodSeconds: 3, containers: [shell("trap '' TERM INT HUP; sleep 100000")] },
    ]),
  ),
  ...Object.fromEntries(["crash-1", "crash-2", "crash-3", "crash-4"].map((name) => [name, { containers: [shell("exit 1")] }])),
};

test("bad images and bad containers on one node", { skip, timeout: 5 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-abuse"), address: "192.168.98.20" });
  const { machine, kubectl } = lab;
  await startRegistry(machine);
  const life = lifeOf(lab);
  const nodeName = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
  // An image without entrypoint and command; one whose layer is gone from the registry; one whose layer is not what it is said to be.
  await machine.sh(`cd /var/lib/test-registry
push() { skopeo --insecure-policy copy -q --dest-tls-verify=false oci:oci:$1 docker://${registry}/$1:1; }
umoci config --image oci:base --tag pointless --clear=config.cmd --clear=config.entrypoint
push pointless
for name in hollow forged; do
  umoci new --image oci:$name
  umoci unpack --image oci:$name bundle-$name
  head -c 100000 /dev/urandom >bundle-$name/rootfs/$name
  umoci repack --image oci:$name bundle-$name
  umoci config --image oci:$name --config.cmd /$name --os linux --architecture amd64
  push $name
  layer=$(skopeo --insecure-policy inspect --raw oci:oci:$name | sed 's/.*"layers":.*"digest":"sha256:\\([0-9a-f]*\\)".*/\\1/')
  file=$(ls data/docker/registry/v2/blobs/sha256/*/$layer/data)
  if [ $name = hollow ]; then rm $file; else head -c $(stat -c %s $file) /dev/urandom >$file; fi
done
cat >>/var/lib/kubelet/config.yaml <<END
podPidsLimit: 64
containerLogMaxSize: 1Mi
containerLogMaxFiles: 3
containerLogMonitorInterval: 3s
END`);
  await life.restartKubelet();
  await life.create({ polite: pods["polite"] as object });
  await life.ready("polite");
  await life.create(Object.fromEntries(Object.entries(pods).filter(([name]) => name !== "polite")));
  const waiting = (name: string, reasons: readonly string[], seconds = 60) =>
    life.until(
      name,
      `it waits for ${reasons.join(" or ")}`,
      ({ status }) => reasons.includes(status.containerStatuses?.[0]?.state?.waiting?.reason ?? ""),
      seconds,
    );

  await context.test("NODE-320: an image that is not what it says is not run, and the reason is said", async () => {
    for (const name of ["wrong-digest", "missing-layer", "false-layer"]) {
      await waiting(name, ["ErrImagePull", "ImagePullBackOff"]);
      await life.event(
        name,
        "Failed",
        /^Failed to pull image "127\.0\.0\.1:5000\/.*": rpc error: code = \w+ desc = failed to pull and unpack image /,
      );
      await life.event(name, "Failed", /^Error: ErrImagePull$/);
      await life.event(name, "BackOff", /^Back-off pulling image "/);
    }
    await waiting("no-name", ["InvalidImageName"]);
    await life.event(
      "no-name",
      "InspectFailed",
      /^Failed to apply default image tag "UPPER\/case is no image": couldn't parse image name "UPPER\/case is no image": /,
    );
  });

  await context.test("NODE-321: what cannot be started is a StartError with the runtime's words, and waits longer each time", async () => {
    for (const [name, words] of [
      ["no-program", /exec: "\/no\/such\/program": stat \/no\/such\/program: no such file or directory/],
      ["not-a-program", /permission denied/],
    ] as const) {
      await waiting(name, ["RunContainerError", "CrashLoopBackOff"]);
      const { state, lastState } =
        (await life.until(name, "it ended", ({ status }) => status.containerStatuses?.[0]?.lastState?.terminated)).status
          .containerStatuses?.[0] ?? {};
      const ended = lastState?.terminated ?? state?.terminated;
      assert.deepEqual([ended?.reason, ended?.exitCode], ["StartError", 128]);
      assert.match(ended?.message ?? "", words);
      await life.event(name, "Failed", words);
    }
    const { status } = await waiting("no-entrypoint", ["CreateContainerError"]);
    assert.match(status.containerStatuses?.[0]?.state?.waiting?.message ?? "", /no command specified/);
  });

  await context.test("NODE-322: containers that ignore TERM are killed when their grace is over, each in its own time", async () => {
    for (const name of ["deaf-1", "deaf-2", "deaf-3"]) await life.ready(name);
    const seconds = await life.seconds(() => kubectl("delete pod deaf-1 deaf-2 deaf-3 --timeout=60s"));
    assert.ok(seconds >= 3 && seconds < 20, `${seconds} s`);
    await life.event("deaf-1", "Killing", /^Stopping container main$/);
  });

  await context.test(
    "NODE-323: containers that end at once, over and over, wait longer and longer, and leave two behind each",
    async () => {
      for (const name of ["crash-1", "crash-2", "crash-3", "crash-4"]) {
        const { status } = await life.until(
          name,
          "it crashed three times",
          ({ status: now }) => Number(now.containerStatuses?.[0]?.restartCount ?? 0) >= 2,
          90,
        );
        assert.equal(status.phase, "Running");
        await waiting(name, ["CrashLoopBackOff"]);
        await life.event(name, "BackOff", /^Back-off restarting failed container main in pod /);
      }
      const kept = await machine.sh("ctr -n k8s.io containers ls 'labels.\"io.kubernetes.pod.name\"==crash-1' -q | wc -l");
      assert.ok(Number(kept) <= 3, `${kept} containers, one of them the sandbox`);
      assert.equal(await life.shown("crash-1"), "CrashLoopBackOff");
    },
  );

  await context.test("NODE-324: a container that forks without end harms itself only", async () => {
    const started = await life.until("forks", "it was started", ({ status }) => status.containerStatuses?.[0]?.containerID);
    const count = Number(
      await machine.sh(`cat /sys/fs/cgroup/pids/kubepods/*/pod${started.metadata.uid}/pids.current 2>/dev/null || echo 0`),
    );
    assert.ok(count <= 64, `${count} processes`);
    assert.equal(await life.sh("polite", "echo well"), "well");
    await kubectl("delete pod forks --timeout=60s");
    assert.equal(await machine.sh(`ls -d /sys/fs/cgroup/pids/kubepods/*/pod${started.metadata.uid} 2>/dev/null || echo none`), "none");
  });

  await context.test("NODE-325: a container that floods its log fills no more of the disk than containerLogMaxFiles of them", async () => {
    await life.ready("floods");
    const bytes = async () => Number((await machine.sh("du -sb /var/log/pods/default_floods_*")).split("\t")[0]);
    const files = async () => Number(await machine.sh("ls /var/log/pods/default_floods_*/main | wc -l"));
    await eventually("the log was rotated often enough", 60, async () => ((await files()) === 3 ? true : undefined));
    for (let look = 0; look < 5; look++) {
      await life.settle();
      assert.ok((await files()) <= 3);
      // At most 2 MB are written in a second, and looked at every three.
      assert.ok((await bytes()) < 3 * (mebibyte + 4 * 2_000_000), `${await bytes()} bytes`);
    }
    assert.match((await kubectl("logs floods --tail=1 --limit-bytes=10")).slice(0, 3), /^a*$/);
    await kubectl("delete pod floods --timeout=60s");
    await eventually("its logs are gone", 10, async () =>
      (await machine.sh("ls -d /var/log/pods/default_floods_* 2>/dev/null || echo none")) === "none" ? true : undefined,
    );
  });

  await context.test("NODE-326: meanwhile the node was ready, and the Pod beside them was ready all the time", async () => {
    assert.match(await kubectl(`get node ${nodeName} --no-headers`), / Ready /);
    const { status } = await life.pod("polite");
    const ready = life.condition({ status } as never, "Ready");
    assert.equal(ready?.status, "True");
    assert.equal(status.containerStatuses?.[0]?.restartCount, 0);
    const wentUnready = (await life.events("polite")).filter(({ reason }) => reason === "Unhealthy");
    assert.deepEqual(
      wentUnready.map(({ message }) => message),
      [],
    );
    await kubectl("delete pod --all --timeout=90s", { seconds: 100 });
    await eventually("nothing is left of them", 60, async () =>
      (await machine.sh("ctr -n k8s.io containers ls -q 'labels.\"io.kubernetes.pod.namespace\"==default' | wc -l")) === "0"
        ? true
        : undefined,
    );
  });
});
