// `keelson kube-apiserver`, or another, as a process of its own, with the certificates of a data folder that `keelson dev` made.
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";

const main = join(import.meta.dirname, "../../src/hosts/main.ts");

export interface ApiServerProcess {
  readonly url: string;
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

export interface ApiServerProcessOptions {
  /** Where files for its flags may be written. */
  readonly folder: string;
  /** certificates.json of a data folder. */
  readonly certificates: string;
  readonly port: number;
  readonly flags: readonly string[];
  /** A kube-apiserver that is not ours. */
  readonly program?: string;
}

/** Resolves when it is ready. */
export async function startApiServerProcess(options: ApiServerProcessOptions): Promise<ApiServerProcess> {
  const { folder, certificates, port, flags, program } = options;
  const made = JSON.parse(readFileSync(certificates, "utf8"));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const all = {
    "bind-address": "127.0.0.1",
    "advertise-address": "192.0.2.1",
    "secure-port": port,
    "tls-cert-file": write("serving.crt", made.serving.certificate),
    "tls-private-key-file": write("serving.key", made.serving.key),
    "client-ca-file": write("ca.crt", made.ca),
    "service-account-signing-key-file": write("sa.key", made.serviceAccountKey.privateKey),
    "service-account-key-file": write("sa.pub", made.serviceAccountKey.publicKey),
  };
  const words = [...Object.entries(all).map(([name, value]) => `--${name}=${value}`), ...flags];
  const own = ["--disable-warning=ExperimentalWarning", main, "kube-apiserver"];
  const child = spawn(program ?? process.execPath, program === undefined ? [...own, ...words] : words, {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log = (log + String(chunk)).slice(-20_000)));
  const agent = new https.Agent({ ca: made.ca, cert: made.admin.certificate, key: made.admin.key });
  const kill = (signal: "SIGKILL" | "SIGTERM") =>
    new Promise<void>((resolve) => {
      agent.destroy();
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null || tries > 300) {
      await kill("SIGKILL");
      throw new Error(`kube-apiserver is not ready: ${log}`);
    }
    if ((await statusOf(agent, port)) === 200) return { url: `https://127.0.0.1:${port}`, kill };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function statusOf(agent: https.Agent, port: number): Promise<number> {
  return new Promise((resolve) => {
    const request = https.request({ agent, host: "127.0.0.1", port, path: "/readyz" }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", () => resolve(0));
    request.end();
  });
}
