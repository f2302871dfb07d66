// `keelson dev` as a process of its own, for tests that kill it and start it again.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

export interface DevProcess {
  readonly pid: number;
  readonly port: number;
  readonly kubeconfig: string;
  readonly agent: https.Agent;
  /** What a client needs for TLS. */
  readonly credentials: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
  /** Ends it at once, as a power cut of the process. */
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

export async function startDevProcess(folder: string, { port = 0, more = [] as readonly string[] } = {}): Promise<DevProcess> {
  const kubeconfig = join(folder, "kubeconfig");
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      join(root, "src/hosts/main.ts"),
      "dev",
      "--port",
      String(port),
      "--kubeconfig-out",
      kubeconfig,
      ...more,
    ],
    { stdio: ["ignore", "pipe", "pipe"], cwd: root },
  );
  await ready(child);
  const text = readFileSync(kubeconfig, "utf8");
  const part = (name: string) => Buffer.from(new RegExp(`${name}: *"?([A-Za-z0-9+/=]+)`).exec(text)?.[1] ?? "", "base64");
  const credentials = {
    ca: part("certificate-authority-data"),
    cert: part("client-certificate-data"),
    key: part("client-key-data"),
  };
  const agent = new https.Agent({ keepAlive: true, maxSockets: 64, ...credentials });
  return {
    pid: child.pid as number,
    port: Number(/server: *"?https:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1]),
    kubeconfig,
    agent,
    credentials,
    kill: (signal) =>
      new Promise((resolve) => {
        agent.destroy();
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once("exit", () => resolve());
        child.kill(signal);
      }),
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let error = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      error += String(chunk);
    });
    child.stdout?.on("data", (chunk: Buffer) => {
      if (String(chunk).includes("ready in")) resolve();
    });
    child.once("exit", (code) => reject(new Error(`keelson dev ended with ${code}: ${error}`)));
  });
}

export interface Answer {
  readonly status: number;
  readonly json: any;
}

export function ask(server: DevProcess, method: string, path: string, body?: unknown, type = "application/json"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const data = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = data ? { "content-type": type, "content-length": data.length } : {};
    const request = https.request({ agent: server.agent, host: "127.0.0.1", port: server.port, method, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (chunk: Buffer) => parts.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, json: parsed(Buffer.concat(parts).toString()) }));
    });
    request.on("error", reject);
    request.end(data);
  });
}

function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return { unreadable: text };
  }
}

/** Follows a watch until the connection ends, however that happens; calls back for every event. */
export function follow(server: DevProcess, path: string, event: (item: { type: string; object: any }) => void): Promise<void> {
  return new Promise((resolve) => {
    const request = https.request({ agent: server.agent, host: "127.0.0.1", port: server.port, path }, (response) => {
      let rest = "";
      response.on("data", (chunk: Buffer) => {
        rest += String(chunk);
        for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
          event(JSON.parse(rest.slice(0, at)));
          rest = rest.slice(at + 1);
        }
      });
      response.on("error", () => resolve());
      response.on("close", () => resolve());
    });
    request.on("error", () => resolve());
    request.end();
  });
}
