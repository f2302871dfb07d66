// Time limit: 10 minutes.
// Volumes that come with the Pod or the node, seen with the real kubectl in real containers, on one node made for this file. The Pods are
// made all at once and each looked at in a test of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry, untilTold } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");
const address = "192.168.85.20";

test("volumes of Pods on one node", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-volumes"), address });
  const { machine, kubectl, tryKubectl, apply } = lab;
  await startRegistry(machine);
  await machine.sh(`
mkdir -p /srv/host/real /srv/shared /srv/below/in
mount -t tmpfs tmpfs /srv/below/in
echo from the node >/srv/host/file
ln -s /etc /srv/host/out
ln -s real /srv/host/link
mount --bind /srv/shared /srv/shared
mount --make-rshared /srv/shared`);
  await machine.sh(contentImage);
  await apply(settings);
  await apply(objects);
  const inPod = (name: string, text: string) => kubectl(["exec", name, "--", "sh", "-c", text]);
  const ready = (name: string) => kubectl(`wait --for=condition=Ready pod/${name} --timeout=60s`);
  const until = (what: string, seconds: number, look: () => Promise<boolean>) =>
    eventually(what, seconds, async () => ((await look()) ? true : undefined));
  const described = (name: string, pattern: RegExp, seconds = 40) =>
    until(`pod ${name} says ${pattern}`, seconds, async () => pattern.test(await kubectl(`describe pod ${name}`)));
  const folderOf = async (name: string, path: string) =>
    `/var/lib/kubelet/pods/${await kubectl(`get pod ${name} -o jsonpath={.metadata.uid}`)}/volumes/${path}`;

  await context.test(
    "STORAGE-1: an emptyDir begins empty and writable for all, is one for all containers, and outlives their restarts",
    async () => {
      await ready("empty");
      assert.equal(await inPod("empty", "ls /data; stat -c %a /data; echo x >/data/file"), "777");
      assert.equal(await kubectl(["exec", "empty", "-c", "side", "--", "cat", "/data/file"]), "x");
      await tryKubectl(["exec", "empty", "--", "sh", "-c", "kill 1"]);
      await until(
        "it was restarted",
        30,
        async () => (await kubectl("get pod empty -o jsonpath={.status.containerStatuses[0].restartCount}")) === "1",
      );
      await ready("empty");
      assert.equal(await inPod("empty", "cat /data/file"), "x");
    },
  );

  await context.test("STORAGE-2: an emptyDir in memory is as large as its limit", async () => {
    await ready("memory");
    assert.equal(await inPod("memory", "stat -f -c %T /data; df -k /data | awk 'END {print $2}'; stat -c %a /data"), "tmpfs\n2048\n1777");
    assert.match(await inPod("memory", "dd if=/dev/zero of=/data/big bs=1M count=3 2>&1 || true"), /No space left on device/);
    assert.equal(await inPod("memory", "df -k /unlimited | awk 'END {print $2}'"), "65536");
    await ready("modes-memory");
    const ofPods = Number.parseInt(await kubectl("get nodes -o jsonpath={.items[0].status.allocatable.memory}"), 10);
    const size = Number(await inPod("modes-memory", "df -k /data | awk 'END {print $2}'"));
    assert.ok(Math.abs(size - ofPods) <= 4, `${size} KiB of ${ofPods}`);
  });

  await context.test("STORAGE-3: fsGroup makes volumes the group's, and what is made in them", async () => {
    await ready("grouped");
    assert.equal(
      await inPod("grouped", "id -u; stat -c '%g %a' /data; echo x >/data/file; stat -c %g /data/file"),
      "1000\n2000 2777\n2000",
    );
    assert.equal(await inPod("grouped", "stat -L -c '%u:%g %a' /secret/word /token/token"), "0:2000 440\n1000:2000 640");
    assert.equal(await inPod("grouped", "cat /secret/word"), "open sesame");
  });

  await context.test("STORAGE-4: hostPath makes what may be made, and sees what is there", async () => {
    await ready("host");
    assert.equal(await inPod("host", "cat /host/file; ls -d /made; stat -c %F /made-file"), "from the node\n/made\nregular empty file");
    assert.equal(await machine.sh("stat -c '%a %F' /srv/made/deep /srv/host/made-file"), "755 directory\n644 regular empty file");
    assert.equal(
      await inPod("host", "touch /read-only/x 2>&1 | sed 's/.*: //'; stat -c %F /null"),
      "Read-only file system\ncharacter special file",
    );
  });

  await context.test("STORAGE-5: hostPath that is of another type is refused in upstream's words", async () => {
    for (const [type, path, called] of [
      ["Directory", "/srv/host/file", "directory"],
      ["File", "/srv/host", "file"],
      ["Socket", "/srv/host/file", "socket file"],
      ["CharDevice", "/srv/host/file", "character device"],
      ["BlockDevice", "/dev/null", "block device"],
      ["DirectoryOrCreate", "/srv/host/file", "directory"],
    ] as const)
      await described(
        `typed-${type.toLowerCase()}`,
        new RegExp(`FailedMount .*MountVolume\\.SetUp failed for volume "data" : hostPath type check failed: ${path} is not a ${called}`),
      );
  });

  await context.test("STORAGE-6: a ConfigMap's files: text and bytes, chosen items, modes, read-only", async () => {
    await ready("settings");
    assert.equal(
      await inPod("settings", "cat /all/color; od -An -tx1 /all/bytes | tr -d ' \\n'; ls /all"),
      "blue00ff10bytes\ncolor\nnested",
    );
    assert.equal(await inPod("settings", "cat /some/deep/path; stat -L -c %a /some/deep/path /some/plain"), "blue400\n440");
    assert.equal(
      await inPod("settings", "touch /all/x 2>&1 | sed 's/.*: //'; stat -c %a /all; ls /optional"),
      "Read-only file system\n777",
    );
  });

  await context.test("STORAGE-7: what is missing is said; what is optional may be missing, and comes later", async () => {
    await described(
      "no-key",
      /FailedMount .*MountVolume\.SetUp failed for volume "data" : configmap references non-existent config key: absent/,
    );
    await described(
      "no-secret-key",
      /FailedMount .*MountVolume\.SetUp failed for volume "data" : references non-existent secret key: absent/,
    );
    await described("no-secret", /FailedMount .*MountVolume\.SetUp failed for volume "data" : secret "absent" not found/);
    await kubectl("create configmap later --from-literal=key=came");
    await until("the file is there", 100, async () => (await inPod("settings", "cat /optional/key 2>/dev/null || true")) === "came");
    await kubectl("delete configmap later");
    await until("it is gone again", 100, async () => (await inPod("settings", "ls /optional")) === "");
  });

  await context.test("STORAGE-8: changes come all at once, keys that go are gone, and subPath mounts stay as they were", async () => {
    await ready("live");
    assert.equal(await inPod("live", "cat /all/a /all/b; cat /one"), "111");
    await inPod("live", "(while :; do (cd -P /all/..data && cat a b); echo; done) >/tmp/seen 2>/dev/null & echo");
    await kubectl(["patch", "configmap", "live", "--type=merge", "-p", '{"data":{"a":"2","b":"2","c":null,"d":"new"}}']);
    await until("the change is there", 100, async () => (await inPod("live", "cat /all/d 2>/dev/null || true")) === "new");
    assert.equal(await inPod("live", "ls /all; cat /all/a; cat /one"), "a\nb\nd\n21");
    const seen = (await inPod("live", "sort -u /tmp/seen")).split("\n").filter((line) => line.length === 2);
    assert.deepEqual(seen, ["11", "22"]);
    assert.match(await inPod("live", "readlink /all/a; readlink /all/..data"), /^\.\.data\/a\n\.\.20/);
  });

  await context.test("STORAGE-9: a Secret lies in memory; one that is immutable cannot be changed", async () => {
    await ready("secrets");
    assert.equal(await inPod("secrets", "cat /secret/word; stat -f -c %T /secret; stat -L -c %a /secret/word"), "open sesametmpfs\n400");
    assert.equal(await inPod("secrets", "cat /fixed/word"), "for ever");
    assert.match(
      (await tryKubectl(["patch", "secret", "fixed", "-p", '{"stringData":{"word":"other"}}'])).stderr,
      /data: Forbidden: field is immutable when `immutable` is set/,
    );
    await kubectl("create configmap sealed --from-literal=word=1");
    await kubectl(["patch", "configmap", "sealed", "-p", '{"immutable":true}']);
    for (const change of ['{"data":{"word":"2"}}', '{"immutable":false}'])
      assert.match((await tryKubectl(["patch", "configmap", "sealed", "-p", change])).stderr, /field is immutable when `immutable` is set/);
    await kubectl("label configmap sealed may=change");
  });

  await context.test("STORAGE-10: the downward API's files tell of the Pod, and follow its labels and annotations", async () => {
    await ready("about");
    assert.equal(
      await inPod("about", "cat /about/name; echo; cat /about/labels; echo; cat /about/cpu; echo; cat /about/memory"),
      'about\ntier="back"\n250\n64',
    );
    await kubectl("label pod about tier=front --overwrite");
    await kubectl("annotate pod about note=new");
    await until("the change is there", 100, async () =>
      /^tier="front"$[^]*^note="new"$/m.test(await inPod("about", "cat /about/labels; echo; cat /about/annotations")),
    );
    assert.equal(await inPod("about", "stat -L -c %a /about/name"), "600");
  });

  await context.test("STORAGE-11: a projected volume joins all its sources, a token for an audience among them", async () => {
    await ready("projected");
    assert.equal(
      await inPod("projected", "cd /all; ls; cat color word; stat -L -c '%u %a' token"),
      "color\nname\ntoken\nword\nblueopen sesame1000 600",
    );
    const [, claims = ""] = (await inPod("projected", "cat /all/token")).split(".");
    const token = JSON.parse(Buffer.from(claims, "base64url").toString()) as { aud: string[]; exp: number; iat: number; sub: string };
    assert.deepEqual([token.aud, token.exp - token.iat, token.sub], [["vault"], 1200, "system:serviceaccount:default:default"]);
  });

  await context.test("STORAGE-12: a subPath is a part of a volume, made when it is missing, as deep as it may be", async () => {
    await ready("parts");
    assert.equal(
      await inPod("parts", "echo x >/deep/file; cat /whole/a/b/c/file; echo y >/other/file; cat /whole/other/file; cat /one"),
      "x\ny\nfrom the node",
    );
    assert.equal(await inPod("parts", "echo z >/linked/file"), "");
    assert.equal(await machine.sh("cat /srv/host/real/file"), "z");
    assert.equal(await inPod("parts", "ls /whole/named; cat /etc/passwd"), "parts\nblue", "a file of the image has another in its place");
  });

  await context.test("STORAGE-13: a subPath that leads out of its volume is refused, by words or by links", async () => {
    const waits = async (name: string, pattern: RegExp) => {
      await described(name, pattern);
      assert.equal(
        await kubectl(`get pod ${name} -o jsonpath={.status.containerStatuses[0].state.waiting.reason}`),
        "CreateContainerConfigError",
      );
    };
    await waits("absolute", /Error: error SubPath `\/etc` must not be an absolute path/);
    await waits("backsteps", /Error: unable to provision SubPath `\.\.\/\.\.`: must not contain '\.\.'/);
    await waits("link-out", /Error: failed to prepare subPath for volumeMount "data" of container "main": it leads out of the volume/);
    await waits("unset", /Error: missing value for "ABSENT"/);
    const refused = await tryKubectl("apply -f -", { input: pod("written", "emptyDir: {}", "", "mountPath: /data, subPath: ../x") });
    assert.match(refused.stderr, /spec\.containers\[0\]\.volumeMounts\[0\]\.subPath: Invalid value: "\.\.\/x": must not contain '\.\.'/);
  });

  await context.test("STORAGE-14: a link put in the way while Pods start leads nobody out of the volume", async () => {
    await ready("racer");
    const names = Array.from({ length: 6 }, (_, index) => `runner-${index}`);
    await apply(
      names
        .map((name) => pod(name, "hostPath: {path: /srv/race}", "", "mountPath: /data, subPath: turn/in", "  restartPolicy: Never"))
        .join("\n"),
    );
    for (const name of names) {
      await until(`${name} is decided`, 60, async () => {
        const status = await kubectl(`get pod ${name} -o jsonpath={.status.phase},{.status.containerStatuses[0].state.waiting.reason}`);
        // The folder may be gone again before the runtime mounts it: that is an error of its own.
        return !status.startsWith("Pending") || status.endsWith("Error");
      });
    }
    for (const name of names) {
      const { stdout } = await tryKubectl(["exec", name, "--", "sh", "-c", "ls /data; touch /data/mine"]);
      assert.ok(!stdout.includes("hostname") && !stdout.includes("passwd"), stdout);
    }
    assert.equal(await machine.sh("ls -d /etc/in /etc/mine 2>/dev/null || true"), "");
    await kubectl(`delete pod racer ${names.join(" ")} --grace-period=0 --force --wait=true`);
  });

  await context.test("STORAGE-15: read-only below a mount is given only where the runtime can", async () => {
    await ready("possibly");
    const told = (name: string) => kubectl(`get pod ${name} -o jsonpath={.status.containerStatuses[0].volumeMounts[0].recursiveReadOnly}`);
    const write = (name: string) =>
      inPod(name, "touch /data/file 2>/dev/null || echo not here; touch /data/in/file 2>/dev/null || echo not below");
    const features = await kubectl("get nodes -o jsonpath={.items[0].status.runtimeHandlers[*].features.recursiveReadOnlyMounts}");
    if (!features.includes("true")) {
      await described("below", /Error: volume "data" requested recursive read-only mode, but it is not supported by the runtime/);
      assert.deepEqual([await told("possibly"), await write("possibly")], ["Disabled", "not here"]);
      return;
    }
    for (const name of ["below", "possibly"]) {
      await ready(name);
      assert.deepEqual([await told(name), await write(name)], ["Enabled", "not here\nnot below"]);
    }
  });

  await context.test("STORAGE-16: mounts made on the node are seen by containers that ask for it, and the other way round", async () => {
    await ready("propagated");
    await machine.sh("mkdir -p /srv/shared/in && mount -t tmpfs tmpfs /srv/shared/in && echo from outside >/srv/shared/in/file");
    assert.equal(
      await inPod("propagated", "cat /slave/in/file; cat /private/in/file 2>/dev/null || echo nothing"),
      "from outside\nnothing",
    );
    await inPod("propagated", "mkdir -p /both/back && mount -t tmpfs tmpfs /both/back && echo from inside >/both/back/file");
    assert.equal(await machine.sh("cat /srv/shared/back/file; umount /srv/shared/back /srv/shared/in"), "from inside");
  });

  await context.test("STORAGE-17: volumes of kinds this node does not know are refused, and the Pod says so", async () => {
    await described(
      "cinder",
      /FailedMount .*MountVolume\.SetUp failed for volume "data" : no volume plugin matched: volumes of kind "cinder" are not supported on this node/,
    );
  });

  await context.test(
    "STORAGE-19: the account's token lies where clients look for it, unless the Pod or the account does not want it",
    async () => {
      const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
      for (const name of ["account", "account-off", "quiet", "quiet-on"]) await ready(name);
      assert.equal(await inPod("account", `ls ${folder}; cat ${folder}/namespace`), "ca.crt\nnamespace\ntoken\ndefault");
      assert.equal(await inPod("quiet-on", `ls ${folder}`), "ca.crt\nnamespace\ntoken");
      for (const name of ["account-off", "quiet"]) assert.equal(await inPod(name, `ls ${folder} 2>/dev/null || echo none`), "none");
      const [, claims = ""] = (await inPod("quiet-on", `cat ${folder}/token`)).split(".");
      const { sub, exp, iat, ...more } = JSON.parse(Buffer.from(claims, "base64url").toString());
      assert.equal(sub, "system:serviceaccount:default:quiet");
      assert.equal(more["kubernetes.io"].pod.name, "quiet-on");
      assert.ok(exp - iat >= 3600, `${exp - iat} s`);
      assert.equal(
        await inPod("account", `cat ${folder}/ca.crt`),
        await kubectl(["get", "configmap", "kube-root-ca.crt", "-o", "jsonpath={.data.ca\\.crt}"]),
      );
    },
  );

  await context.test("STORAGE-20: an image's files are a volume to read, whole or in part, of one layer and of several", async () => {
    await ready("image");
    assert.equal(await inPod("image", "cat /data/site/page /part/deep; ls -d /box/bin/busybox"), "page\ndeep\n/box/bin/busybox");
    assert.equal(await inPod("image", "touch /data/site/x 2>&1 | sed 's/.*: //'"), "Read-only file system");
    for (const path of ["/data", "/part", "/box"])
      assert.match(await inPod("image", `grep ' ${path} ' /proc/mounts`), / ro,/, "nothing in it can be changed");
    assert.equal(await kubectl(["exec", "image", "-c", "side", "--", "cat", "/same/site/page"]), "page");
    await tryKubectl(["exec", "image", "--", "sh", "-c", "kill 1"]);
    await until(
      "it was restarted",
      30,
      async () => (await kubectl("get pod image -o jsonpath={.status.containerStatuses[0].restartCount}")) === "1",
    );
    await ready("image");
    assert.equal(await inPod("image", "cat /data/site/page"), "page");
    const waits = (name: string) => kubectl(`get pod ${name} -o jsonpath={.status.containerStatuses[0].state.waiting.reason}`);
    await until("the image is not there", 60, async () => (await waits("no-image")) === "ImagePullBackOff");
    await described("no-image", /Failed to pull image "127\.0\.0\.1:5000\/content:absent": rpc error: code = NotFound/);
    await until("the folder is not there", 60, async () => (await waits("no-part")) === "CreateContainerConfigError");
    assert.match(await machine.sh("ctr -n k8s.io snapshots ls"), /keelson-/);
    await kubectl("delete pod image no-image no-part --wait=true");
    assert.doesNotMatch(await machine.sh("ctr -n k8s.io snapshots ls"), /keelson-/);
  });

  await context.test("STORAGE-21: several Pods with fifty volumes each start at the same time", async () => {
    const numbers = Array.from({ length: 50 }, (_, index) => index);
    await apply(
      numbers
        .map((number) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: many-${number}}\ndata: {number: "${number}"}\n---\n`)
        .join(""),
    );
    const names = ["many-a", "many-b", "many-c", "many-d", "many-e"];
    const volumes = numbers.map((number) => `{name: many-${number}, configMap: {name: many-${number}}}`);
    const mounts = numbers.map((number) => `{name: many-${number}, mountPath: /many/${number}}`);
    await apply(names.map((name) => several(name, volumes, mounts)).join("\n"));
    for (const name of names) {
      await ready(name);
      const all = await inPod(name, "cat /many/*/number | wc -c; cat /many/49/number");
      assert.equal(all, `${numbers.join("").length}\n49`);
    }
    await kubectl(`delete pod ${names.join(" ")} --wait=false`);
  });

  await context.test("STORAGE-22: files in an emptyDir keep the modes their owners give them, on disk and in memory", async () => {
    for (const name of ["modes", "modes-memory"]) {
      await ready(name);
      const made = (container: string) =>
        kubectl([
          ...["exec", name, "-c", container, "--", "sh", "-c"],
          `for mode in 644 666 777; do echo x >/data/${container}-$mode; chmod $mode /data/${container}-$mode; stat -c '%a %u' /data/${container}-$mode; done`,
        ]);
      assert.equal(await made("main"), "644 0\n666 0\n777 0");
      assert.equal(await made("other"), "644 1001\n666 1001\n777 1001");
      const write = (file: string) =>
        kubectl(["exec", name, "-c", "other", "--", "sh", "-c", `(echo y >>${file}) 2>/dev/null && echo written; cat ${file}`]);
      assert.equal(await write("/data/main-666"), "written\nx\ny");
      assert.equal(await write("/data/main-644"), "x");
    }
  });

  await context.test("STORAGE-23: a projected volume follows its sources: what changes, what comes, and what goes", async () => {
    await ready("joined");
    const seen = (what: string) => until(what, 100, async () => (await inPod("joined", "cd /all; ls; cat *")) === what);
    await seen("colour\ngreen");
    await kubectl("create secret generic guest --from-literal=guest=here");
    await seen("colour\nguest\ngreenhere");
    await kubectl(["patch", "configmap", "joined", "-p", '{"data":{"colour":"grey"}}']);
    await seen("colour\nguest\ngreyhere");
    await kubectl("delete secret guest");
    await seen("colour\ngrey");
  });

  await context.test("STORAGE-24: one object may be several volumes, and one of its name in another namespace is another", async () => {
    await ready("twice");
    assert.equal(
      await inPod("twice", "cat /one/color /two/hue; echo; cat /three/word; echo; cat /four/word"),
      "blueblue\nopen sesame\nopen sesame",
    );
  });

  await context.test("STORAGE-25: a subPathExpr that led nowhere is followed once the Pod's annotations say where", async () => {
    await described("guided", /Error: error SubPath `\/etc` must not be an absolute path/);
    await kubectl("annotate pod guided where=inside --overwrite");
    await ready("guided");
    assert.equal(await inPod("guided", "ls /whole"), "inside");
  });

  await context.test("STORAGE-18: when Pods go, their volumes go with them, and nothing of the node's own", async () => {
    const folder = await folderOf("empty", "");
    assert.notEqual(await machine.sh(`ls ${folder}`), "");
    await kubectl("delete pods --all --wait=true", { seconds: 180 });
    assert.equal(await machine.sh(`ls -d ${folder} 2>/dev/null || true; ls /srv/host`), "file\nlink\nmade-file\nout\nreal");
    const system = await kubectl(
      "get pods -n kube-system -o jsonpath={.items[*].metadata.uid},{.items[*].metadata.annotations.kubernetes\\.io/config\\.hash}",
    );
    for (const uid of (await machine.sh("ls /var/lib/kubelet/pods")).split("\n")) assert.ok(system.includes(uid), uid);
  });
});

const content = "127.0.0.1:5000/content:1";
const contentImage = `
cd /var/lib/test-registry
umoci unpack --image oci:base content
mkdir -p content/rootfs/site/sub
echo page >content/rootfs/site/page
echo deep >content/rootfs/site/sub/deep
umoci repack --image oci:content content
skopeo --insecure-policy copy -q --dest-tls-verify=false oci:oci:content docker://${content}`;

const settings = `
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: other}
stringData: {word: not this one}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: quiet}
automountServiceAccountToken: false
---
apiVersion: v1
kind: ConfigMap
metadata: {name: joined}
data: {colour: green}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue, nested: "1"}
binaryData: {bytes: AP8Q}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: live}
data: {a: "1", b: "1", c: gone}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {word: open sesame}
---
apiVersion: v1
kind: Secret
metadata: {name: fixed}
immutable: true
stringData: {word: for ever}
---
`;

/** A Pod with one volume, "data", mounted at /data unless said otherwise. */
function pod(name: string, source: string, container = "", mount = "mountPath: /data", spec = ""): string {
  return several(name, [`{name: data, ${source}}`], [`{name: data, ${mount}}`], container, spec);
}

/** Another container of a Pod, with the volume "data". */
function beside(name: string, mountPath: string, more = "tty: false"): string {
  return `  - {name: ${name}, image: "${busyboxImage}", command: [sleep, "3600"], volumeMounts: [{name: data, mountPath: ${mountPath}}], ${more}}`;
}

function several(name: string, volumes: readonly string[], mounts: readonly string[], container = "", spec = ""): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {tier: back}}
spec:
  terminationGracePeriodSeconds: 1
${spec}
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sh, -c, "${untilTold}"]
    volumeMounts: [${mounts.join(", ")}]
${container}
  volumes: [${volumes.join(", ")}]
---`;
}

const objects = [
  pod("empty", "emptyDir: {}").replace(
    "  volumes:",
    `  - name: side
    image: ${busyboxImage}
    command: [sleep, "3600"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes:`,
  ),
  several(
    "memory",
    ["{name: data, emptyDir: {medium: Memory, sizeLimit: 2Mi}}", "{name: more, emptyDir: {medium: Memory}}"],
    ["{name: data, mountPath: /data}", "{name: more, mountPath: /unlimited}"],
    "    resources: {limits: {memory: 64Mi}}",
  ),
  several(
    "grouped",
    [
      "{name: data, emptyDir: {}}",
      "{name: secret, secret: {secretName: keys, defaultMode: 256}}",
      "{name: token, projected: {sources: [{serviceAccountToken: {path: token}}]}}",
    ],
    ["{name: data, mountPath: /data}", "{name: secret, mountPath: /secret}", "{name: token, mountPath: /token}"],
    "",
    "  securityContext: {fsGroup: 2000, runAsUser: 1000}",
  ),
  several(
    "host",
    [
      "{name: host, hostPath: {path: /srv/host, type: Directory}}",
      "{name: made, hostPath: {path: /srv/made/deep, type: DirectoryOrCreate}}",
      "{name: file, hostPath: {path: /srv/host/made-file, type: FileOrCreate}}",
      "{name: null-device, hostPath: {path: /dev/null, type: CharDevice}}",
    ],
    [
      "{name: host, mountPath: /host}",
      "{name: host, mountPath: /read-only, readOnly: true}",
      "{name: made, mountPath: /made}",
      "{name: file, mountPath: /made-file}",
      "{name: null-device, mountPath: /null}",
    ],
  ),
  pod("typed-directory", "hostPath: {path: /srv/host/file, type: Directory}"),
  pod("typed-file", "hostPath: {path: /srv/host, type: File}"),
  pod("typed-socket", "hostPath: {path: /srv/host/file, type: Socket}"),
  pod("typed-chardevice", "hostPath: {path: /srv/host/file, type: CharDevice}"),
  pod("typed-blockdevice", "hostPath: {path: /dev/null, type: BlockDevice}"),
  pod("typed-directoryorcreate", "hostPath: {path: /srv/host/file, type: DirectoryOrCreate}"),
  several(
    "settings",
    [
      "{name: all, configMap: {name: settings}}",
      "{name: some, configMap: {name: settings, defaultMode: 288, items: [{key: color, path: deep/path, mode: 256}, {key: nested, path: plain}]}}",
      "{name: optional, configMap: {name: later, optional: true}}",
    ],
    ["{name: all, mountPath: /all}", "{name: some, mountPath: /some}", "{name: optional, mountPath: /optional}"],
  ),
  pod("no-key", "configMap: {name: settings, items: [{key: absent, path: x}]}"),
  pod("no-secret-key", "secret: {secretName: keys, items: [{key: absent, path: x}]}"),
  pod("no-secret", "secret: {secretName: absent}"),
  several("live", ["{name: all, configMap: {name: live}}"], ["{name: all, mountPath: /all}", "{name: all, mountPath: /one, subPath: a}"]),
  several(
    "secrets",
    ["{name: secret, secret: {secretName: keys, defaultMode: 256}}", "{name: fixed, secret: {secretName: fixed}}"],
    ["{name: secret, mountPath: /secret}", "{name: fixed, mountPath: /fixed}"],
  ),
  pod(
    "about",
    `downwardAPI: {defaultMode: 384, items: [
      {path: name, fieldRef: {fieldPath: metadata.name}}, {path: labels, fieldRef: {fieldPath: metadata.labels}},
      {path: annotations, fieldRef: {fieldPath: metadata.annotations}},
      {path: cpu, resourceFieldRef: {containerName: main, resource: limits.cpu, divisor: 1m}},
      {path: memory, resourceFieldRef: {containerName: main, resource: limits.memory, divisor: 1Mi}}]}`,
    "    resources: {limits: {cpu: 250m, memory: 64Mi}}",
    "mountPath: /about",
  ),
  pod(
    "projected",
    `projected: {sources: [{configMap: {name: settings, items: [{key: color, path: color}]}}, {secret: {name: keys}},
      {downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}},
      {serviceAccountToken: {path: token, audience: vault, expirationSeconds: 1200}}]}`,
    "",
    "mountPath: /all",
    "  securityContext: {runAsUser: 1000}",
  ),
  several(
    "parts",
    ["{name: data, emptyDir: {}}", "{name: host, hostPath: {path: /srv/host}}", "{name: settings, configMap: {name: settings}}"],
    [
      "{name: settings, mountPath: /etc/passwd, subPath: color}",
      "{name: data, mountPath: /whole}",
      "{name: data, mountPath: /deep, subPath: a/b/c}",
      "{name: data, mountPath: /other, subPath: ./other/}",
      "{name: data, mountPath: /own, subPathExpr: named/$(NAME)}",
      "{name: host, mountPath: /one, subPath: file}",
      "{name: host, mountPath: /linked, subPath: link}",
    ],
    "    env: [{name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
  ),
  pod("absolute", "emptyDir: {}", "    env: [{name: WHERE, value: /etc}]", "mountPath: /data, subPathExpr: $(WHERE)"),
  pod("backsteps", "emptyDir: {}", "    env: [{name: WHERE, value: ../..}]", "mountPath: /data, subPathExpr: $(WHERE)"),
  pod("link-out", "hostPath: {path: /srv/host}", "", "mountPath: /data, subPath: out/apt"),
  pod("unset", "emptyDir: {}", "", "mountPath: /data, subPathExpr: $(ABSENT)"),
  pod("racer", "hostPath: {path: /srv/race, type: DirectoryOrCreate}").replace(
    "sleep 100000 & wait",
    "cd /data; while :; do rm -rf turn; mkdir turn; rm -rf turn; ln -s /etc turn; done",
  ),
  pod("possibly", "hostPath: {path: /srv/below}", "", "mountPath: /data, readOnly: true, recursiveReadOnly: IfPossible"),
  pod("below", "hostPath: {path: /srv/below}", "", "mountPath: /data, readOnly: true, recursiveReadOnly: Enabled"),
  several(
    "propagated",
    ["{name: shared, hostPath: {path: /srv/shared}}"],
    [
      "{name: shared, mountPath: /slave, mountPropagation: HostToContainer}",
      "{name: shared, mountPath: /private}",
      "{name: shared, mountPath: /both, mountPropagation: Bidirectional}",
    ],
    "    securityContext: {privileged: true}",
  ),
  pod("cinder", "cinder: {volumeID: x}"),
  ...["account", "account-off", "quiet", "quiet-on"].map((name) =>
    several(
      name,
      [],
      [],
      "",
      [
        name.startsWith("quiet") && "  serviceAccountName: quiet",
        name === "account-off" && "  automountServiceAccountToken: false",
        name === "quiet-on" && "  automountServiceAccountToken: true",
      ]
        .filter((line) => line)
        .join("\n"),
    ),
  ),
  several(
    "image",
    [`{name: data, image: {reference: "${content}", pullPolicy: Always}}`, `{name: box, image: {reference: "${busyboxImage}"}}`],
    ["{name: data, mountPath: /data}", "{name: data, mountPath: /part, subPath: site/sub}", "{name: box, mountPath: /box}"],
  ).replace("  volumes:", `${beside("side", "/same")}\n  volumes:`),
  pod("no-image", `image: {reference: "127.0.0.1:5000/content:absent"}`),
  pod("no-part", `image: {reference: "${content}"}`, "", "mountPath: /data, subPath: nowhere"),
  ...["modes", "modes-memory"].map((name) =>
    pod(name, `emptyDir: {${name === "modes" ? "" : "medium: Memory"}}`).replace(
      "  volumes:",
      `${beside("other", "/data", "securityContext: {runAsUser: 1001}")}\n  volumes:`,
    ),
  ),
  pod("joined", "projected: {sources: [{configMap: {name: joined}}, {secret: {name: guest, optional: true}}]}", "", "mountPath: /all"),
  several(
    "twice",
    [
      "{name: one, configMap: {name: settings}}",
      "{name: two, configMap: {name: settings, items: [{key: color, path: hue}]}}",
      "{name: three, secret: {secretName: keys}}",
      "{name: four, secret: {secretName: keys}}",
    ],
    ["one", "two", "three", "four"].map((name) => `{name: ${name}, mountPath: /${name}}`),
  ),
  several(
    "guided",
    ["{name: data, emptyDir: {}}"],
    ["{name: data, mountPath: /data, subPathExpr: $(WHERE)}", "{name: data, mountPath: /whole}"],
    `    env: [{name: WHERE, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['where']"}}}]`,
  ).replace("labels: {tier: back}", "labels: {tier: back}, annotations: {where: /etc}"),
].join("\n");
