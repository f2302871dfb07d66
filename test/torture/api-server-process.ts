// The API server as a process of its own, to be killed and started again on the same data folder and port.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import https from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { devCertificates } from "#hosts/single-process/certificates.ts";
import { nodeWorld } from "#platform/node/world.ts";
import { type Server, ServerFailed } from "./environment.ts";

const root = join(import.meta.dirname, "../..");
const startLimitMilliseconds = 60_000;
const keptOutputBytes = 16_384;

export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What every start of the server has in common. */
export interface ServerPlace {
  readonly port: number;
  readonly credentials: Credentials;
  readonly arguments: readonly string[];
}

/** Makes certificates in `folder`; `store` are the flags that say where the state is. */
export async function serverPlace(folder: string, store: readonly string[]): Promise<ServerPlace> {
  mkdirSync(folder, { recursive: true });
  const certificates = await devCertificates(nodeWorld({ logLevel: "error" }), undefined);
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const port = await freePort();
  return {
    port,
    credentials: { ca: certificates.ca, cert: certificates.admin.certificate, key: certificates.admin.key },
    arguments: [
      "kube-apiserver",
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      `--secure-port=${port}`,
      `--tls-cert-file=${file("server.crt", certificates.serving.certificate)}`,
      `--tls-private-key-file=${file("server.key", certificates.serving.key)}`,
      `--client-ca-file=${file("ca.crt", certificates.ca)}`,
      `--service-account-signing-key-file=${file("sa.key", certificates.serviceAccountKey.privateKey)}`,
      ...store,
    ],
  };
}

export class ApiServerProcess implements Server {
  readonly #place: ServerPlace;
  readonly #agent: https.Agent;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #output = "";
  #killed = false;

  constructor(place: ServerPlace, agent: https.Agent) {
    this.#place = place;
    this.#agent = agent;
    this.#child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "src/hosts/main.ts"), ...place.arguments], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: root,
    });
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + String(chunk)).slice(-keptOutputBytes);
    };
    this.#child.stdout?.on("data", keep);
    this.#child.stderr?.on("data", keep);
    this.#ended = new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.once("error", () => resolve());
    });
  }

  get failure(): string | undefined {
    const { exitCode, signalCode } = this.#child;
    if (this.#killed || (exitCode === null && signalCode === null)) return undefined;
    return `the server ended with ${signalCode ?? exitCode}: ${this.#output.trim().split("\n").slice(-6).join("\n")}`;
  }

  async ready(): Promise<void> {
    for (const deadline = performance.now() + startLimitMilliseconds; ; ) {
      if (this.failure) throw new ServerFailed(this.failure);
      if (await answersReady(this.#agent, this.#place.port)) return;
      if (performance.now() > deadline) throw new ServerFailed(`the server is not ready after a minute: ${this.#output}`);
      await pause(10);
    }
  }

  async kill(): Promise<void> {
    this.#killed = true;
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

function answersReady(agent: https.Agent, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = https.get({ agent, host: "127.0.0.1", port, path: "/readyz", timeout: 5_000 }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode === 200));
      response.on("error", () => resolve(false));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port is free"))));
    });
  });
}
