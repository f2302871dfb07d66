// 100,000 Pods in one API server: how fast it starts again, what it weighs, and how fast it lists them all.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { mebibytes, row } from "./table.ts";

const port = 17_443;

/** `folder` is an empty one of its own. */
export async function benchManyPods(bundle: string, folder: string, pods: number): Promise<void> {
  const secrets = makeSecrets(join(folder, "many-secrets"));
  const data = join(folder, "many-data");
  const first = await startServer(bundle, data, secrets);
  const { bad, per_s: perSecond } = load("--make", pods);
  row(`create ${pods} Pods, 16 clients`, `${perSecond}/s, ${bad} bad answers`, "");
  await first.stop();
  const second = await startServer(bundle, data, secrets);
  row(`API server with ${pods} Pods, restart to ready`, `${second.readyMilliseconds} ms`, "< 3,000 ms");
  const { list_ms: ours, bare_ms: bare, bytes } = load("--list", 5);
  const best = { ours: Math.min(...ours), bare: Math.min(...bare) };
  row(`list of all, ${Math.round(bytes / 1e6)} MB, best of 5`, `${best.ours} ms = ${(best.ours / best.bare).toFixed(2)} of bare`, "≤ 1.5");
  row("memory after it", `${mebibytes(readFileSync(`/proc/${second.id}/smaps_rollup`, "utf8")).toFixed(0)} MiB`, "< 900 MiB");
  await second.stop();

  function load(what: string, count: number): Record<string, any> {
    const script = join(import.meta.dirname, "load/many-load.mjs");
    const to = ["--server", `https://127.0.0.1:${port}`, "--cert", secrets.certificate, "--key", secrets.key];
    return JSON.parse(execFileSync(process.execPath, [script, ...to, what, String(count)], { encoding: "utf8" })) as Record<string, any>;
  }
}

interface Secrets {
  readonly ca: string;
  /** Serves, and is shown by the client: a member of system:masters at 127.0.0.1. */
  readonly certificate: string;
  readonly key: string;
}

function makeSecrets(folder: string): Secrets {
  mkdirSync(folder);
  const openssl = (...words: readonly string[]) => execFileSync("openssl", words, { cwd: folder, stdio: "pipe" });
  const newKey = ["-newkey", "rsa:2048", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca", "-days", "2");
  openssl(
    "req",
    ...newKey,
    "-keyout",
    "own.key",
    "-out",
    "own.csr",
    "-subj",
    "/O=system:masters/CN=bench",
    "-addext",
    "subjectAltName=IP:127.0.0.1",
  );
  openssl(
    "x509",
    "-req",
    "-in",
    "own.csr",
    "-CA",
    "ca.crt",
    "-CAkey",
    "ca.key",
    "-out",
    "own.crt",
    "-days",
    "2",
    "-set_serial",
    "2",
    "-copy_extensions",
    "copy",
  );
  return { ca: join(folder, "ca.crt"), certificate: join(folder, "own.crt"), key: join(folder, "own.key") };
}

async function startServer(bundle: string, data: string, { ca, certificate, key }: Secrets) {
  const started = performance.now();
  const words = [
    "kube-apiserver",
    "--data-dir",
    data,
    "--bind-address",
    "127.0.0.1",
    "--advertise-address",
    "127.0.0.1",
    "--secure-port",
    String(port),
  ];
  const files = ["--tls-cert-file", certificate, "--tls-private-key-file", key, "--client-ca-file", ca];
  const child = spawn(
    process.execPath,
    [bundle, ...words, ...files, "--service-account-signing-key-file", key, "--service-account-key-file", key],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let said = "";
  let ended = false;
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000);
  });
  child.once("exit", () => {
    ended = true;
  });
  while (!(await isReady())) {
    if (ended || performance.now() - started > 60_000) throw new Error(`the API server did not become ready:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    id: child.pid as number,
    readyMilliseconds: Math.round(performance.now() - started),
    stop: () =>
      new Promise<void>((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      }),
  };
}

async function isReady(): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request({ host: "127.0.0.1", port, path: "/readyz", rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    sent.on("error", () => resolve(false));
    sent.end();
  });
}
