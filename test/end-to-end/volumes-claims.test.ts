// Time limit: 10 minutes.
// Claims and what they are bound to, seen with the real kubectl on real containers, on one node made for this file.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");
const address = "192.168.83.20";

test("claims on one node", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-claims"), address });
  const { machine, kubectl, tryKubectl, apply } = lab;
  await startRegistry(machine);
  const inPod = (pod: string, text: string) => kubectl(["exec", pod, "--", "sh", "-c", text]);
  const ready = (pod: string) => kubectl(`wait --for=condition=Ready pod/${pod} --timeout=60s`);
  const field = (what: string, path: string) => kubectl(["get", ...what.split(" "), "-o", `jsonpath={${path}}`]);
  const until = (what: string, seconds: number, look: () => Promise<boolean>) =>
    eventually(what, seconds, async () => ((await look()) ? true : undefined));
  const described = (what: string, pattern: RegExp, seconds = 30) =>
    until(`${what} says ${pattern}`, seconds, async () => pattern.test(await kubectl(`describe ${what}`)));

  await context.test("STORAGE-40: a claim that names no class gets the default one, and its volume once a Pod has a Node", async () => {
    assert.match(
      await kubectl("get storageclass --no-headers"),
      /^local-path \(default\) +keelson\.dev\/local-path +Delete +WaitForFirstConsumer +false/,
    );
    await apply(claim("data"));
    assert.equal(await field("pvc data", ".spec.storageClassName"), "local-path");
    await described("pvc data", /Normal +WaitForFirstConsumer .*waiting for first consumer to be created before binding/);
    assert.equal((await kubectl("get pvc data --no-headers")).split(/ {2,}/)[1], "Pending");
    await apply(pod("writer", "data"));
    await ready("writer");
    await inPod("writer", "echo kept >/data/file");
    assert.match(await kubectl("get pvc data --no-headers"), /^data +Bound +pvc-[0-9a-f-]{36} +1Gi +RWO +local-path +<unset> /);
    const volume = await field("pvc data", ".spec.volumeName");
    assert.match(await kubectl(`get pv ${volume} --no-headers`), / 1Gi +RWO +Delete +Bound +default\/data +local-path +<unset> /);
    assert.equal(await field(`pv ${volume}`, ".spec.local.path"), `/var/lib/keelson/local-path/${volume}_default_data`);
    assert.match(await field(`pv ${volume}`, ".status.lastPhaseTransitionTime"), /^20/);
    await until(
      "the helper is gone",
      20,
      async () => (await kubectl("get pods -n kube-system -l keelson.dev/local-path-helper --no-headers")) === "",
    );
  });

  await context.test(
    "STORAGE-41: what is written stays when the Pod goes; a claim in use waits with its end; then volume and folder go",
    async () => {
      const volume = await field("pvc data", ".spec.volumeName");
      await kubectl("delete pod writer --wait=true");
      await apply(pod("reader", "data"));
      await ready("reader");
      assert.equal(await inPod("reader", "cat /data/file; id -u; stat -c %a /data"), "kept\n0\n777");
      await kubectl("delete pvc data --wait=false");
      await until("the claim is ending", 10, async () => (await kubectl("get pvc data --no-headers")).includes("Terminating"));
      await apply(pod("late", "data"));
      await described(
        "pod late",
        /FailedScheduling .*0\/1 nodes are available: persistentvolumeclaim "data" is being deleted\. preemption: 0\/1 nodes are available: 1 Preemption is not helpful for scheduling\./,
      );
      assert.equal(await inPod("reader", "cat /data/file"), "kept");
      await kubectl("delete pod reader late --wait=true");
      await until("the claim is gone", 20, async () => (await tryKubectl("get pvc data")).code !== 0);
      await until("the volume is gone", 30, async () => (await tryKubectl(`get pv ${volume}`)).code !== 0);
      assert.equal(await machine.sh("ls /var/lib/keelson/local-path"), "");
    },
  );

  await context.test("STORAGE-42: a claim gets the smallest volume that will do; what is retained stays, released and unused", async () => {
    await machine.sh("mkdir -p /srv/small /srv/large");
    for (const [name, size] of [
      ["large", "5Gi"],
      ["small", "2Gi"],
    ] as const)
      await apply(volume(name, size, `hostPath: {path: /srv/${name}}`));
    await until("both are available", 10, async () => !(await kubectl("get pv --no-headers")).includes("Pending"));
    await apply(claim("by-hand", "  storageClassName: by-hand"));
    await until("it is bound", 10, async () => (await field("pvc by-hand", ".status.phase")) === "Bound");
    assert.deepEqual(
      [await field("pvc by-hand", ".spec.volumeName"), await field("pvc by-hand", ".status.capacity.storage")],
      ["small", "2Gi"],
    );
    assert.equal((await tryKubectl("delete pv small --wait=false")).code, 0);
    assert.match(await kubectl("get pv small --no-headers"), / Terminating +default\/by-hand /);
    await apply(pod("by-hand", "by-hand"));
    await ready("by-hand");
    await inPod("by-hand", "echo here >/data/file");
    assert.equal(await machine.sh("cat /srv/small/file"), "here");
    await kubectl("delete pod by-hand --wait=true");
    await apply(claim("other", "  storageClassName: by-hand"));
    await until("the other is bound", 10, async () => (await field("pvc other", ".spec.volumeName")) === "large");
    await kubectl("delete pvc by-hand other --wait=true");
    await until("the deleted one is gone", 10, async () => (await tryKubectl("get pv small")).code !== 0);
    await until("the other is released", 10, async () =>
      / Retain +Released +default\/other /.test(await kubectl("get pv large --no-headers")),
    );
    assert.equal(await machine.sh("cat /srv/small/file"), "here");
    await kubectl("delete pv large");
  });

  await context.test("STORAGE-43: a Pod goes only where its volume is reached, and says so where it is not", async () => {
    await apply(
      volume("far", "1Gi", "local: {path: /srv/far}", onNode("elsewhere")) +
        claim("far", "  storageClassName: by-hand\n  volumeName: far") +
        pod("far", "far"),
    );
    await described(
      "pod far",
      /FailedScheduling .*0\/1 nodes are available: 1 node\(s\) didn't match PersistentVolume's node affinity\. preemption: 0\/1 nodes are available: 1 Preemption is not helpful for scheduling\./,
    );
    await kubectl("delete pod/far pvc/far pv/far --wait=true");
  });

  await context.test("STORAGE-44: a Pod whose claim is not there, or not bound, waits and says why", async () => {
    await apply(pod("without", "absent"));
    await described("pod without", /FailedScheduling .*0\/1 nodes are available: persistentvolumeclaim "absent" not found\./);
    await apply(claim("absent", "  storageClassName: ''"));
    await described("pod without", /FailedScheduling .*0\/1 nodes are available: pod has unbound immediate PersistentVolumeClaims\./);
    await described("pvc absent", /FailedBinding .*no persistent volumes available for this claim and no storage class is set/);
    await machine.sh("mkdir -p /srv/late");
    await apply(volume("late", "1Gi", "hostPath: {path: /srv/late}").replace("storageClassName: by-hand", "storageClassName: ''"));
    await ready("without");
    await kubectl("delete pod/without pvc/absent pv/late --wait=true");
  });

  await context.test("STORAGE-45: a claim for one Pod only is used by one Pod only", async () => {
    await apply(claim("only", "", "ReadWriteOncePod") + pod("first", "only"));
    await ready("first");
    await apply(pod("second", "only"));
    await described(
      "pod second",
      /FailedScheduling .*1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode/,
    );
    await kubectl("delete pod first --wait=true");
    await ready("second");
    assert.match(await kubectl("get pvc only --no-headers"), / RWOP +local-path /);
    await kubectl("delete pod/second pvc/only --wait=true");
  });

  await context.test("STORAGE-46: a Pod brings its claim along, and takes it away", async () => {
    await apply(
      pod("brings", "").replace(
        "persistentVolumeClaim: {claimName: }",
        "ephemeral: {volumeClaimTemplate: {metadata: {labels: {of: brings}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}",
      ),
    );
    await ready("brings");
    assert.match(await kubectl("get pvc brings-data --no-headers -L of"), /^brings-data +Bound +pvc-.* brings$/);
    assert.equal(await field("pvc brings-data", ".metadata.ownerReferences[0].name"), "brings");
    await kubectl("delete pod brings --wait=true");
    await until("the claim is gone", 30, async () => (await tryKubectl("get pvc brings-data")).code !== 0);
    await apply(
      claim("taken-data") +
        pod("taken", "").replace(
          "persistentVolumeClaim: {claimName: }",
          "ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}",
        ),
    );
    await described("pod taken", /PVC default\/taken-data was not created for pod default\/taken \(pod is not owner\)/);
    await kubectl("delete pod/taken pvc/taken-data --wait=true");
  });

  await context.test("STORAGE-47: claims grow only where the class lets them, and never shrink", async () => {
    await apply(claim("fixed") + pod("fixed", "fixed"));
    const grow = async (size: string) =>
      (await tryKubectl(["patch", "pvc", "fixed", "-p", JSON.stringify({ spec: { resources: { requests: { storage: size } } } })])).stderr;
    await ready("fixed");
    assert.match(
      await grow("2Gi"),
      /persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize/,
    );
    assert.match(await grow("1Mi"), /spec\.resources\.requests\.storage: Forbidden: field can not be less than status\.capacity/);
    const other = await tryKubectl(["patch", "pvc", "fixed", "-p", '{"spec":{"accessModes":["ReadWriteMany"]}}']);
    assert.match(
      other.stderr,
      /spec: Forbidden: spec is immutable after creation except resources\.requests and volumeAttributesClassName for bound claims/,
    );
    await kubectl("delete pod/fixed pvc/fixed --wait=true");
  });

  await context.test("STORAGE-48: a local volume must be there, and is given to the Pod's group", async () => {
    await apply(
      volume("disk", "1Gi", "local: {path: /srv/disk}", onNode(await field("nodes", ".items[0].metadata.name"))) +
        claim("disk", "  storageClassName: by-hand") +
        pod("disk", "disk", "  securityContext: {fsGroup: 2000, runAsUser: 1000}"),
    );
    await described("pod disk", /FailedMount .*MountVolume\.SetUp failed for volume "disk" : path "\/srv\/disk" does not exist/);
    await machine.sh("mkdir -p /srv/disk/deep && echo x >/srv/disk/deep/file && chmod 600 /srv/disk/deep/file");
    await ready("disk");
    assert.equal(
      await inPod("disk", "stat -c '%g %a' /data /data/deep /data/deep/file; echo more >>/data/deep/file; cat /data/deep/file"),
      "2000 2775\n2000 2775\n2000 660\nx\nmore",
    );
    await kubectl("delete pod disk --wait=true");
    assert.equal(await machine.sh("grep -c /srv/disk /proc/self/mountinfo || true; cat /srv/disk/deep/file"), "0\nx\nmore");
    await machine.sh("chown -R 0:0 /srv/disk/deep");
    await apply(pod("disk", "disk", "  securityContext: {fsGroup: 2000, fsGroupChangePolicy: OnRootMismatch}"));
    await ready("disk");
    assert.equal(await inPod("disk", "stat -c %g /data /data/deep"), "2000\n0");
    await kubectl("delete pod/disk pvc/disk pv/disk --wait=true");
  });

  await context.test("STORAGE-49: a claim that may only be read is mounted so", async () => {
    await machine.sh("mkdir -p /srv/read && echo x >/srv/read/file");
    await apply(
      volume("read", "1Gi", "hostPath: {path: /srv/read, type: Directory}") +
        claim("read", "  storageClassName: by-hand") +
        pod("read", "read").replace("{claimName: read}", "{claimName: read, readOnly: true}"),
    );
    await ready("read");
    assert.equal(await inPod("read", "cat /data/file; touch /data/y 2>&1 | sed 's/.*: //'"), "x\nRead-only file system");
    await kubectl("delete pod/read pvc/read pv/read --wait=true");
  });

  await context.test("STORAGE-50: block volumes are refused, and the Pod says so", async () => {
    await machine.sh("mkdir -p /srv/block");
    await apply(
      volume("block", "1Gi", "hostPath: {path: /srv/block}", "  volumeMode: Block") +
        claim("block", "  storageClassName: by-hand\n  volumeMode: Block") +
        pod("block", "block").replace(
          "volumeMounts: [{name: data, mountPath: /data}]",
          "volumeDevices: [{name: data, devicePath: /dev/x}]",
        ),
    );
    await described("pod block", /FailedMount .*volumes of volumeMode Block are not supported on this node/);
    await kubectl("delete pod/block pvc/block pv/block --wait=true");
  });

  await context.test("STORAGE-51: a claim that has lost its volume is Lost", async () => {
    await machine.sh("mkdir -p /srv/lost");
    await apply(volume("lost", "1Gi", "hostPath: {path: /srv/lost}") + claim("lost", "  storageClassName: by-hand"));
    await until("it is bound", 10, async () => (await field("pvc lost", ".status.phase")) === "Bound");
    await kubectl(["patch", "pv", "lost", "--type=merge", "-p", '{"metadata":{"finalizers":null}}']);
    await tryKubectl("delete pv lost --wait=false");
    await tryKubectl(["patch", "pv", "lost", "--type=merge", "-p", '{"metadata":{"finalizers":null}}']);
    await until("it is lost", 10, async () => (await kubectl("get pvc lost --no-headers")).split(/ {2,}/)[1] === "Lost");
    await described("pvc lost", /ClaimLost .*Bound claim has lost its PersistentVolume\. Data on the volume is lost!/);
    await kubectl("delete pvc lost --wait=true");
  });

  await context.test("STORAGE-52: a claim made while there was no default class gets it when there is one", async () => {
    const mark = (value: string) =>
      kubectl(["annotate", "storageclass", "local-path", "--overwrite", `storageclass.kubernetes.io/is-default-class=${value}`]);
    await mark("false");
    await apply(claim("early"));
    assert.equal(await field("pvc early", ".spec.storageClassName"), "");
    await mark("true");
    await until("it has the class", 10, async () => (await field("pvc early", ".spec.storageClassName")) === "local-path");
    await kubectl("delete pvc early --wait=true");
  });

  await context.test(
    "STORAGE-60: classes, drivers, attachments, capacities and attributes are made, listed, changed and removed",
    async () => {
      await apply(kinds);
      const rows = async (what: string) => (await kubectl(`get ${what} --no-headers`)).replace(/ +\S+$/, "").replace(/ +/g, " ");
      assert.equal(await rows("storageclass fast"), "fast example.com/disks Retain Immediate true");
      assert.equal(await rows("csidriver disks.example.com"), "disks.example.com true false true <unset> false Persistent");
      assert.equal(await rows("volumeattachment held"), "held disks.example.com none nowhere false");
      assert.match(await kubectl("get csistoragecapacity room --no-headers"), /^room +fast +5Gi$/);
      assert.equal(await rows("volumeattributesclass gold"), "gold disks.example.com");
      for (const what of [
        "storageclass/fast",
        "csidriver/disks.example.com",
        "volumeattachment/held",
        "csistoragecapacity/room",
        "vac/gold",
      ]) {
        await kubectl(`label ${what} seen=yes`);
        assert.equal(await field(what, ".metadata.labels.seen"), "yes");
      }
      const changed = await tryKubectl(["patch", "vac", "gold", "--type=merge", "-p", '{"parameters":{"iops":"2"}}']);
      assert.match(changed.stderr, /parameters: Forbidden: updates to parameters are forbidden\./);
      const wrong = await tryKubectl("apply -f -", { input: kinds.replace("provisioner: example.com/disks", "provisioner: other") });
      assert.match(wrong.stderr, /provisioner: Forbidden: updates to provisioner are forbidden\./);
      await kubectl("delete storageclass/fast csidriver/disks.example.com volumeattachment/held csistoragecapacity/room vac/gold");
    },
  );
});

const kinds = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: example.com/disks
reclaimPolicy: Retain
allowVolumeExpansion: true
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: disks.example.com}
spec: {storageCapacity: true}
---
apiVersion: storage.k8s.io/v1
kind: VolumeAttachment
metadata: {name: held}
spec: {attacher: disks.example.com, nodeName: nowhere, source: {persistentVolumeName: none}}
---
apiVersion: storage.k8s.io/v1
kind: CSIStorageCapacity
metadata: {name: room}
storageClassName: fast
capacity: 5Gi
nodeTopology: {}
---
apiVersion: storage.k8s.io/v1
kind: VolumeAttributesClass
metadata: {name: gold}
driverName: disks.example.com
parameters: {iops: "1"}
`;

function onNode(hostname: string): string {
  return `  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [${hostname}]}]}]}}`;
}

function volume(name: string, size: string, source: string, more = ""): string {
  return `
apiVersion: v1
kind: PersistentVolume
metadata: {name: ${name}}
spec:
  capacity: {storage: ${size}}
  accessModes: [ReadWriteOnce]
  storageClassName: by-hand
  ${source}
${more}
---`;
}

function claim(name: string, spec = "", mode = "ReadWriteOnce"): string {
  return `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ${name}}
spec:
  accessModes: [${mode}]
  resources: {requests: {storage: 1Gi}}
${spec}
---`;
}

function pod(name: string, claimName: string, more = ""): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sleep, "3600"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: ${claimName}}}]
${more}
---`;
}
