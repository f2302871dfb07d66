// Real etcd for tests: one member or several, with or without TLS, on free ports of 127.0.0.1, each in a folder of its own.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface EtcdMember {
  readonly name: string;
  readonly endpoint: string;
  readonly folder: string;
  readonly id: number;
  /** Starts it again on its data. Resolves when it answers. */
  start(): Promise<void>;
  /** Resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** As if it hung: SIGSTOP. */
  pause(): void;
  resume(): void;
}

export interface EtcdTls {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface Etcd {
  readonly members: readonly EtcdMember[];
  readonly endpoints: readonly string[];
  /** PEM, for clients. */
  readonly tls: EtcdTls | undefined;
  readonly tlsFiles: EtcdTls | undefined;
  /** Ends all members and removes what they wrote. */
  stop(): Promise<void>;
}

export interface EtcdOptions {
  readonly members?: number;
  readonly tls?: boolean;
  readonly flags?: readonly string[];
}

/** False when etcd is there; else why it is not. */
export function cannotRunEtcd(): string | false {
  return spawnSync("etcd", ["--version"]).status === 0 ? false : "etcd is not installed (Debian: apt-get install etcd-server)";
}

/** Resolves when the members have a leader and answer. */
export async function startEtcd({ members: count = 1, tls: secure = false, flags = [] }: EtcdOptions = {}): Promise<Etcd> {
  const folder = mkdtempSync(join(tmpdir(), "keelson-etcd-"));
  const tlsFiles = secure ? makeSecrets(folder) : undefined;
  const scheme = secure ? "https" : "http";
  const ports = await freePorts(count * 2);
  const plan = Array.from({ length: count }, (_, index) => ({
    name: `m${index}`,
    client: `${scheme}://127.0.0.1:${ports[index * 2]}`,
    peer: `http://127.0.0.1:${ports[index * 2 + 1]}`,
  }));
  const cluster = plan.map(({ name, peer }) => `${name}=${peer}`).join(",");
  const members = plan.map(({ name, client, peer }) =>
    memberOf(
      name,
      client,
      join(folder, name),
      [
        ...["--name", name, "--data-dir", join(folder, name), "--listen-client-urls", client, "--advertise-client-urls", client],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster],
        ...["--logger", "zap", "--log-level", "error", "--initial-cluster-state", "new"],
        ...(tlsFiles
          ? ["--cert-file", tlsFiles.certificate, "--key-file", tlsFiles.key, "--trusted-ca-file", tlsFiles.ca, "--client-cert-auth"]
          : []),
        ...flags,
      ],
      tlsFiles,
    ),
  );
  const stop = async () => {
    await Promise.all(members.map((member) => member.kill("SIGKILL")));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  const read = (path: string) => readFileSync(path, "utf8");
  return {
    members,
    endpoints: plan.map(({ client }) => client),
    tls: tlsFiles && { ca: read(tlsFiles.ca), certificate: read(tlsFiles.certificate), key: read(tlsFiles.key) },
    tlsFiles,
    stop,
  };
}

function memberOf(name: string, endpoint: string, folder: string, words: readonly string[], tls: EtcdTls | undefined): EtcdMember {
  let child: ChildProcess | undefined;
  let said = "";
  return {
    name,
    endpoint,
    folder,
    get id() {
      return child?.pid ?? 0;
    },
    start: async () => {
      const started = spawn("etcd", words, { stdio: ["ignore", "ignore", "pipe"] });
      child = started;
      started.stderr.on("data", (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-4_000);
      });
      const limit = performance.now() + 30_000;
      while (!(await isHealthy(endpoint, tls))) {
        if (started.exitCode !== null || performance.now() > limit) throw new Error(`etcd ${name} does not answer:\n${said}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    kill: async (signal = "SIGKILL") => {
      const running = child;
      if (!running || running.exitCode !== null || running.signalCode !== null) return;
      const gone = new Promise((resolve) => running.once("exit", resolve));
      running.kill("SIGCONT");
      running.kill(signal);
      await gone;
    },
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
  };
}

async function isHealthy(endpoint: string, tls: EtcdTls | undefined): Promise<boolean> {
  const { request } = await import(endpoint.startsWith("https") ? "node:https" : "node:http");
  const secrets = tls && { ca: readFileSync(tls.ca), cert: readFileSync(tls.certificate), key: readFileSync(tls.key) };
  return new Promise((resolve) => {
    const sent = request(`${endpoint}/health`, { ...secrets, timeout: 2_000 }, (answer: import("node:http").IncomingMessage) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      answer.on("end", () => resolve(/"health" *: *"true"/.test(text)));
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(false));
    sent.end();
  });
}

/** Ports that nobody listens at, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function makeSecrets(folder: string): EtcdTls {
  const openssl = (...words: readonly string[]) => execFileSync("openssl", words, { cwd: folder, stdio: "pipe" });
  const newKey = ["-newkey", "rsa:2048", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=etcd-ca", "-days", "2");
  openssl("req", ...newKey, "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=127.0.0.1");
  writeFileSync(join(folder, "own.ext"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n");
  const sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-out", "own.crt", "-days", "2", "-set_serial", "2", "-extfile", "own.ext"];
  openssl("x509", "-req", "-in", "own.csr", ...sign);
  return { ca: join(folder, "ca.crt"), certificate: join(folder, "own.crt"), key: join(folder, "own.key") };
}
