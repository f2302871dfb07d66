// The kubelet as a daemon, without an API server, on a real containerd: what its server at port 10250 serves to who has a certificate.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { nodeWorld } from "#platform/node/world.ts";
import { type Containerd, missingTools, startContainerd } from "../support/containerd.ts";

const skip = missingTools();
const exec = "test/support/exec-over-websocket.ts";
let containerd: Containerd;
let kubelet: ChildProcess;
let log = "";

before(async () => {
  if (skip) return;
  containerd = await startContainerd("keelson-server");
  const { folder, images, cgroupRoot, endpoint } = containerd;
  await makeCertificates(folder);
  mkdirSync(`${folder}/manifests`);
  const main = {
    name: "main",
    image: images.busybox,
    command: ["sh", "-c", "mkdir /www; echo page > /www/index.html; echo one; echo two; exec httpd -f -p 80 -h /www"],
    readinessProbe: { httpGet: { path: "/", port: 80 } },
    livenessProbe: { exec: { command: ["cat", "/www/index.html"] }, periodSeconds: 1 },
  };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "test" },
    spec: { terminationGracePeriodSeconds: 0, containers: [main] },
  };
  writeFileSync(`${folder}/manifests/web.json`, JSON.stringify(pod));
  const configuration = {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    staticPodPath: `${folder}/manifests`,
    podLogsDir: `${folder}/logs`,
    authentication: { x509: { clientCAFile: `${folder}/ca.crt` } },
    authorization: { mode: "AlwaysAllow" },
    cgroupRoot,
    resolvConf: "",
    containerRuntimeEndpoint: endpoint,
  };
  writeFileSync(`${folder}/config.yaml`, JSON.stringify(configuration));
  const flags = [
    `--config=${folder}/config.yaml`,
    `--root-dir=${folder}/kubelet`,
    `--cert-dir=${folder}/pki`,
    "--hostname-override=node-1",
  ];
  const namespace = `--net=/run/netns/${folder.slice("/tmp/".length)}`;
  kubelet = spawn("nsenter", [namespace, process.execPath, "src/hosts/main.ts", "kubelet", ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [kubelet.stdout, kubelet.stderr]) stream?.on("data", (data: Buffer) => (log += data.toString()));
  await eventually("the Pod is ready", () => {
    const { conditions = [] } = JSON.parse(ask("/pods")).items[0]?.status ?? {};
    return conditions.some(({ type, status }: { type: string; status: string }) => type === "Ready" && status === "True");
  });
});

after(async () => {
  if (skip) return;
  const ended = new Promise((resolve) => kubelet.once("exit", resolve));
  kubelet.kill("SIGTERM");
  await ended;
  await containerd.stop();
});

async function makeCertificates(folder: string): Promise<void> {
  const { crypto } = nodeWorld({ version: "test", logLevel: "error" });
  const dates = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 3_600_000 };
  const ca = await crypto.generateKey("ecdsa-p256");
  const issuer = await crypto.issueCertificate({
    ...dates,
    subject: { commonName: "ca" },
    publicKey: ca.publicKey,
    signingKey: ca.privateKey,
    isCa: true,
    usages: ["cert sign"],
  });
  const key = await crypto.generateKey("ecdsa-p256");
  const subject = { commonName: "admin", organizations: ["system:masters"] };
  const certificate = await crypto.issueCertificate({
    ...dates,
    subject,
    publicKey: key.publicKey,
    signingKey: ca.privateKey,
    issuer,
    usages: ["digital signature"],
    extendedUsages: ["client auth"],
  });
  writeFileSync(`${folder}/ca.crt`, issuer);
  writeFileSync(`${folder}/client.crt`, certificate);
  writeFileSync(`${folder}/client.key`, key.privateKey);
}

function ask(path: string): string {
  const { folder } = containerd;
  return containerd.run("curl", "-sk", "--cert", `${folder}/client.crt`, "--key", `${folder}/client.key`, `https://127.0.0.1:10250${path}`);
}

function run(path: string, ...input: string[]): { stdout: string; stderr: string; status: any; code: number } {
  return JSON.parse(containerd.run(process.execPath, exec, containerd.folder, path, ...input));
}

async function eventually(what: string, holds: () => boolean, seconds = 20): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      if (holds()) return;
    } catch {
      // Not served yet.
    }
    if (Date.now() > deadline) assert.fail(`not seen within ${seconds} s: ${what}\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("who has no certificate is refused", { skip }, () => {
  assert.equal(containerd.run("curl", "-sk", "https://127.0.0.1:10250/pods"), "Unauthorized");
  assert.equal(containerd.run("curl", "-s", "http://127.0.0.1:10248/healthz"), "ok");
});

test("logs, statistics and metrics of a running Pod", { skip }, () => {
  assert.equal(ask("/containerLogs/test/web-node-1/main"), "one\ntwo\n");
  assert.match(ask("/containerLogs/test/web-node-1/main?tailLines=1&timestamps=true"), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z two\n$/);
  assert.equal(JSON.parse(ask("/stats/summary")).pods[0].podRef.name, "web-node-1");
  assert.match(ask("/metrics/resource"), /container_memory_working_set_bytes\{container="main",namespace="test",pod="web-node-1"\} \d+/);
});

test("exec over WebSocket: output, exit code, the end of input, and all of much output", { skip }, () => {
  const path = "/exec/test/web-node-1/main?output=1&error=1";
  const failed = run(`${path}&command=sh&command=-c&command=echo+out%3B+echo+err+%3E%262%3B+exit+3`);
  assert.deepEqual([failed.stdout, failed.stderr, failed.code], ["out\n", "err\n", 1000]);
  assert.deepEqual(failed.status.details.causes, [{ reason: "ExitCode", message: "3" }]);
  const echoed = run(`${path}&input=1&command=cat`, "some input\n");
  assert.deepEqual([echoed.stdout, echoed.status.status], ["some input\n", "Success"]);
  const much = run(`${path}&command=sh&command=-c&command=yes+0123456789+%7C+head+-n+60000`);
  assert.equal(much.stdout.length, 660_000);
  assert.equal(ask("/exec/test/web-node-1/none?command=ls&output=1"), 'container not found ("none")\n');
});
