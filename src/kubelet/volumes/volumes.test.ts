import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Node } from "#api/core/node/node.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { simulatedWorld, type SimulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { containerMounts, hostsText } from "./container-mounts.ts";
import { noMounts, systemMounts } from "./mounts.ts";
import { giveToGroup } from "./ownership.ts";
import { startVolumes, type Volumes } from "./volumes.ts";

const context = { podIPs: ["10.0.0.2"], hostIPs: [], allocatable: {} };
const root = "/var/lib/kubelet/pods/u1/volumes";

interface Setting {
  readonly world: SimulatedWorld;
  readonly volumes: Volumes;
  readonly data: Record<string, string>;
  readonly token: { value: string; until?: Promise<void> };
  /** Claims and volumes, by name. */
  readonly stored: Map<string, unknown>;
  /** Pods that need nothing any more. */
  readonly released: readonly string[];
}

function found(stored: Map<string, unknown>, name: string): unknown {
  const object = stored.get(name);
  if (!object) throw new Error(`persistentvolumeclaims ${JSON.stringify(name)} not found`);
  return object;
}

function setUp(): Setting {
  const stored = new Map<string, unknown>();
  const world = simulatedWorld({ seed: 1 });
  const data: Record<string, string> = { colour: "blue", size: "big" };
  const token: Setting["token"] = { value: "first" };
  const released: string[] = [];
  const volumes = startVolumes(world, {
    options: { rootFolder: "/var/lib/kubelet" } as never,
    objects: {
      configMap: async (_uid, _namespace, name) =>
        name === "settings" ? complete(ConfigMap, { metadata: { name }, data: { ...data } }) : undefined,
      secret: async (_uid, _namespace, name) =>
        name === "keys" ? complete(Secret, { metadata: { name }, data: { key: "c2VjcmV0" } }) : undefined,
      release: (uid) => void released.push(uid),
    },
    tokens: {
      async token() {
        await token.until;
        return { token: token.value, renewAt: 42, expiresAt: 50 };
      },
      release: () => {},
    },
    mounts: noMounts,
    runtime: { imageFiles: async () => [], releaseImageFiles: async () => {} },
    client: { get: async (_: unknown, { name }: { name: string }) => found(stored, name) } as never,
    node: () => complete(Node, { metadata: { name: "n", labels: { "kubernetes.io/hostname": "n" } } }),
  });
  return { world, volumes, data, token, stored, released };
}

function newPod(volumes: Draft<Pod["spec"]["volumes"]>, spec: Draft<Pod["spec"]> = {}): Pod {
  const containers = [{ name: "main", image: "x" }];
  return complete(Pod, {
    metadata: { name: "web", namespace: "shop", uid: "u1", labels: { app: "web" } },
    spec: { containers, volumes, ...spec },
  });
}

test("VOLUME1 a ConfigMap's files change together, and keys that went are gone", async () => {
  const { world, volumes, data } = setUp();
  const pod = newPod([{ name: "settings", configMap: { name: "settings", defaultMode: 0o400 } }]);
  const folder = `${root}/kubernetes.io~configmap/settings`;
  await volumes.mount(pod, context);
  assert.equal(await world.files.readText(`${folder}/colour`), "blue");
  assert.equal((await world.files.stat(`${folder}/colour`, { follow: true }))?.mode, 0o400);
  const first = await world.files.readLink(`${folder}/..data`);
  await volumes.mount(pod, context);
  assert.equal(await world.files.readLink(`${folder}/..data`), first);
  data["colour"] = "red";
  delete data["size"];
  await volumes.mount(pod, context);
  assert.equal(await world.files.readText(`${folder}/colour`), "red");
  assert.deepEqual(await world.files.list(folder), ["..data", await world.files.readLink(`${folder}/..data`), "colour"].sort());
});

test("VOLUME15 a kubelet that was killed before a ConfigMap's files were shown shows them", async () => {
  const { world, volumes } = setUp();
  const pod = newPod([{ name: "settings", configMap: { name: "settings" } }]);
  const folder = `${root}/kubernetes.io~configmap/settings`;
  await volumes.mount(pod, context);
  await world.files.remove(`${folder}/colour`);
  await volumes.mount(pod, context);
  assert.equal(await world.files.readText(`${folder}/colour`), "blue");
});

test("VOLUME16 a volume that fails is told once no other of the Pod is under way", async () => {
  const { volumes, token } = setUp();
  let release = (): void => {};
  token.until = new Promise((resolve) => (release = resolve));
  const projected = { sources: [{ serviceAccountToken: { path: "token" } }, { configMap: { name: "none" } }] };
  let isTold = false;
  const mounting = volumes.mount(
    newPod([
      { name: "gone", configMap: { name: "none" } },
      { name: "api", projected },
    ]),
    context,
  );
  mounting.catch(() => (isTold = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isTold, false);
  release();
  await assert.rejects(mounting, /MountVolume.SetUp failed for volume "gone"/);
});

test("VOLUME2 what is missing is said as upstream says it; optional is empty", async () => {
  const { volumes } = setUp();
  await assert.rejects(volumes.mount(newPod([{ name: "v", configMap: { name: "none" } }]), context), {
    message: 'MountVolume.SetUp failed for volume "v" : configmap "none" not found',
  });
  await assert.rejects(volumes.mount(newPod([{ name: "v", secret: { secretName: "keys", items: [{ key: "no", path: "a" }] } }]), context), {
    message: 'MountVolume.SetUp failed for volume "v" : references non-existent secret key: no',
  });
  await volumes.mount(newPod([{ name: "v", configMap: { name: "none", optional: true } }]), context);
  await assert.rejects(
    volumes.mount(newPod([{ name: "v", configMap: { name: "settings", items: [{ key: "colour", path: "../x" }] } }]), context),
    /invalid path/,
  );
});

test("VOLUME3 a projected volume joins token, ConfigMap and fields, and says when the token is due", async () => {
  const { world, volumes, token } = setUp();
  const sources = [
    { serviceAccountToken: { path: "token" } },
    { configMap: { name: "settings", items: [{ key: "colour", path: "deep/colour" }] } },
    { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
  ];
  const pod = newPod([{ name: "all", projected: { sources } }], { securityContext: { fsGroup: 77 } });
  assert.equal(await volumes.mount(pod, context), 42);
  const folder = `${root}/kubernetes.io~projected/all`;
  assert.equal(await world.files.readText(`${folder}/token`), "first");
  assert.equal(await world.files.readText(`${folder}/deep/colour`), "blue");
  assert.equal(await world.files.readText(`${folder}/labels`), 'app="web"');
  const info = await world.files.stat(`${folder}/token`, { follow: true });
  assert.deepEqual([info?.mode, info?.gid], [0o640, 77]);
  token.value = "second";
  await volumes.mount(pod, context);
  assert.equal(await world.files.readText(`${folder}/token`), "second");
});

test("emptyDir is everybody's; hostPath is checked for its type", async () => {
  const { world, volumes } = setUp();
  await volumes.mount(newPod([{ name: "data", emptyDir: {} }]), context);
  assert.equal((await world.files.stat(`${root}/kubernetes.io~empty-dir/data`))?.mode, 0o777);
  await volumes.mount(newPod([{ name: "h", hostPath: { path: "/opt/x", type: "DirectoryOrCreate" } }]), context);
  assert.equal((await world.files.stat("/opt/x"))?.kind, "folder");
  await assert.rejects(
    volumes.mount(newPod([{ name: "h", hostPath: { path: "/opt/x", type: "File" } }]), context),
    /hostPath type check failed: \/opt\/x is not a file/,
  );
  await volumes.unmount("u1");
  assert.deepEqual([await volumes.leftovers(), (await world.files.stat("/opt/x"))?.kind], [[], "folder"]);
});

test("VOLUME5 a subPath stays within its volume", async () => {
  const { world, volumes } = setUp();
  const mounted = (subPath: string) => {
    const pod = newPod([{ name: "data", emptyDir: {} }], {
      containers: [{ name: "main", image: "x", volumeMounts: [{ name: "data", mountPath: "/d", subPath }] }],
    });
    const files = { hostsPath: "/hosts", terminationPath: "/end" };
    return containerMounts(
      { files: world.files, volumes, recursiveReadOnly: false },
      pod,
      pod.spec.containers[0] as never,
      new Map(),
      files,
    );
  };
  const folder = `${root}/kubernetes.io~empty-dir/data`;
  await world.files.makeFolder(folder);
  assert.equal((await mounted("a/b"))[0]?.hostPath, `${folder}/a/b`);
  assert.deepEqual(
    (await mounted("a")).map(({ containerPath }) => containerPath),
    ["/d", "/etc/hosts", "/dev/termination-log"],
  );
  await assert.rejects(mounted("../x"), { message: "unable to provision SubPath `../x`: must not contain '..'" });
  await assert.rejects(mounted("/x"), { message: "error SubPath `/x` must not be an absolute path" });
});

test("VOLUME4 what the kubelet keeps up to date is read-only in the container", async () => {
  const { world, volumes } = setUp();
  const pod = complete(Pod, {
    metadata: { name: "web", namespace: "shop", uid: "u1" },
    spec: {
      containers: [
        {
          name: "main",
          image: "x",
          volumeMounts: [
            { name: "settings", mountPath: "/settings" },
            { name: "data", mountPath: "/data" },
          ],
        },
      ],
      volumes: [
        { name: "settings", configMap: { name: "settings" } },
        { name: "data", emptyDir: {} },
      ],
    },
  });
  const files = { hostsPath: "/hosts", terminationPath: "/last-words" };
  const mounts = await containerMounts(
    { files: world.files, volumes, recursiveReadOnly: false },
    pod,
    pod.spec.containers[0] as never,
    new Map(),
    files,
  );
  assert.deepEqual(
    mounts.slice(0, 2).map(({ containerPath, readOnly }) => [containerPath, readOnly]),
    [
      ["/settings", true],
      ["/data", false],
    ],
  );
});

test("/etc/hosts names the Pod and its aliases", () => {
  const text = hostsText(["10.0.0.2"], "web", "sub.shop.svc.cluster.local", [{ ip: "1.2.3.4", hostnames: ["a", "b"] }]);
  assert.match(text, /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/);
  assert.match(text, /\n10\.0\.0\.2\tweb\.sub\.shop\.svc\.cluster\.local\tweb\n\n# Entries added by HostAliases\.\n1\.2\.3\.4\ta\tb\n$/);
});

test("VOLUME6 fsGroup reaches what an emptyDir holds already, but not while containers run", async () => {
  const { world, volumes } = setUp();
  const pod = newPod([{ name: "data", emptyDir: {} }], { securityContext: { fsGroup: 2000 } });
  const folder = `${root}/kubernetes.io~empty-dir/data`;
  await world.files.makeFolder(`${folder}/deep`, { mode: 0o700 });
  await world.files.write(`${folder}/deep/file`, "x", { mode: 0o600 });
  await world.files.link("/etc/passwd", `${folder}/link`);
  await volumes.mount(pod, context);
  assert.notEqual((await world.files.stat(`${folder}/deep/file`))?.gid, 2000);
  await volumes.mount(pod, context, { isAtRest: true });
  const seen = async (path: string) => {
    const info = await world.files.stat(path);
    return [info?.gid, info?.mode];
  };
  assert.deepEqual(await seen(`${folder}/deep`), [2000, 0o2770]);
  assert.deepEqual(await seen(`${folder}/deep/file`), [2000, 0o660]);
  assert.deepEqual(await seen(folder), [2000, 0o2777]);
});

test("a claim leads to its volume, and what is in the way is said as upstream says it", async () => {
  const { world, volumes, stored } = setUp();
  const pod = newPod([{ name: "data", persistentVolumeClaim: { claimName: "c" } }]);
  const mounting = () => volumes.mount(pod, context);
  const start =
    "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]: error processing PVC shop/c: ";
  await assert.rejects(mounting(), { message: `${start}failed to fetch PVC from API server: persistentvolumeclaims "c" not found` });
  const claim = complete(PersistentVolumeClaim, { metadata: { name: "c", namespace: "shop", uid: "cu" }, spec: { volumeName: "v" } });
  stored.set("c", claim);
  await assert.rejects(mounting(), { message: `${start}PVC is not bound` });
  stored.set("c", { ...claim, status: { phase: "Bound" } });
  const volume = complete(PersistentVolume, { metadata: { name: "v" }, spec: { claimRef: { uid: "cu" }, local: { path: "/disk/v" } } });
  const at = (host: string) => ({
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [host] }] }] },
  });
  stored.set("v", { ...volume, spec: { ...volume.spec, nodeAffinity: at("other") } });
  await assert.rejects(mounting(), { message: 'MountVolume.NodeAffinity check failed for volume "v" : no matching NodeSelectorTerms' });
  stored.set("v", { ...volume, spec: { ...volume.spec, nodeAffinity: at("n") } });
  await assert.rejects(mounting(), { message: 'MountVolume.SetUp failed for volume "v" : path "/disk/v" does not exist' });
  await world.files.makeFolder("/disk/v");
  await mounting();
  assert.deepEqual([volumes.pathOf(pod, "data"), volumes.isReadOnly(pod, "data")], ["/disk/v", false]);
});

test("mounts that are read-only below: only where the runtime can, and only of mounts that are read-only", async () => {
  const { world, volumes } = setUp();
  const mounted = async (volumeMount: object, recursiveReadOnly: boolean) => {
    const pod = newPod([{ name: "data", emptyDir: {} }], {
      containers: [{ name: "main", image: "x", volumeMounts: [{ name: "data", mountPath: "/d", ...volumeMount }] }],
    });
    await volumes.mount(pod, context);
    const needs = { files: world.files, volumes, recursiveReadOnly };
    return (await containerMounts(needs, pod, pod.spec.containers[0] as never, new Map(), { hostsPath: "/h", terminationPath: "/t" }))[0];
  };
  assert.equal((await mounted({ readOnly: true, recursiveReadOnly: "Enabled" }, true))?.recursiveReadOnly, true);
  assert.equal((await mounted({ readOnly: true, recursiveReadOnly: "IfPossible" }, false))?.recursiveReadOnly, undefined);
  await assert.rejects(mounted({ readOnly: true, recursiveReadOnly: "Enabled" }, false), {
    message: 'volume "data" requested recursive read-only mode, but it is not supported by the runtime',
  });
});

test("VOLUME7 a subPath is mounted through the file that was opened, at a place that is the kubelet's own", async () => {
  const world = simulatedWorld({ seed: 1 });
  await world.files.makeFolder("/proc/self");
  await world.files.makeFolder("/volume/sub");
  await world.files.write("/proc/self/mountinfo", "36 35 0:1 / /pods/target rw - ext4 disk rw\n");
  const ran: (readonly string[])[] = [];
  for (const program of ["umount", "sh"]) {
    world.processes.register(program, async ({ arguments: given }) => {
      ran.push([program, ...given.filter((one) => !one.includes("\n"))]);
      return 0;
    });
  }
  const { pin } = systemMounts(world);
  assert.equal(await pin("/volume", "sub", "/pods/target"), "/pods/target");
  assert.deepEqual(ran, [
    ["umount", "/pods/target"],
    ["sh", "-c", "sh", "/volume", "sub", "/pods/target", ""],
  ]);
  await assert.rejects(pin("/volume", "nothing", "/pods/other"), /neither a file nor a folder/);
});

test("VOLUME8 what is mounted below the kubelet's folder is found where that folder is a link", async () => {
  const world = simulatedWorld({ seed: 1 });
  await world.files.makeFolder("/proc/self");
  await world.files.makeFolder("/disk/kubelet/pods/u1");
  await world.files.makeFolder("/var/lib");
  await world.files.link("../../disk/kubelet", "/var/lib/kubelet");
  const points = ["/disk/kubelet/pods/u1/volumes/a", "/disk/kubelet/pods/u1/volumes/a/below", "/disk/kubelet/pods/u10/volumes/b"];
  await world.files.write("/proc/self/mountinfo", points.map((point) => `36 35 0:1 / ${point} rw - ext4 disk rw\n`).join(""));
  const ran: string[] = [];
  world.processes.register("umount", async ({ arguments: given }) => {
    ran.push(given.join(" "));
    return 0;
  });
  const mounts = systemMounts(world);
  assert.equal(await mounts.isMounted("/var/lib/kubelet/pods/u1/volumes/a"), true);
  assert.equal(await mounts.isMounted("/var/lib/kubelet/pods/u1/volumes/c"), false);
  await mounts.unmountBelow("/var/lib/kubelet/pods/u1");
  assert.deepEqual(ran, ["/disk/kubelet/pods/u1/volumes/a/below", "/disk/kubelet/pods/u1/volumes/a"]);
});

test("VOLUME12 what is still where a volume or a part of one was mounted is not removed with the Pod", async () => {
  for (const place of ["volumes/kubernetes.io~local-volume/pv", "volume-subpaths/data/main/0", "volumes/kubernetes.io~csi/pv/mount"]) {
    const { world, volumes } = setUp();
    const path = `/var/lib/kubelet/pods/u1/${place}`;
    await world.files.makeFolder(path);
    await world.files.write(`${path}/file`, "kept");
    await assert.rejects(volumes.unmount("u1"));
    assert.equal(await world.files.readText(`${path}/file`), "kept");
    await world.files.remove(`${path}/file`);
    await volumes.unmount("u1");
    assert.deepEqual(await volumes.leftovers(), []);
  }
});

test("VOLUME13 a local volume whose path is a link is given to the group as what it leads to", async () => {
  const { files } = simulatedWorld({ seed: 1 });
  await files.makeFolder("/disks/one", { mode: 0o700 });
  await files.link("/disks/one", "/volume");
  await giveToGroup(files, "/volume", 2000, "Always");
  const { gid, mode } = (await files.stat("/disks/one")) ?? {};
  assert.deepEqual([gid, mode], [2000, 0o2770]);
});

test("VOLUME14 what a Pod referred to is let go of, also where nothing was made for it", async () => {
  const { world, volumes, released } = setUp();
  await assert.rejects(
    volumes.mount(newPod([{ name: "settings", configMap: { name: "absent" } }]), context),
    /configmap "absent" not found/,
  );
  assert.equal(await world.files.stat("/var/lib/kubelet/pods/u1"), undefined);
  await volumes.unmount("u1");
  assert.deepEqual(released, ["u1"]);
});

test("VOLUME13 layers are mounted from the folder that holds them all, for reading", async () => {
  const ran: string[] = [];
  const world = {
    processes: {
      run: async (program: string, words: readonly string[], { folder }: { folder?: string }) => {
        ran.push(`${folder}: ${program} ${words.join(" ")}`);
        return { code: 0, stdout: "", stderr: "" };
      },
    },
  } as never;
  const lowerdir = "lowerdir=/var/lib/containerd/snapshots/7/fs:/var/lib/containerd/snapshots/3/fs";
  await systemMounts(world).files("/volume", [{ type: "overlay", source: "overlay", options: ["index=off", lowerdir, "ro"] }]);
  await systemMounts(world).files("/volume", [{ type: "bind", source: "/snapshots/7/fs", options: ["ro", "rbind"] }]);
  const overlay = "mount -t overlay -o ro,nosuid,nodev,noexec,index=off,lowerdir=7/fs:3/fs overlay /volume";
  assert.deepEqual(ran, [
    `/var/lib/containerd/snapshots: ${overlay}`,
    "/: mount --bind /snapshots/7/fs /volume",
    "/: mount -o remount,bind,ro,nosuid,nodev,noexec /volume",
  ]);
});
