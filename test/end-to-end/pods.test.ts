// Time limit: 15 minutes.
// What a Pod is given and what becomes of it, seen with the real kubectl in real containers, on one node made for this file.
// The Pods are made all at once and each looked at in a test of its own, so that their waiting times pass together.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findKubectl } from "../support/kubectl.ts";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import {
  askFromPod,
  busyboxImage,
  nodeFor,
  nodePrograms,
  registryPrograms,
  startBox,
  startRegistry,
  untilTold,
} from "../support/lab-node.ts";

/** Older ones ask for a debugging container in words of their own. */
const client = findKubectl();
const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl", "script");
const address = "192.168.81.20";

test("Pods on one node", { skip, timeout: 14 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-pods"), address });
  const { machine, kubectl, tryKubectl, apply, script } = lab;
  await startRegistry(machine);
  await startBox(lab, "box");
  const made = await apply(objects);
  assert.equal(
    made
      .split("\n")
      .filter((line) => !line.endsWith(" created"))
      .join("\n"),
    "",
  );
  const ready = (pod: string) => kubectl(`wait --for=condition=Ready pod/${pod} --timeout=60s`);
  const inPod = (pod: string, text: string) => kubectl(["exec", pod, "--", "sh", "-c", text]);
  const shown = async (pod: string) => (await kubectl(`get pod ${pod} --no-headers`)).split(/ {2,}/);
  /** Waits until the third column of `kubectl get pods` says so. */
  const untilShown = (pod: string, status: string, seconds = 60) =>
    eventually(`Pod ${pod} is shown as ${status}`, seconds, async () => {
      const row = await shown(pod);
      return row[2] === status ? row : undefined;
    });
  const terminated = async (pod: string, field: string) =>
    kubectl(["get", "pod", pod, "-o", `jsonpath={.status.containerStatuses[0].state.terminated.${field}}`]);

  await context.test("the environment: settings, secrets, the Pod's own fields, limits and what is put together of these", async () => {
    await ready("whole");
    const podIP = await kubectl("get pod whole -o jsonpath={.status.podIP}");
    const nodeName = await kubectl("get pod whole -o jsonpath={.spec.nodeName}");
    assert.equal(
      await inPod("whole", 'echo "$COLOR,$WORD,$POD,$IP,$NODE,$LIMIT,$BOTH,$ALL_color,$LABEL"'),
      `blue,open sesame,whole,${podIP},${nodeName},64,whole is blue,blue,back`,
    );
    assert.equal(await inPod("whole", "hostname"), "whole");
    assert.match(await inPod("whole", "echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT"), /^10\.96\.0\.1:443$/);
  });

  await context.test(
    "volumes: settings, secrets, labels, one folder for two containers and the init containers before them, in order",
    async () => {
      assert.equal(await inPod("whole", "cat /shared/order"), "first\nsecond\nmain");
      assert.equal(await inPod("whole", "cat /shared/side"), "from the side");
      assert.equal(await inPod("whole", "cat /settings/file.txt"), "one");
      assert.equal(await inPod("whole", "cat /one-file"), "one");
      assert.equal(await inPod("whole", "cat /secret/word; stat -L -c %a /secret/word"), "open sesame400");
      assert.match(await inPod("whole", "cat /about/labels"), /^tier="back"$/m);
      assert.notEqual((await tryKubectl(["exec", "whole", "--", "sh", "-c", "echo x >/settings/file.txt"])).code, 0);
      assert.match(await inPod("whole", "grep whole /etc/hosts; cat /etc/resolv.conf"), /^search default\.svc\.cluster\.local /m);
    },
  );

  await context.test("a changed ConfigMap is seen in the volume, and not in the environment", async () => {
    await kubectl(["patch", "configmap", "settings", "-p", '{"data":{"file.txt":"two","color":"red"}}']);
    await eventually("the new file", 100, async () => ((await inPod("whole", "cat /settings/file.txt")) === "two" ? true : undefined));
    assert.equal(await inPod("whole", "cat /settings/color; echo; echo $COLOR; cat /one-file"), "red\nblue\none");
  });

  await context.test("hostPort, and a Service without an address", async () => {
    assert.equal(await machine.sh(`curl -sS --max-time 5 http://${address}:18080/`), "from the side");
    assert.equal(await askFromPod(lab, "box", `http://${address}:18080/`), "from the side");
    assert.equal(await askFromPod(lab, "box", "http://headless:8080/"), "from the side");
    const podIP = await kubectl("get pod whole -o jsonpath={.status.podIP}");
    assert.match(await kubectl("exec box -- nslookup headless.default.svc.cluster.local"), new RegExp(`Address.*${podIP}`));
  });

  await context.test("a Pod calls the API by its name with its own token, and may what its account may", async () => {
    await untilShown("caller", "Completed");
    assert.equal(await kubectl("logs caller"), "200 403 system:serviceaccount:default:reader");
  });

  await context.test("what ends stays ended, or not, as restartPolicy says", async () => {
    assert.deepEqual((await untilShown("done", "Completed")).slice(1, 4), ["0/1", "Completed", "0"]);
    assert.equal(await kubectl("get pod done -o jsonpath={.status.phase}"), "Succeeded");
    assert.deepEqual((await untilShown("failing", "Error")).slice(1, 4), ["0/1", "Error", "0"]);
    assert.equal(await kubectl("get pod failing -o jsonpath={.status.phase}"), "Failed");
    assert.deepEqual([await terminated("failing", "exitCode"), await terminated("failing", "message")], ["3", "the reason why"]);
    const again = await untilShown("again", "Completed");
    assert.match(again[3] ?? "", /^1( |$)/);
    assert.equal(await kubectl("logs again --previous"), "run 1");
    assert.equal(await kubectl("logs again"), "run 2");
  });

  await context.test("more memory than the limit: OOMKilled, 137", async () => {
    await untilShown("hungry", "OOMKilled");
    assert.equal(await terminated("hungry", "exitCode"), "137");
  });

  await context.test("a container that cannot be kept running: CrashLoopBackOff", async () => {
    const row = await untilShown("crashing", "CrashLoopBackOff");
    assert.match(row[3] ?? "", /^[1-9]\d* \(\d+s ago\)$/);
    assert.match(
      await kubectl("describe pod crashing"),
      /Warning +BackOff .*Back-off restarting failed container main in pod crashing_default\([0-9a-f-]{36}\)/,
    );
    assert.match(
      await kubectl("get pod crashing -o jsonpath={.status.containerStatuses[0].state.waiting.message}"),
      /^back-off \d+s restarting failed container=main pod=crashing_default\([0-9a-f-]{36}\)$/,
    );
  });

  await context.test("a liveness probe that fails: Unhealthy, Killing, a restart", async () => {
    await eventually("a restart", 60, async () =>
      Number(await kubectl("get pod unwell -o jsonpath={.status.containerStatuses[0].restartCount}")) > 0 ? true : undefined,
    );
    const described = await kubectl("describe pod unwell");
    assert.match(described, /Warning +Unhealthy .*Liveness probe failed: cat: can't open '\/tmp\/well': No such file or directory/);
    assert.match(described, /Normal +Killing .*Container main failed liveness probe, will be restarted/);
  });

  await context.test("a readiness probe that fails: Running, not Ready, and no requests", async () => {
    await eventually("the probe has failed", 60, async () =>
      /Warning +Unhealthy .*Readiness probe failed: HTTP probe failed with statuscode: 404/.test(await kubectl("describe pod unready"))
        ? true
        : undefined,
    );
    assert.deepEqual((await shown("unready")).slice(1, 3), ["0/1", "Running"]);
    assert.equal(
      await kubectl([
        "get",
        "endpointslices",
        "-l",
        "kubernetes.io/service-name=unready",
        "-o",
        "jsonpath={.items[*].endpoints[*].conditions.ready}",
      ]),
      "false",
    );
    await inPod("unready", "echo >/www/ready");
    await ready("unready");
    await eventually("requests arrive", 20, async () =>
      (await tryKubectl("exec box -- timeout 2 wget -q -O- http://unready/ready")).code === 0 ? true : undefined,
    );
  });

  await context.test("what cannot be started says why", async () => {
    await untilShown("unset", "CreateContainerConfigError");
    assert.match(await kubectl("describe pod unset"), /Warning +Failed .*Error: configmap "absent" not found/);
    await untilShown("unmounted", "ContainerCreating");
    await eventually("FailedMount", 30, async () =>
      /Warning +FailedMount .*MountVolume.SetUp failed for volume "absent" : configmap "absent" not found/.test(
        await kubectl("describe pod unmounted"),
      )
        ? true
        : undefined,
    );
    await untilShown("misspelt", "InvalidImageName");
    await eventually("the program is not found", 30, async () =>
      /executable file not found/.test(await kubectl("describe pod no-program")) ? true : undefined,
    );
    assert.equal((await shown("large"))[2], "Pending");
    assert.match(await kubectl("describe pod large"), /Warning +FailedScheduling .*0\/1 nodes are available: 1 Insufficient cpu\./);
    await kubectl("create configmap absent --from-literal=key=value");
    await ready("unset");
    await eventually("the volume is there", 150, async () => ((await shown("unmounted"))[2] === "Running" ? true : undefined));
  });

  await context.test("an init container that fails, an image that may not be pulled, a time that is over: each says so", async () => {
    await untilShown("uninitialised", "Init:CrashLoopBackOff");
    await untilShown("unpulled", "ErrImageNeverPull");
    await eventually("the deadline is over", 30, async () =>
      (await kubectl("get pod brief -o jsonpath={.status.phase},{.status.reason}")) === "Failed,DeadlineExceeded" ? true : undefined,
    );
  });

  await context.test("names of its own, processes seen by all its containers, a folder in memory with a limit", async () => {
    await ready("named");
    assert.equal(await inPod("named", "hostname; hostname -f"), "alpha\nalpha.headless.default.svc.cluster.local");
    assert.match(await inPod("named", "cat /etc/hosts"), /^192\.0\.2\.1\tsomewhere$/m);
    assert.match(await inPod("named", "ps"), /sleep 1111/, "the other container's process");
    assert.match(await inPod("named", "df -k /memory | tail -n 1"), /^tmpfs +8192 /);
    assert.notEqual((await tryKubectl("exec named -- dd if=/dev/zero of=/memory/file bs=1M count=9")).code, 0);
  });

  await context.test("who a container is, and what it may", async () => {
    await ready("modest");
    assert.equal(
      await inPod("modest", "id -u; id -g; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/1/status | cut -f2"),
      "1000\n2000\n0000000000000000\n1\n2",
    );
    assert.notEqual((await tryKubectl("exec modest -- touch /file")).code, 0);
    assert.equal(await inPod("modest", "touch /data/file && stat -c %g /data/file"), "3000");
  });

  await context.test("a container beside the others starts before them and does not keep the Pod from completing", async () => {
    await untilShown("accompanied", "Completed");
    assert.equal(await kubectl("logs accompanied -c main"), "the companion was first");
  });

  await context.test("kubectl attach, run -it", async () => {
    await ready("echoing");
    const attached = await script(`(echo hello; sleep 1) | timeout 20 kubectl attach -i echoing`);
    assert.match(attached.stdout, /^heard hello$/m, attached.stderr);
    const run = await tryKubectl(
      ["run", "short", `--image=${busyboxImage}`, "-i", "--rm", "--restart=Never", "--", "sh", "-c", "read word; echo got $word"],
      { input: "it\n" },
    );
    assert.match(run.stdout, /^got it$/m, run.stderr);
    assert.match(run.stdout, /pod "short" deleted/);
  });

  await context.test("kubectl debug", { skip: "missing" in client && client.missing }, async () => {
    await kubectl(["debug", "whole", `--image=${busyboxImage}`, "--container=looker", "--target=main", "--", "sh", "-c", "ps; sleep 1000"]);
    await eventually("the looker sees the target's processes", 30, async () =>
      /from-the-main/.test((await tryKubectl("logs whole -c looker")).stdout) ? true : undefined,
    );
  });

  await context.test("a Pod is ended with grace: preStop, then TERM, then, after its time, KILL", async () => {
    await ready("graceful");
    await ready("stubborn");
    const following = tryKubectl("logs -f graceful");
    await eventually("it runs", 20, async () => ((await kubectl("logs graceful")).includes("started") ? true : undefined));
    await kubectl("delete pod graceful");
    assert.deepEqual((await following).stdout.trim().split("\n"), ["post-start", "started", "pre-stop", "told to end"]);
    const started = performance.now();
    await kubectl("delete pod stubborn");
    const seconds = (performance.now() - started) / 1_000;
    assert.ok(seconds >= 2 && seconds < 20, `gone after ${seconds} s`);
  });

  await context.test("a static Pod comes with its manifest and goes with it", async () => {
    const name = `still-${await kubectl("get pod box -o jsonpath={.spec.nodeName}")}`;
    await machine.sh(`cat >/etc/kubernetes/manifests/still.yaml`, staticPod);
    await eventually("its mirror runs", 40, async () =>
      (await tryKubectl(`get pod ${name} --no-headers`)).stdout.includes(" Running ") ? true : undefined,
    );
    await kubectl(`delete pod ${name} --wait=false`);
    await eventually("its mirror is back", 40, async () =>
      (await tryKubectl(`get pod ${name} --no-headers`)).stdout.includes(" Running ") ? true : undefined,
    );
    assert.equal(await kubectl(`logs ${name}`), "still here", "the container was left alone");
    const started = () => kubectl(`get pod ${name} -o jsonpath={.status.containerStatuses[0].containerID}`);
    const before = await started();
    await machine.sh(
      `head -c 100 /etc/kubernetes/manifests/still.yaml >/root/half; cat /root/half >/etc/kubernetes/manifests/still.yaml; sleep 3`,
    );
    assert.equal(await started(), before, "a manifest that is half written ends nothing");
    await machine.sh("rm /etc/kubernetes/manifests/still.yaml");
    await eventually("it is gone", 40, async () => ((await tryKubectl(`get pod ${name}`)).code === 1 ? true : undefined));
  });
});

const pod = (name: string, container: string, more = "") => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: main, image: "${busyboxImage}", ${container}}
  ${more}
---`;

const waits = `command: [sh, -c, "${untilTold}"]`;

const staticPod = `
apiVersion: v1
kind: Pod
metadata: {name: still, namespace: default}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: "${busyboxImage}", command: [sh, -c, "echo still here; sleep 1000"]}]
`;

const call = `
const folder = "/var/run/secrets/kubernetes.io/serviceaccount/";
const fs = require("node:fs");
const https = require("node:https");
const token = fs.readFileSync(folder + "token", "utf8");
const ask = (path) => new Promise((resolve, reject) => https.get("https://kubernetes.default.svc/api/v1/namespaces/default/" + path,
  { ca: fs.readFileSync(folder + "ca.crt"), headers: { authorization: "Bearer " + token } },
  (response) => { response.resume(); resolve(response.statusCode); }).on("error", reject));
const subject = JSON.parse(Buffer.from(token.split(".")[1], "base64url")).sub;
(async () => console.log(await ask("pods"), await ask("secrets"), subject))();`;

const objects = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue, file.txt: one}
---
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {word: open sesame}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader}]
---
apiVersion: v1
kind: Service
metadata: {name: headless}
spec: {clusterIP: None, selector: {tier: back}, ports: [{port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: unready}
spec: {selector: {app: unready}, ports: [{port: 80, targetPort: web}]}
---
apiVersion: v1
kind: Pod
metadata: {name: whole, labels: {tier: back}}
spec:
  terminationGracePeriodSeconds: 1
  initContainers:
  - {name: first, image: "${busyboxImage}", command: [sh, -c, "sleep 0.5; echo first >/shared/order"], volumeMounts: [{name: shared, mountPath: /shared}]}
  - {name: second, image: "${busyboxImage}", command: [sh, -c, "echo second >>/shared/order"], volumeMounts: [{name: shared, mountPath: /shared}]}
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sh, -c, "echo main >>/shared/order; ${untilTold} # from-the-main"]
    env:
    - {name: COLOR, valueFrom: {configMapKeyRef: {name: settings, key: color}}}
    - {name: WORD, valueFrom: {secretKeyRef: {name: password, key: word}}}
    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: LABEL, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"}}}
    - {name: LIMIT, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}
    - {name: BOTH, value: "$(POD) is $(COLOR)"}
    envFrom: [{prefix: ALL_, configMapRef: {name: settings}}]
    resources: {limits: {memory: 64Mi, cpu: 500m}, requests: {memory: 16Mi, cpu: 10m}}
    volumeMounts:
    - {name: shared, mountPath: /shared}
    - {name: settings, mountPath: /settings}
    - {name: settings, mountPath: /one-file, subPath: file.txt}
    - {name: secret, mountPath: /secret}
    - {name: about, mountPath: /about}
  - name: side
    image: ${busyboxImage}
    command: [sh, -c, "echo from the side | tee /shared/side >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"]
    ports: [{containerPort: 8080, hostPort: 18080}]
    volumeMounts: [{name: shared, mountPath: /shared}]
  volumes:
  - {name: shared, emptyDir: {}}
  - {name: settings, configMap: {name: settings}}
  - {name: secret, secret: {secretName: password, defaultMode: 0400}}
  - {name: about, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: caller}
spec:
  serviceAccountName: reader
  restartPolicy: Never
  containers: [{name: main, image: keelson/hello, command: [/usr/lib/keelson/node, -e, ${JSON.stringify(call)}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: misspelt}
spec: {containers: [{name: main, image: "Not An Image"}]}
---
${pod("uninitialised", waits, `initContainers: [{name: first, image: "${busyboxImage}", command: ["false"]}]`)}
${pod("brief", waits, "activeDeadlineSeconds: 2")}
${pod(
  "named",
  `${waits}, volumeMounts: [{name: memory, mountPath: /memory}]`,
  `- {name: other, image: "${busyboxImage}", command: [sleep, "1111"]}
  hostname: alpha
  subdomain: headless
  shareProcessNamespace: true
  hostAliases: [{ip: 192.0.2.1, hostnames: [somewhere]}]
  volumes: [{name: memory, emptyDir: {medium: Memory, sizeLimit: 8Mi}}]`,
)}
apiVersion: v1
kind: Pod
metadata: {name: unpulled}
spec: {containers: [{name: main, image: "127.0.0.1:5000/absent:1", imagePullPolicy: Never}]}
---
${pod("done", `command: [sh, -c, "echo bye"]`, "restartPolicy: Never")}
${pod("failing", `command: [sh, -c, "echo the reason why >/dev/termination-log; exit 3"]`, "restartPolicy: Never")}
${pod(
  "again",
  `volumeMounts: [{name: kept, mountPath: /kept}], command: [sh, -c, "echo run >>/kept/runs; echo run $(wc -l </kept/runs); test $(wc -l </kept/runs) = 2"]`,
  "volumes: [{name: kept, emptyDir: {}}]\n  restartPolicy: OnFailure",
)}
${pod("hungry", `command: [tail, /dev/zero], resources: {limits: {memory: 16Mi}}`, "restartPolicy: Never")}
${pod("crashing", `command: [sh, -c, "exit 1"]`)}
${pod(
  "unwell",
  `command: [sh, -c, "touch /tmp/well; sleep 3; rm /tmp/well; sleep 1000"], livenessProbe: {exec: {command: [cat, /tmp/well]}, initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 2}`,
)}
${pod(
  "unready",
  `command: [sh, -c, "mkdir /www; exec httpd -f -p 8080 -h /www"], ports: [{name: web, containerPort: 8080}], readinessProbe: {httpGet: {path: /ready, port: web}, periodSeconds: 1}`,
)}
${pod("unset", `${waits}, env: [{name: KEY, valueFrom: {configMapKeyRef: {name: absent, key: key}}}]`)}
${pod("unmounted", `${waits}, volumeMounts: [{name: absent, mountPath: /absent}]`, "volumes: [{name: absent, configMap: {name: absent}}]")}
${pod("no-program", `command: [no-such-program]`)}
${pod("large", `${waits}, resources: {requests: {cpu: "1000"}}`)}
${pod(
  "modest",
  `${waits}, volumeMounts: [{name: data, mountPath: /data}], securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}`,
  "volumes: [{name: data, emptyDir: {}}]\n  securityContext: {runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000, seccompProfile: {type: RuntimeDefault}}",
)}
${pod(
  "accompanied",
  `volumeMounts: [{name: shared, mountPath: /shared}], command: [sh, -c, "test -e /shared/companion && echo the companion was first"]`,
  `restartPolicy: Never
  initContainers: [{name: companion, image: "${busyboxImage}", restartPolicy: Always, volumeMounts: [{name: shared, mountPath: /shared}], command: [sh, -c, "trap 'exit 0' TERM; touch /shared/companion; while :; do sleep 0.2; done"], startupProbe: {exec: {command: [test, -e, /shared/companion]}, periodSeconds: 1}}]
  volumes: [{name: shared, emptyDir: {}}]`,
)}
${pod("echoing", `stdin: true, command: [sh, -c, "while read word; do echo heard $word; done"]`)}
apiVersion: v1
kind: Pod
metadata: {name: graceful}
spec:
  terminationGracePeriodSeconds: 30
  containers:
  - name: main
    image: ${busyboxImage}
    command: [sh, -c, "sleep 1; echo started; trap 'echo told to end; exit 0' TERM; while :; do sleep 0.2; done"]
    lifecycle:
      postStart: {exec: {command: [sh, -c, "echo post-start >/proc/1/fd/1"]}}
      preStop: {exec: {command: [sh, -c, "sleep 1; echo pre-stop >/proc/1/fd/1"]}}
---
apiVersion: v1
kind: Pod
metadata: {name: stubborn}
spec:
  terminationGracePeriodSeconds: 2
  containers: [{name: main, image: "${busyboxImage}", command: [sh, -c, "trap '' TERM; sleep 100000"]}]
`;
