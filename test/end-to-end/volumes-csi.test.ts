// Time limit: 10 minutes.
// A CSI driver of our own making beside a real node: registered, asked to stage and publish for real containers, restarted, failing.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { cannotMakeMachines, eventually, node, repository, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");
const address = "192.168.84.20";
const driver = "folders.test.keelson.dev";
const data = "/var/lib/test-csi";

test("CSI on one node", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-csi"), address });
  const { machine, kubectl, tryKubectl, apply } = lab;
  await startRegistry(machine);
  const inPod = (pod: string, text: string) => kubectl(["exec", pod, "--", "sh", "-c", text]);
  const ready = (pod: string) => kubectl(`wait --for=condition=Ready pod/${pod} --timeout=60s`);
  const field = (what: string, jsonPath: string) => kubectl(["get", ...what.split(" "), "-o", `jsonpath={${jsonPath}}`]);
  const until = (what: string, seconds: number, look: () => Promise<boolean>) =>
    eventually(what, seconds, async () => ((await look()) ? true : undefined));
  const described = (what: string, pattern: RegExp, seconds = 40) =>
    until(`${what} says ${pattern}`, seconds, async () => pattern.test(await kubectl(`describe ${what}`)));
  const nodeName = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
  const calls = async () =>
    (await machine.sh(`cat ${data}/calls 2>/dev/null || true`))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown> & { method: string });
  const begin = async () => {
    const script = path.join(repository, "test/support/csi-driver.ts");
    const command = `${node} --disable-warning=ExperimentalWarning ${script} ${driver} /var/lib/kubelet ${data} node-a`;
    await machine.sh(`mkdir -p ${data}; setsid sh -c 'echo $$ >${data}/pid; exec ${command}' >${data}/log 2>&1 </dev/null &`);
    await until("the driver is registered", 30, async () => {
      const status = (await calls()).findLast(({ method }) => method === "NotifyRegistrationStatus");
      return status?.["pluginRegistered"] === true;
    });
  };
  const end = async () => {
    await machine.sh(
      `kill $(cat ${data}/pid); while [ -e /var/lib/kubelet/plugins_registry/${driver}-reg.sock ]; do sleep 0.05; done; rm -f ${data}/calls`,
    );
  };

  await context.test("STORAGE-80: without a driver, the CSINode is empty, and a Pod says what is missing", async () => {
    await until("the CSINode is there", 20, async () => (await field(`csinode ${nodeName}`, ".spec.drivers")) === "[]");
    await apply(
      driverObject(
        "attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: [Persistent, Ephemeral], tokenRequests: [{audience: store, expirationSeconds: 1200}]",
      ),
    );
    await apply(volume("one") + claim("one") + pod("one", "persistentVolumeClaim: {claimName: one}"));
    await described(
      "pod one",
      /FailedMount .*MountVolume\.MountDevice failed for volume "one" : kubernetes\.io\/csi: attacher\.MountDevice failed to create newCsiDriverClient: driver name folders\.test\.keelson\.dev not found in the list of registered CSI drivers/,
    );
  });

  await context.test(
    "STORAGE-81: a driver that puts its socket into the folder is registered, with its id, its limit and its topology",
    async () => {
      await begin();
      assert.equal(
        await field(`csinode ${nodeName}`, ".spec.drivers"),
        JSON.stringify([{ allocatable: { count: 7 }, name: driver, nodeID: "node-a", topologyKeys: [`topology.${driver}/node`] }]),
      );
      assert.match(await kubectl("get csinode --no-headers"), new RegExp(`^${nodeName} +1 `));
      assert.equal(
        JSON.parse(await field(`node ${nodeName}`, ".metadata.annotations.csi\\.volume\\.kubernetes\\.io/nodeid"))[driver],
        "node-a",
      );
      assert.match(await kubectl("get nodes --show-labels"), new RegExp(`topology\\.${driver}/node=node-a`));
    },
  );

  await context.test(
    "STORAGE-82: a volume is staged once and published for each Pod, with what the volume, the claim and the Pod say",
    async () => {
      await ready("one");
      await apply(pod("two", "persistentVolumeClaim: {claimName: one, readOnly: true}"));
      await ready("two");
      await inPod("one", "echo shared >/data/file");
      assert.equal(await inPod("two", "cat /data/file; touch /data/x 2>/dev/null || echo read-only"), "shared\nread-only");
      const asked = await calls();
      const staged = asked.filter(({ method }) => method === "NodeStageVolume");
      assert.ok(staged.length >= 1);
      assert.match(
        String(staged[0]?.["stagingTargetPath"]),
        /^\/var\/lib\/kubelet\/plugins\/kubernetes\.io\/csi\/folders\.test\.keelson\.dev\/[0-9a-f]{64}\/globalmount$/,
      );
      assert.deepEqual(staged[0]?.["secrets"], { key: "open sesame" });
      const published = asked.filter(({ method }) => method === "NodePublishVolume");
      const uid = await field("pod two", ".metadata.uid");
      const second = published.find(
        ({ targetPath }) => String(targetPath) === `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~csi/one/mount`,
      );
      assert.ok(second);
      assert.equal(second["readonly"], true);
      const { "csi.storage.k8s.io/serviceAccount.tokens": tokens = "", ...told } = second["volumeContext"] as Record<string, string>;
      const { token, expirationTimestamp } = JSON.parse(tokens).store as { token: string; expirationTimestamp: string };
      assert.match(JSON.stringify(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()), /store/);
      assert.match(expirationTimestamp, /^20\d\d-.*Z$/);
      assert.deepEqual(told, {
        colour: "blue",
        "csi.storage.k8s.io/ephemeral": "false",
        "csi.storage.k8s.io/pod.name": "two",
        "csi.storage.k8s.io/pod.namespace": "default",
        "csi.storage.k8s.io/pod.uid": uid,
        "csi.storage.k8s.io/serviceAccount.name": "default",
      });
      assert.deepEqual(second["volumeCapability"], {
        mount: { fsType: "", mountFlags: ["noatime"], volumeMountGroup: "" },
        accessMode: { mode: 1 },
      });
    },
  );

  await context.test("STORAGE-83: it is unpublished with each Pod, and unstaged with the last", async () => {
    await machine.sh(`rm ${data}/calls`);
    await kubectl("delete pod two --wait=true");
    await until("unpublished", 20, async () => (await calls()).some(({ method }) => method === "NodeUnpublishVolume"));
    assert.ok(!(await calls()).some(({ method }) => method === "NodeUnstageVolume"));
    assert.equal(await inPod("one", "cat /data/file"), "shared");
    await kubectl("delete pod one --wait=true");
    await until("unstaged", 20, async () => (await calls()).some(({ method }) => method === "NodeUnstageVolume"));
    assert.equal(
      await machine.sh(`grep -c test-csi /proc/self/mountinfo || true; ls /var/lib/kubelet/plugins/kubernetes.io/csi/${driver}`),
      "0",
    );
    assert.equal(await machine.sh(`cat ${data}/volumes/handle-one/file`), "shared");
  });

  await context.test("STORAGE-84: what a driver refuses is said in its words, and asked again", async () => {
    await machine.sh(`mkdir -p ${data}/fail; echo boom >${data}/fail/NodePublishVolume`);
    await apply(pod("three", "persistentVolumeClaim: {claimName: one}"));
    await described("pod three", /FailedMount .*MountVolume\.SetUp failed for volume "one" : .*rpc error: code = Internal desc = boom/);
    await machine.sh(`rm ${data}/fail/NodePublishVolume`);
    await ready("three");
  });

  await context.test(
    "STORAGE-89: a kubelet that is killed finds its volumes again, and the Pods that have them do not notice",
    async () => {
      const kubelet = () =>
        machine.sh(
          "for p in /proc/[0-9]*; do if tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'kubele[t] --'; then echo ${p#/proc/}; fi; done",
        );
      const before = await kubelet();
      assert.match(before, /^\d+$/);
      await machine.sh(`kill -9 ${before}`);
      await until("there is another kubelet", 30, async () => /^\d+$/.test(await kubelet()) && (await kubelet()) !== before);
      await until("the Pod can be reached", 30, async () => {
        const { code, stdout } = await tryKubectl([
          "exec",
          "three",
          "--",
          "sh",
          "-c",
          "echo again >/data/again; cat /data/file /data/again",
        ]);
        return code === 0 && stdout === "shared\nagain\n";
      });
      assert.equal(await field("pod three", ".status.containerStatuses[0].restartCount"), "0");
      await until(
        "the driver is registered anew",
        30,
        async () => (await field(`csinode ${nodeName}`, ".spec.drivers[0].name")) === driver,
      );
    },
  );

  await context.test("STORAGE-85: volumes stay while the driver is away, and Pods end once it is back", async () => {
    await end();
    await until("the CSINode is empty", 30, async () => (await field(`csinode ${nodeName}`, ".spec.drivers")) === "[]");
    assert.equal(await inPod("three", "cat /data/file"), "shared");
    await kubectl("delete pod three --wait=false");
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.notEqual(await kubectl("get pods --no-headers"), "");
    await begin();
    await until("the Pod is gone", 30, async () => (await kubectl("get pods --no-headers")) === "");
  });

  await context.test("STORAGE-86: a volume of a driver written into the Pod lives as long as the Pod", async () => {
    await apply(pod("inline", `csi: {driver: ${driver}, volumeAttributes: {size: small}, nodePublishSecretRef: {name: csi}}`));
    await ready("inline");
    const context_ = JSON.parse(await inPod("inline", "cat /data/context")) as Record<string, string>;
    assert.deepEqual(
      [context_["size"], context_["key"], context_["csi.storage.k8s.io/ephemeral"], context_["csi.storage.k8s.io/pod.name"]],
      ["small", "open sesame", "true", "inline"],
    );
    await kubectl("delete pod inline --wait=true");
    await until("unpublished", 20, async () =>
      (await calls()).some(({ method, volumeId }) => method === "NodeUnpublishVolume" && String(volumeId).startsWith("csi-")),
    );
  });

  await context.test("STORAGE-87: a driver that has to attach is waited for", async () => {
    await kubectl(`delete csidriver ${driver}`);
    await apply(driverObject("attachRequired: true, volumeLifecycleModes: [Persistent]"));
    await apply(pod("attached", "persistentVolumeClaim: {claimName: one}"));
    await described("pod attached", /AttachVolume\.Attach failed for volume "one" : .*not attached to this node yet/);
    const name = await eventually(
      "an attachment",
      20,
      async () => (await field("volumeattachments", ".items[0].metadata.name")) || undefined,
    );
    assert.match(await kubectl("get volumeattachments --no-headers"), new RegExp(`^csi-[0-9a-f]{64} +${driver} +one +${nodeName} +false `));
    await kubectl([
      "patch",
      "volumeattachment",
      name,
      "--subresource=status",
      "--type=merge",
      "-p",
      '{"status":{"attached":true,"attachmentMetadata":{"device":"sdx"}}}',
    ]);
    await ready("attached");
    const published = (await calls()).findLast(({ method }) => method === "NodePublishVolume");
    assert.deepEqual(published?.["publishContext"], { device: "sdx" });
    await kubectl("delete pod attached --wait=true");
    await until("the attachment is gone", 30, async () => (await kubectl("get volumeattachments --no-headers")) === "");
  });

  await context.test("STORAGE-88: a driver without such volumes is told so", async () => {
    await apply(pod("refused", `csi: {driver: ${driver}}`));
    await described(
      "pod refused",
      /volume mode "Ephemeral" not supported by driver folders\.test\.keelson\.dev \(only supports \["Persistent"\]\)/,
    );
    await kubectl("delete pod refused --wait=true");
    await end();
  });
});

function driverObject(spec: string): string {
  return `
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: ${driver}}
spec: {${spec}}
---`;
}

function volume(name: string): string {
  return `
apiVersion: v1
kind: Secret
metadata: {name: csi}
stringData: {key: open sesame}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: ${name}}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: by-hand
  mountOptions: [noatime]
  csi:
    driver: ${driver}
    volumeHandle: handle-${name}
    volumeAttributes: {colour: blue}
    nodeStageSecretRef: {name: csi, namespace: default}
---`;
}

function claim(name: string): string {
  return `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ${name}}
spec: {accessModes: [ReadWriteOnce], storageClassName: by-hand, resources: {requests: {storage: 1Gi}}}
---`;
}

function pod(name: string, source: string): string {
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
  volumes: [{name: data, ${source}}]
---`;
}
