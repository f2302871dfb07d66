// Time limit: 10 minutes.
// What a Pod's sandbox and containers are made of: identity and rights, namespaces, names, DNS, environment, commands, images.
// The Pods are made all at once; most of them print what they see and end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");
const address = "192.168.91.20";
const nobodyImage = "127.0.0.1:5000/nobody:1";
const commandImage = "127.0.0.1:5000/command:1";
const lockedImage = "127.0.0.1:5001/team/locked:1";

test("The form of Pods and containers", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-form"), address });
  const { machine, kubectl, tryKubectl, apply } = lab;
  await startRegistry(machine);
  await machine.sh(moreImages);
  await machine.sh("mkdir -p /var/lib/kubelet/seccomp/profiles && cat >/var/lib/kubelet/seccomp/profiles/no-mkdir.json", noMkdir);
  await kubectl([
    "create",
    "secret",
    "docker-registry",
    "wrong",
    "--docker-server=127.0.0.1:5001",
    "--docker-username=someone",
    "--docker-password=wrong",
  ]);
  await kubectl([
    "create",
    "secret",
    "docker-registry",
    "right",
    "--docker-server=127.0.0.1:5001/team",
    "--docker-username=someone",
    "--docker-password=sesame",
  ]);
  // The image is there before all the others ask for it.
  await kubectl(`run first --image=${busyboxImage} --restart=Never -- true`);
  await kubectl("wait --for=jsonpath={.status.phase}=Succeeded pod/first --timeout=60s");
  await apply(objects);

  /** What a Pod printed before it ended well. */
  const printed = async (pod: string, container = "main"): Promise<string> => {
    await eventually(`${pod} has ended`, 90, async () => {
      const phase = await kubectl(`get pod ${pod} -o jsonpath={.status.phase}`);
      if (phase === "Failed") throw new Error(`${pod} failed: ${await kubectl(`logs ${pod} -c ${container}`)}`);
      return phase === "Succeeded" ? true : undefined;
    });
    return kubectl(`logs ${pod} -c ${container}`);
  };
  const lines = async (pod: string) => (await printed(pod)).split("\n");
  /** The reason and message for which a Pod's container waits. */
  const waiting = (pod: string, reason: string) =>
    eventually(`${pod} waits with ${reason}`, 60, async () => {
      const [found, ...message] = (
        await kubectl(["get", "pod", pod, "-o", "jsonpath={range .status.containerStatuses[0].state.waiting}{.reason}|{.message}{end}"])
      ).split("|");
      return found === reason ? message.join("|") : undefined;
    });
  /** Messages of a Pod's events of this reason. */
  const events = (pod: string, reason: string) =>
    eventually(`${pod} has the event ${reason}`, 60, async () => {
      const query = `involvedObject.name=${pod},reason=${reason}`;
      const found = await kubectl(["get", "events", "--field-selector", query, "-o", "jsonpath={range .items[*]}{.message}{'\\n'}{end}"]);
      return found === "" ? undefined : found;
    });
  /** What the runtime says of itself. */
  const runtimeCan = async (feature: string) =>
    (await kubectl(`get nodes -o jsonpath={.items[0].status.runtimeHandlers[*].features.${feature}}`)).includes("true");
  const failed = (pod: string) =>
    eventually(`${pod} is Failed`, 60, async () => {
      const text = await kubectl(["get", "pod", pod, "-o", "jsonpath={.status.phase}|{.status.reason}|{.status.message}"]);
      return text.startsWith("Failed|") ? text.slice("Failed|".length) : undefined;
    });

  await context.test("NODE-100: runAsUser, runAsGroup and supplementalGroups, the container's own before the Pod's", async () => {
    assert.deepEqual(await lines("identity"), ["1000 2000 2000 4000"]);
    assert.equal(await printed("identity", "own"), "1001 2000");
    assert.equal(await printed("only-group"), "0 2000");
    assert.equal(await printed("of-image"), "65534");
  });

  await context.test("NODE-101: runAsNonRoot refuses root and users without a number, in upstream's words", async () => {
    const where = (pod: string) => String.raw`\(pod: "${pod}_default\([0-9a-f-]{36}\)", container: main\)`;
    assert.match(
      await waiting("non-root-image", "CreateContainerConfigError"),
      new RegExp(`^container has runAsNonRoot and image will run as root ${where("non-root-image")}$`),
    );
    assert.match(
      await waiting("non-root-name", "CreateContainerConfigError"),
      new RegExp(
        String.raw`^container has runAsNonRoot and image has non-numeric user \(nobody\), cannot verify user is non-root ${where("non-root-name")}$`,
      ),
    );
    assert.match(
      await waiting("non-root-user", "CreateContainerConfigError"),
      new RegExp(`^container's runAsUser breaks non-root policy ${where("non-root-user")}$`),
    );
  });

  await context.test("NODE-102: capabilities are added and dropped; a privileged container has them all", async () => {
    const [some, none, all] = await Promise.all(["capable", "incapable", "privileged"].map(lines));
    assert.equal(some?.[0], "0000000000001400", "NET_ADMIN (12) and NET_BIND_SERVICE (10)");
    assert.equal(none?.[0], "0000000000000000");
    assert.match(all?.[0] ?? "", /^0000[0-9a-f]*[1-9a-f][0-9a-f]{9}$/);
    assert.ok(BigInt(`0x${all?.[0]}`) > 2n ** 36n, all?.[0]);
  });

  await context.test("NODE-103: a read-only root, and no new privileges", async () => {
    assert.deepEqual(await lines("incapable"), ["0000000000000000", "1", "read-only"]);
    assert.deepEqual((await lines("capable")).slice(1), ["0", "writable"]);
  });

  await context.test("NODE-104: seccomp profiles: none, the runtime's, and one of the node's files", async () => {
    assert.deepEqual(await lines("seccomp"), ["0"]);
    assert.equal(await printed("seccomp", "default"), "2");
    assert.equal(await printed("seccomp", "local"), "2\nno folder");
    assert.equal(await printed("seccomp", "unconfined"), "0");
  });

  await context.test("NODE-105: what of /proc does not concern a container is hidden or read-only, but for a privileged one", async () => {
    assert.deepEqual(await lines("masked"), ["hidden", "read-only"]);
    assert.deepEqual((await lines("privileged")).slice(1), ["seen", "writable"]);
  });

  await context.test("NODE-106: safe sysctls are set; others are forbidden", async () => {
    assert.deepEqual(await lines("sysctls"), ["1024 65000", "1"]);
    assert.equal(await failed("unsafe"), 'SysctlForbidden|Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted');
    assert.match(await events("unsafe", "SysctlForbidden"), /forbidden sysctl: "kernel\.msgmax" not allowlisted/);
    const names = ["foo-", "kernel.shmmax", "bar.."].map((name) => `{name: ${JSON.stringify(name)}, value: "1"}`).join(", ");
    const wrong = pod("misnamed-sysctls", 'command: ["true"]', `securityContext: {sysctls: [${names}]}`).replace(/---$/, "");
    const { stderr } = await tryKubectl("apply -f -", { input: wrong });
    for (const [index, name] of ["foo-", "", "bar.."].entries())
      if (name !== "") assert.ok(stderr.includes(`spec.securityContext.sysctls[${index}].name: Invalid value: "${name}"`), stderr);
    assert.doesNotMatch(stderr, /kernel\.shmmax/);
  });

  await context.test("NODE-107: a Pod on the node's network, with its processes and its IPC", async () => {
    const [addresses, processes, ipc] = await lines("of-host");
    assert.match(addresses ?? "", new RegExp(address.replaceAll(".", "\\.")));
    assert.equal(processes, "containerd is seen");
    assert.equal(ipc, await machine.sh("readlink /proc/1/ns/ipc"));
    assert.equal(
      await kubectl("get pod of-host -o jsonpath={.status.podIP}"),
      await kubectl("get pod of-host -o jsonpath={.status.hostIP}"),
    );
    const own = await lines("masked-namespaces");
    assert.equal(own[0], "1");
    assert.notEqual(own[1], ipc);
  });

  await context.test("NODE-108: with shareProcessNamespace the containers see each other's processes", async () => {
    assert.match(await printed("sharing"), /sleep 4321/);
  });

  await context.test("NODE-109: user ids of its own, as files have them inside and outside; or a refusal", async () => {
    if (!(await runtimeCan("userNamespaces"))) {
      const refusal = /can't set `spec\.hostUsers: false`, runtime does not support user namespaces/;
      for (const name of ["own-users", "other-users"]) assert.match(await events(name, "FailedCreatePodSandBox"), refusal);
      return;
    }
    const starts: number[] = [];
    for (const name of ["own-users", "other-users"]) {
      const [map = "", ...seen] = await lines(name);
      const [inside, outside = 0, length] = map.trim().split(/ +/).map(Number);
      assert.deepEqual([inside, length], [0, 65_536]);
      starts.push(outside);
      assert.deepEqual(seen, ["0:4242 /data/file", "0:0 /etc/hosts", "open sesame", "the token is read"]);
      assert.equal(await printed(name, "writer"), "1000:4242 /data/written");
      assert.equal(await machine.sh("stat -c %u:%g /var/lib/kubelet/of-own-users/file"), "0:0");
      const message = "jsonpath={.status.containerStatuses[?(@.name=='main')].state.terminated.message}";
      assert.equal(await kubectl(["get", "pod", name, "-o", message]), "last words");
    }
    assert.ok(starts.every((start) => start >= 65_536 && start % 65_536 === 0) && starts[0] !== starts[1], String(starts));
  });

  await context.test("NODE-110: /etc/hosts is the kubelet's, with hostAliases, unless the Pod mounts its own", async () => {
    const hosts = await printed("names");
    assert.match(hosts, /^# Kubernetes-managed hosts file\.$/m);
    assert.match(hosts, /^192\.0\.2\.7\tfirst\tsecond$/m);
    assert.match(hosts, /^# Entries added by HostAliases\.$/m);
    const ip = await kubectl("get pod names -o jsonpath={.status.podIP}");
    assert.match(hosts, new RegExp(`^${ip}\talpha\\.sub\\.default\\.svc\\.cluster\\.local\talpha$`, "m"));
    assert.equal(await printed("names", "own-hosts"), "mine");
    assert.match(await printed("host-names"), /^# Kubernetes-managed hosts file \(host network\)\.$/m);
  });

  await context.test("NODE-111: the host name is the Pod's name, its hostname, or the full name if it is not too long", async () => {
    assert.deepEqual(await lines("identity-name"), ["identity-name"]);
    assert.deepEqual(await lines("full-name"), ["beta.sub.default.svc.cluster.local"]);
    assert.match(
      await events("long-name", "FailedCreatePodSandBox"),
      /failed to construct FQDN from pod hostname and cluster domain, FQDN b{50}\.sub\.default\.svc\.cluster\.local is too long \(64 characters is the max, 80 characters requested\)/,
    );
  });

  await context.test("NODE-112: dnsPolicy and dnsConfig decide about resolv.conf", async () => {
    const clusterDns = "10.96.0.10";
    assert.deepEqual(await lines("dns-none"), ["search one.example two.example", "nameserver 192.0.2.53", "options ndots:2 edns0"]);
    assert.match(await printed("dns-cluster"), new RegExp(`^search default\\.svc\\.cluster\\.local svc\\.cluster\\.local cluster\\.local`));
    assert.match(await printed("dns-cluster"), new RegExp(`^nameserver ${clusterDns}$`, "m"));
    assert.match(await printed("dns-cluster"), /^options ndots:5 timeout:3$/m);
    assert.doesNotMatch(await printed("dns-default"), new RegExp(clusterDns));
    assert.match(await printed("dns-host"), new RegExp(`^nameserver ${clusterDns}$`, "m"));
    assert.match(
      await events("dns-cluster", "DNSConfigForming"),
      /^Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10\.96\.0\.10 192\.0\.2\.1 192\.0\.2\.2$/m,
    );
  });

  await context.test("NODE-113: variables from values, fields, ConfigMaps and Secrets; optional ones may be missing", async () => {
    const found = Object.fromEntries((await lines("variables")).map((line) => line.split(/=(.*)/s).slice(0, 2)));
    const [ip, node] = await Promise.all(["podIP", "hostIP"].map((field) => kubectl(`get pod variables -o jsonpath={.status.${field}}`)));
    const uid = await kubectl("get pod variables -o jsonpath={.metadata.uid}");
    assert.equal(found["NAME"], "variables");
    assert.equal(found["NAMESPACE"], "default");
    assert.equal(found["UID_OF_POD"], uid);
    assert.equal(found["IP"], ip);
    assert.equal(found["IPS"], ip);
    assert.equal(found["NODE_IP"], node);
    assert.equal(found["NODE_IPS"], node);
    assert.equal(found["ACCOUNT"], "default");
    assert.equal(found["LABEL"], "back");
    assert.equal(found["ANNOTATION"], "noted");
    assert.equal(found["COLOUR"], "blue");
    assert.equal(found["WORD"], "open sesame");
    assert.equal(found["MISSING"], undefined);
  });

  await context.test("NODE-114: amounts by resourceFieldRef are divided and rounded up; without a limit they are the node's", async () => {
    const found = await printed("variables");
    for (const line of ["CPU_LIMIT=1", "CPU_LIMIT_MILLI=250", "MEMORY_LIMIT=64", "MEMORY_REQUEST=33554432", "DISK_REQUEST=1"])
      assert.match(found, new RegExp(`^${line}$`, "m"));
    const allocatable = await kubectl("get nodes -o jsonpath={.items[0].status.allocatable.cpu}");
    assert.equal(await printed("variables", "unlimited"), String(Math.ceil(Number.parseFloat(allocatable))));
  });

  await context.test("NODE-115: envFrom with any prefix", async () => {
    const found = await printed("variables");
    assert.match(found, /^-prefix\.colour=blue$/m);
    assert.match(found, /^SECRET_word=open sesame$/m);
  });

  await context.test("NODE-116: a variable out of a file that an init container wrote", async () => {
    assert.deepEqual(await lines("from-file"), ["of the file", "two", "lines", "unset"]);
    assert.match(await waiting("from-link", "CreateContainerConfigError"), /^couldn't parse env file/);
  });

  await context.test("NODE-117: $(NAME) in commands, arguments and values", async () => {
    assert.deepEqual(await lines("expanded"), ["one and two", "$(UNKNOWN)", "$(A)", "service 10.96.0.1"]);
  });

  await context.test("NODE-118: Services of the namespace are variables, unless enableServiceLinks is off", async () => {
    const linked = await printed("linked");
    const ip = await kubectl("get service data-base -o jsonpath={.spec.clusterIP}");
    for (const line of [
      `DATA_BASE_SERVICE_HOST=${ip}`,
      "DATA_BASE_SERVICE_PORT=5432",
      "DATA_BASE_SERVICE_PORT_SQL=5432",
      `DATA_BASE_PORT=tcp://${ip}:5432`,
      `DATA_BASE_PORT_5432_TCP=tcp://${ip}:5432`,
      "DATA_BASE_PORT_5432_TCP_PROTO=tcp",
      "DATA_BASE_PORT_5432_TCP_PORT=5432",
      `DATA_BASE_PORT_5432_TCP_ADDR=${ip}`,
      "KUBERNETES_SERVICE_HOST=10.96.0.1",
    ])
      assert.ok(linked.split("\n").includes(line), line);
    const unlinked = await printed("unlinked");
    assert.doesNotMatch(unlinked, /DATA_BASE/);
    assert.match(unlinked, /^KUBERNETES_SERVICE_HOST=10\.96\.0\.1$/m);
  });

  await context.test("NODE-119: command and args stand for the image's entry point and command", async () => {
    assert.equal(await printed("as-image"), "entry of-image");
    assert.equal(await printed("other-args"), "entry given");
    assert.equal(await printed("other-command"), "instead");
    assert.equal(await printed("other-both"), "both given");
    assert.equal(await printed("working"), "/tmp");
  });

  await context.test("NODE-120: pull policies, and what is said when an image cannot be had", async () => {
    assert.equal(
      await waiting("never-pulled", "ErrImageNeverPull"),
      'Container image "127.0.0.1:5000/absent:1" is not present with pull policy of Never',
    );
    assert.match(
      await waiting("misnamed", "InvalidImageName"),
      /^Failed to apply default image tag "Not An Image": couldn't parse image name "Not An Image": invalid reference format/,
    );
    assert.match(
      await waiting("absent", "ImagePullBackOff"),
      /^Back-off pulling image "127\.0\.0\.1:5000\/absent:1": ErrImagePull: rpc error: code = NotFound desc = /,
    );
    assert.match(await events("absent", "Failed"), /^Failed to pull image "127\.0\.0\.1:5000\/absent:1": rpc error: code = NotFound/m);
    assert.match(await events("absent", "Failed"), /^Error: ErrImagePull$/m);
    assert.match(await events("always", "Pulled"), /^Successfully pulled image "127\.0\.0\.1:5000\/busybox:1" in [\d.]+m?s \(/m);
    await kubectl(`run as-needed --image=${busyboxImage} --image-pull-policy=IfNotPresent --restart=Never -- true`);
    assert.match(
      await events("as-needed", "Pulled"),
      /^Container image "127\.0\.0\.1:5000\/busybox:1" already present on machine and can be accessed by the pod$/m,
    );
  });

  await context.test("NODE-121: imagePullSecrets open a registry; each that fits is tried, missing ones are named", async () => {
    assert.equal(await printed("unlocked"), "it is open");
    assert.match(
      await events("unlocked", "FailedToRetrieveImagePullSecret"),
      /^Unable to retrieve some image pull secrets \(none\); attempting to pull the image may not succeed\.$/m,
    );
    assert.match(await waiting("locked-out", "ImagePullBackOff"), /authorization failed|401|Unauthorized|no basic auth/i);
  });

  await context.test("NODE-125: an image that was pulled with a secret is not for Pods without one", async () => {
    await apply(
      pod("uninvited", `command: ["true"]`, "", lockedImage) +
        pod("offline", `command: ["true"]`, "", lockedImage).replace("IfNotPresent", "Never"),
    );
    assert.match(await waiting("uninvited", "ImagePullBackOff"), /authorization failed|401|Unauthorized|no basic auth|pull access denied/i);
    assert.equal(
      await waiting("offline", "ErrImageNeverPull"),
      `Container image "${lockedImage}" is present with pull policy of Never but does not have the proper credentials to access the image`,
    );
    await apply(pod("invited", sh("echo come in"), "imagePullSecrets: [{name: right}]", lockedImage));
    assert.equal(await printed("invited"), "come in");
  });

  await context.test("NODE-122: what a container needs and does not find is told until it is there", async () => {
    assert.equal(await waiting("needy", "CreateContainerConfigError"), 'configmap "absent" not found');
    assert.equal(await waiting("needy-key", "CreateContainerConfigError"), "couldn't find key absent in ConfigMap default/settings");
    assert.equal(await waiting("needy-secret", "CreateContainerConfigError"), 'secret "absent" not found');
    await kubectl("create configmap absent --from-literal=key=found");
    assert.equal(await printed("needy"), "found");
  });

  await context.test("NODE-126: what this machine cannot keep is refused", async () => {
    const canBeStrict = (await kubectl("get nodes -o jsonpath={.items[0].status.features.supplementalGroupsPolicy}")) === "true";
    if (canBeStrict) assert.equal(await printed("strict"), "4242");
    else
      assert.equal(
        await failed("strict"),
        "SupplementalGroupsPolicyNotSupported|Pod was rejected: SupplementalGroupsPolicy=Strict is not supported in this node",
      );
    assert.equal(await failed("foreign"), "PodOSNotSupported|Pod was rejected: Failed to admit pod as the OS field doesn't match node OS");
    if ((await machine.sh("cat /sys/module/apparmor/parameters/enabled 2>/dev/null || echo N")) === "N")
      assert.equal(await failed("confined"), "AppArmor|Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host");
  });

  await context.test("NODE-123: a RuntimeClass that does not exist is refused; one the runtime does not know is told", async () => {
    const manifest = pod("classless", 'command: ["true"]', "runtimeClassName: absent").replace(/---$/, "");
    const { code, stderr } = await tryKubectl("apply -f -", { input: manifest });
    assert.notEqual(code, 0);
    assert.match(stderr, /pods "classless" is forbidden: pod rejected: RuntimeClass "absent" not found/);
    assert.match(await events("unknown-handler", "FailedCreatePodSandBox"), /no runtime for "imaginary" is configured/);
    assert.equal(await kubectl("get runtimeclass plain --no-headers -o custom-columns=:handler"), "runc");
  });

  await context.test("NODE-124: a RuntimeClass gives its handler, overhead, labels and tolerations", async () => {
    assert.equal(await printed("classy"), "of a class");
    const given = await kubectl([
      "get",
      "pod",
      "classy",
      "-o",
      "jsonpath={.spec.overhead.memory}|{.spec.nodeSelector}|{.spec.tolerations[?(@.key=='class')].operator}",
    ]);
    assert.equal(given, '16Mi|{"kubernetes.io/os":"linux"}|Exists');
    const { stderr } = await tryKubectl("apply -f -", {
      input: pod("cheap", 'command: ["true"]', "runtimeClassName: plain\n  overhead: {memory: 1Mi}").replace(/---$/, ""),
    });
    assert.match(stderr, /pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead/);
  });

  await context.test("NODE-127: Leases, RuntimeClasses, PodTemplates and Nodes are made, listed, changed and removed", async () => {
    await apply(kinds);
    const rows = async (what: string) => (await kubectl(`get ${what} --no-headers`)).replace(/ +/g, " ");
    assert.match(await rows("lease kept"), /^kept somebody /);
    assert.match(await rows("runtimeclass spare"), /^spare runc /);
    assert.equal(await rows("podtemplate form"), "form main,side x:1,z app=form");
    assert.match(await rows("node nowhere"), /^nowhere (Unknown|NotReady)/);
    const template = JSON.parse(await kubectl("get podtemplate form -o json"));
    assert.equal(template.template.spec.containers[1].imagePullPolicy, "Always");
    assert.equal(template.metadata.generation, 1);
    const own = ["lease/kept", "runtimeclass/spare", "podtemplate/form", "node/nowhere"];
    for (const what of own) {
      await kubectl(`label ${what} seen=yes`);
      assert.match(await kubectl(`get ${what.split("/")[0]} -l seen=yes -o name`), new RegExp(`${what.split("/")[1]}$`));
    }
    await kubectl(["patch", "lease", "kept", "--type=merge", "-p", '{"spec":{"holderIdentity":"another"}}']);
    assert.match(await rows("lease kept"), /^kept another /);
    const refused = async (what: string, patch: string) =>
      (await tryKubectl(["patch", ...what.split("/"), "--type=merge", "-p", patch])).stderr;
    assert.match(await refused("runtimeclass/spare", '{"handler":"other"}'), /handler: Invalid value: "other": field is immutable/);
    assert.match(
      await refused("podtemplate/form", '{"template":{"spec":{"containers":[]}}}'),
      /template\.spec\.containers: Required value/,
    );
    await kubectl(["patch", "podtemplate", "form", "-p", '{"template":{"spec":{"containers":[{"name":"main","image":"x:2"}]}}}']);
    assert.equal(await rows("podtemplate form"), "form main,side x:2,z app=form");
    assert.equal(await kubectl("get podtemplate form -o jsonpath={.metadata.generation}"), "2");
    await kubectl(["patch", "node", "nowhere", "-p", '{"spec":{"unschedulable":true}}']);
    assert.match(await rows("node nowhere"), /SchedulingDisabled/);
    await kubectl(`delete ${own.join(" ")}`);
    for (const what of own) assert.match((await tryKubectl(`get ${what}`)).stderr, /not found/);
  });
});

const kinds = `
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: kept}
spec: {holderIdentity: somebody, leaseDurationSeconds: 30, leaseTransitions: 0}
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: spare}
handler: runc
---
apiVersion: v1
kind: PodTemplate
metadata: {name: form}
template:
  metadata: {labels: {app: form}}
  spec: {containers: [{name: main, image: "x:1"}, {name: side, image: z}]}
---
apiVersion: v1
kind: Node
metadata: {name: nowhere}
`;

const pod = (name: string, container: string, more = "", image = busyboxImage) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {tier: back}, annotations: {note: noted}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: "${image}", imagePullPolicy: IfNotPresent, ${container}}
  ${more}
---`;

const sh = (script: string) => `command: [sh, -c, ${JSON.stringify(script)}]`;
const beside = (name: string, container: string) =>
  `- {name: ${name}, image: "${busyboxImage}", imagePullPolicy: IfNotPresent, ${container}}`;
const status = (field: string) => `grep ^${field}: /proc/self/status | cut -f2`;
const masks = `test -c /proc/interrupts && echo hidden || echo seen; grep -q "^proc /proc/sys proc ro" /proc/mounts && echo read-only || echo writable`;
const rights = `${status("CapEff")}; ${status("NoNewPrivs")}; (touch /file && echo writable) 2>/dev/null || echo read-only`;
const resolv = `grep -E '^(search|nameserver|options)' /etc/resolv.conf`;

const noMkdir = JSON.stringify({
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 1 }],
});

const moreImages = `
cd /var/lib/test-registry
push() { skopeo --insecure-policy copy -q --dest-tls-verify=false "$@"; }
umoci unpack --image oci:base with-nobody
echo 'nobody:x:65534:65534::/:/bin/sh' >>with-nobody/rootfs/etc/passwd
umoci repack --image oci:nobody with-nobody
umoci config --image oci:nobody --config.user nobody
umoci config --image oci:base --tag command --config.entrypoint echo --config.entrypoint entry --config.cmd of-image
push oci:oci:nobody docker://${nobodyImage}
push oci:oci:command docker://${commandImage}
echo 'someone:$2b$12$ZjSZgQcOUJpOcABwZHU5zehdubeHBp63xmi0xsNLauD7gcaQEYmuu' >passwords
cat >locked.yml <<END
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: /var/lib/test-registry/locked}}
http: {addr: 127.0.0.1:5001}
auth: {htpasswd: {realm: locked, path: /var/lib/test-registry/passwords}}
END
setsid docker-registry serve locked.yml >locked-log 2>&1 </dev/null &
for count in $(seq 100); do curl -s http://127.0.0.1:5001/v2/ >/dev/null && break; sleep 0.1; done
# What anybody can pull under another name is nobody's secret: it has to be an image of its own.
umoci config --image oci:base --tag locked --config.label locked=yes
push --dest-creds someone:sesame oci:oci:locked docker://${lockedImage}
`;

const usersMounts = "[{name: data, mountPath: /data}, {name: words, mountPath: /words}, {name: node, mountPath: /node}]";
const usersScript = `head -1 /proc/self/uid_map; touch /data/file /node/file; stat -c '%u:%g %n' /data/file /etc/hosts
cat /words/word; echo; test -s /var/run/secrets/kubernetes.io/serviceaccount/token && echo the token is read; echo -n last words >/dev/termination-log`;
const usersMore = `${beside("writer", `volumeMounts: ${usersMounts}, securityContext: {runAsUser: 1000}, ${sh("touch /data/written; stat -c '%u:%g %n' /data/written")}`)}
  hostUsers: false
  securityContext: {fsGroup: 4242}
  volumes: [{name: data, emptyDir: {}}, {name: words, secret: {secretName: words}}, {name: node, hostPath: {path: /var/lib/kubelet/of-own-users, type: DirectoryOrCreate}}]`;

const objects = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue, hosts: mine}
---
apiVersion: v1
kind: Secret
metadata: {name: words}
stringData: {word: open sesame}
---
apiVersion: v1
kind: Service
metadata: {name: data-base}
spec: {selector: {app: none}, ports: [{name: sql, port: 5432}]}
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: plain}
handler: runc
overhead: {podFixed: {memory: 16Mi}}
scheduling: {nodeSelector: {kubernetes.io/os: linux}, tolerations: [{key: class, operator: Exists}]}
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: imaginary}
handler: imaginary
---
${pod(
  "identity",
  sh("echo $(id -u) $(id -g) $(id -G)"),
  `${beside("own", `securityContext: {runAsUser: 1001}, ${sh("echo $(id -u) $(id -g)")}`)}
  securityContext: {runAsUser: 1000, runAsGroup: 2000, supplementalGroups: [4000]}`,
)}
${pod("only-group", `securityContext: {runAsGroup: 2000}, ${sh("echo $(id -u) $(id -g)")}`)}
${pod("of-image", sh("id -u"), "", nobodyImage)}
${pod("non-root-image", `securityContext: {runAsNonRoot: true}, command: ["true"]`)}
${pod("non-root-name", `command: ["true"]`, "securityContext: {runAsNonRoot: true}", nobodyImage)}
${pod("non-root-user", `command: ["true"]`, "securityContext: {runAsNonRoot: true, runAsUser: 0}")}
${pod("capable", `securityContext: {capabilities: {drop: [ALL], add: [NET_ADMIN, NET_BIND_SERVICE]}}, ${sh(rights)}`)}
${pod(
  "incapable",
  `securityContext: {capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false}, ${sh(rights)}`,
)}
${pod("privileged", `securityContext: {privileged: true}, ${sh(`${status("CapEff")}; ${masks}`)}`)}
${pod("masked", sh(masks))}
${pod("masked-namespaces", sh("echo $$$$; readlink /proc/self/ns/ipc"))}
${pod(
  "seccomp",
  sh(status("Seccomp")),
  [
    beside("default", `securityContext: {seccompProfile: {type: RuntimeDefault}}, ${sh(status("Seccomp"))}`),
    beside(
      "local",
      `securityContext: {seccompProfile: {type: Localhost, localhostProfile: profiles/no-mkdir.json}}, ${sh(`${status("Seccomp")}; mkdir /folder 2>/dev/null || echo no folder`)}`,
    ),
    beside("unconfined", `securityContext: {seccompProfile: {type: Unconfined}}, ${sh(status("Seccomp"))}`),
  ].join("\n  "),
)}
${pod(
  "sysctls",
  sh("tr '\\t' ' ' </proc/sys/net/ipv4/ip_local_port_range; cat /proc/sys/kernel/shm_rmid_forced"),
  `securityContext: {sysctls: [{name: net.ipv4.ip_local_port_range, value: "1024 65000"}, {name: kernel/shm_rmid_forced, value: "1"}]}`,
)}
${pod("unsafe", `command: ["true"]`, `securityContext: {sysctls: [{name: kernel.msgmax, value: "65536"}]}`)}
${pod(
  "of-host",
  sh(
    "echo $(ip -4 -o address | tr -s ' ' | cut -d' ' -f4); ps | grep -q '[c]ontainerd' && echo containerd is seen; readlink /proc/self/ns/ipc",
  ),
  "hostNetwork: true\n  hostPID: true\n  hostIPC: true",
)}
${pod("sharing", sh("for count in $(seq 30); do ps | grep '[s]leep 4321' && break; sleep 0.5; done"), `${beside("other", sh("timeout 15 sleep 4321; exit 0"))}\n  shareProcessNamespace: true`)}
${["own-users", "other-users"].map((name) => pod(name, `volumeMounts: ${usersMounts}, ${sh(usersScript)}`, usersMore)).join("")}
${pod(
  "names",
  sh("cat /etc/hosts"),
  `${beside("own-hosts", `volumeMounts: [{name: settings, mountPath: /etc/hosts, subPath: hosts}], ${sh("cat /etc/hosts")}`)}
  hostname: alpha
  subdomain: sub
  hostAliases: [{ip: 192.0.2.7, hostnames: [first, second]}]
  volumes: [{name: settings, configMap: {name: settings}}]`,
)}
${pod("host-names", sh("cat /etc/hosts"), "hostNetwork: true")}
${pod("identity-name", sh("hostname"))}
${pod("full-name", sh("hostname"), "hostname: beta\n  subdomain: sub\n  setHostnameAsFQDN: true")}
${pod("long-name", sh("hostname"), `hostname: ${"b".repeat(50)}\n  subdomain: sub\n  setHostnameAsFQDN: true`)}
${pod(
  "dns-none",
  sh(resolv),
  "dnsPolicy: None\n  dnsConfig: {nameservers: [192.0.2.53], searches: [one.example, two.example], options: [{name: ndots, value: '2'}, {name: edns0}]}",
)}
${pod("dns-cluster", sh(resolv), "dnsConfig: {nameservers: [192.0.2.1, 192.0.2.2, 192.0.2.3], options: [{name: timeout, value: '3'}]}")}
${pod("dns-default", sh("cat /etc/resolv.conf"), "dnsPolicy: Default")}
${pod("dns-host", sh(resolv), "hostNetwork: true\n  dnsPolicy: ClusterFirstWithHostNet")}
apiVersion: v1
kind: Pod
metadata: {name: variables, labels: {tier: back}, annotations: {example.com/note: noted}}
spec:
  restartPolicy: Never
  containers:
  - name: main
    image: ${busyboxImage}
    imagePullPolicy: IfNotPresent
    command: [env]
    resources: {limits: {cpu: 250m, memory: 64Mi}, requests: {memory: 32Mi, ephemeral-storage: 100Mi}}
    envFrom:
    - {prefix: -prefix., configMapRef: {name: settings}}
    - {prefix: SECRET_, secretRef: {name: words}}
    - {configMapRef: {name: nowhere, optional: true}}
    env:
    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
    - {name: UID_OF_POD, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: IPS, valueFrom: {fieldRef: {fieldPath: status.podIPs}}}
    - {name: NODE_IP, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}
    - {name: NODE_IPS, valueFrom: {fieldRef: {fieldPath: status.hostIPs}}}
    - {name: ACCOUNT, valueFrom: {fieldRef: {fieldPath: spec.serviceAccountName}}}
    - {name: LABEL, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"}}}
    - {name: ANNOTATION, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['example.com/note']"}}}
    - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
    - {name: WORD, valueFrom: {secretKeyRef: {name: words, key: word}}}
    - {name: MISSING, valueFrom: {configMapKeyRef: {name: nowhere, key: x, optional: true}}}
    - {name: CPU_LIMIT, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
    - {name: CPU_LIMIT_MILLI, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}
    - {name: MEMORY_LIMIT, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}
    - {name: MEMORY_REQUEST, valueFrom: {resourceFieldRef: {resource: requests.memory}}}
    - {name: DISK_REQUEST, valueFrom: {resourceFieldRef: {resource: requests.ephemeral-storage, divisor: 1Gi}}}
  ${beside("unlimited", `env: [{name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}], ${sh("echo $CPU")}`)}
---
${["from-file", "from-link"]
  .map((name) =>
    pod(
      name,
      `env: [${["A", "B", "C"].map((key) => `{name: ${key}, valueFrom: {fileKeyRef: {volumeName: files, path: a.env, key: ${key}, optional: ${key === "C"}}}}`).join(", ")}], ${sh('echo "$A"; echo "$B"; echo "${C-unset}"')}`,
      `initContainers:
  ${beside(
    "writer",
    `volumeMounts: [{name: files, mountPath: /data}], ${sh(
      name === "from-file"
        ? "printf \"# settings\\nA='of the file'\\nB='two\\nlines' # both\\n\" >/data/a.env"
        : "ln -s /etc/passwd /data/a.env",
    )}`,
  )}
  volumes: [{name: files, emptyDir: {}}]`,
    ),
  )
  .join("\n")}
${pod(
  "expanded",
  `env: [{name: A, value: one}, {name: B, value: two}, {name: BOTH, value: "$(A) and $(B)"}], command: [printf, "%s\\\\n", "$(BOTH)", "$(UNKNOWN)"], args: ["$$(A)", "service $(KUBERNETES_SERVICE_HOST)"]`,
)}
${pod("linked", "command: [env]")}
${pod("unlinked", "command: [env]", "enableServiceLinks: false")}
${pod("as-image", "stdin: false", "", commandImage)}
${pod("other-args", "args: [given]", "", commandImage)}
${pod("other-command", "command: [echo, instead]", "", commandImage)}
${pod("other-both", "command: [echo, both], args: [given]", "", commandImage)}
${pod("working", "workingDir: /tmp, command: [pwd]")}
${pod("absent", `command: ["true"]`, "", "127.0.0.1:5000/absent:1")}
${pod("misnamed", `command: ["true"]`, "", "Not An Image")}
${pod("never-pulled", `command: ["true"]`, "", "127.0.0.1:5000/absent:1").replace("IfNotPresent", "Never")}
${pod("always", `command: ["true"]`).replace("IfNotPresent", "Always")}
${pod("unlocked", sh("echo it is open"), "imagePullSecrets: [{name: none}, {name: wrong}, {name: right}]", lockedImage)}
${pod("locked-out", `command: ["true"]`, "imagePullSecrets: [{name: wrong}]", lockedImage).replace("IfNotPresent", "Always")}
${pod("needy", `env: [{name: KEY, valueFrom: {configMapKeyRef: {name: absent, key: key}}}], ${sh("echo $KEY")}`)}
${pod("needy-key", `env: [{name: KEY, valueFrom: {configMapKeyRef: {name: settings, key: absent}}}], command: ["true"]`)}
${pod("needy-secret", `envFrom: [{secretRef: {name: absent}}], command: ["true"]`)}
${pod("unknown-handler", `command: ["true"]`, "runtimeClassName: imaginary")}
${pod("strict", sh("id -G | tr ' ' '\\n' | grep -v '^0$'"), "securityContext: {supplementalGroupsPolicy: Strict, supplementalGroups: [4242]}")}
${pod("foreign", `command: ["true"]`, "os: {name: windows}")}
${pod("confined", `securityContext: {appArmorProfile: {type: RuntimeDefault}}, command: ["true"]`)}
${pod("classy", sh("echo of a class"), "runtimeClassName: plain")}
`;
