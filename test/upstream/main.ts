// Upstream's API server and ours on the same etcd, by turns and side by side: what one has written, the other reads, changes and deletes.
//
//   npm run upstream -- --kube-apiserver PATH
//
// PATH is a kube-apiserver of upstream, v1.20 or newer. Once with objects as they are, and once for each way of encrypting them at rest.
// Everything runs on 127.0.0.1 and is gone afterwards. What differs is printed, and ends the run with a code that is not 0. Fields and kinds
// that only one of the two knows are left out: what is compared are the kinds of `objects`, and of their fields those that both show.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { type ApiServerProcess, startApiServerProcess } from "../support/api-server-process.ts";
import { startDevProcess } from "../support/dev-process.ts";
import { type Etcd, freePorts, startEtcd } from "../support/etcd.ts";
import { findKubectl, kubectlAt, type Ran } from "../support/kubectl.ts";
import { objects, resources } from "./objects.ts";

type Whose = "keelson" | "upstream";
type Json = Readonly<Record<string, unknown>>;

const { values } = parseArgs({ options: { "kube-apiserver": { type: "string" } } });
const program = values["kube-apiserver"];
if (program === undefined) throw new Error("which kube-apiserver? --kube-apiserver PATH");
const kubectlPath = pathOf(findKubectl());
const { stdout: version } = await promisify(execFile)(program, ["--version"]);

const problems: string[] = [];
for (const encryption of ["none", "aescbc", "aesgcm", "secretbox"]) await exchange(encryption);
for (const problem of problems) console.log(`✖ ${problem}`);
console.log(problems.length === 0 ? "no problem" : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function exchange(encryption: string): Promise<void> {
  console.log(`\n${version.trim()} and Keelson on one etcd, encryption: ${encryption}`);
  const folder = mkdtempSync(join(tmpdir(), "keelson-upstream-"));
  const etcd = await startEtcd();
  const running = new Set<ApiServerProcess>();
  try {
    await byTurnsAndSideBySide({ folder, etcd, running, encryption });
  } catch (error) {
    problems.push((error as Error).message);
  } finally {
    for (const server of running) await server.kill("SIGKILL");
    await etcd.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Place {
  readonly folder: string;
  readonly etcd: Etcd;
  readonly running: Set<ApiServerProcess>;
  readonly encryption: string;
}

async function byTurnsAndSideBySide({ folder, etcd, running, encryption }: Place): Promise<void> {
  // Certificates and a kubeconfig come from a short life of `keelson dev`.
  const dev = await startDevProcess(folder, { more: ["--nodes", "0", "--data-dir", join(folder, "made")] });
  await dev.kill("SIGTERM");
  const kubectl = kubectlAt(kubectlPath, dev.kubeconfig, folder);
  const ports = await freePorts(2);
  const start = async (whose: Whose): Promise<ApiServerProcess> => {
    const server = await startApiServerProcess({
      folder,
      certificates: join(folder, "made/certificates.json"),
      port: ports[whose === "keelson" ? 0 : 1] as number,
      flags: [
        `--etcd-servers=${etcd.endpoints.join(",")}`,
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--authorization-mode=Node,RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        ...(encryption === "none" ? [] : [`--encryption-provider-config=${encryptionFile(folder, encryption)}`]),
      ],
      ...(whose === "upstream" && { program }),
    });
    running.add(server);
    return server;
  };
  const stop = async (server: ApiServerProcess): Promise<void> => {
    await server.kill("SIGTERM");
    running.delete(server);
  };
  const ask = async (server: ApiServerProcess, line: string, input = ""): Promise<Ran> => {
    const ran = await kubectl(`--server ${server.url} ${line}`, { input });
    if (ran.code !== 0) problems.push(`kubectl ${line}: ${ran.text}`);
    return ran;
  };
  const seenBy = async (server: ApiServerProcess): Promise<ReadonlyMap<string, Json>> => {
    const all = new Map<string, Json>();
    for (const resource of resources) {
      const { items } = JSON.parse((await ask(server, `get ${resource} -A -o json`)).out || "{}") as { items?: readonly Json[] };
      for (const item of items ?? []) if (!isMadeAtStart(item)) all.set(nameOf(resource, item), item);
    }
    return all;
  };
  const compare = (title: string, one: ReadonlyMap<string, Json>, other: ReadonlyMap<string, Json>): void => {
    const before = problems.length;
    for (const name of new Set([...one.keys(), ...other.keys()])) {
      const [left, right] = [one.get(name), other.get(name)];
      if (left && right) problems.push(...differences(name, left, right));
      else problems.push(`${name} is seen by ${left ? "the first" : "the second"} only`);
    }
    console.log(`${title}: ${one.size} objects, ${problems.length - before} problems`);
  };

  let ours = await start("keelson");
  await ask(ours, "apply -f -", objects("one"));
  const writtenByUs = await seenBy(ours);
  await stop(ours);

  let theirs = await start("upstream");
  compare(`${version.trim()} reads what Keelson wrote`, writtenByUs, await seenBy(theirs));
  await ask(theirs, "apply -f -", objects("two"));
  await ask(theirs, "label namespace one changed=upstream");
  await ask(theirs, "scale deployment web -n one --replicas=5");
  await ask(theirs, "delete configmap settings -n one");
  const writtenByThem = await seenBy(theirs);
  await stop(theirs);

  ours = await start("keelson");
  compare("Keelson reads what upstream wrote", writtenByThem, await seenBy(ours));

  theirs = await start("upstream");
  const both = { keelson: ours, upstream: theirs };
  for (const [writer, reader] of [
    ["keelson", "upstream"],
    ["upstream", "keelson"],
  ] as const) {
    const watching = kubectl(`--server ${both[reader].url} get configmaps -n two -w --output-watch-events --request-timeout=8s`);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await ask(both[writer], `create configmap by-${writer} -n two --from-literal=of=first`);
    await ask(both[writer], `patch configmap by-${writer} -n two --type=merge -p {"data":{"of":"second"}}`);
    await ask(both[writer], `delete configmap by-${writer} -n two`);
    const told = (await watching).out.split("\n").filter((line) => line.includes(`by-${writer}`));
    const expected = ["ADDED", "MODIFIED", "DELETED"];
    if (told.map((line) => line.split(" ")[0]).join() !== expected.join())
      problems.push(`a watch of ${reader}'s saw of ${writer}'s writes: ${told.join(" ") || "nothing"}`);
    console.log(`a watch of ${reader}'s sees ${told.length} writes of ${writer}'s`);
  }
  compare("both side by side", await seenBy(ours), await seenBy(theirs));
  const { stdout: stored } = await promisify(execFile)("etcdctl", [
    `--endpoints=${etcd.endpoints.join(",")}`,
    "get",
    "--prefix",
    "--keys-only=false",
    "/registry/secrets/",
  ]);
  const isHidden = !stored.includes("hunter2");
  if (isHidden !== (encryption !== "none"))
    problems.push(`encryption: ${encryption}, and the secret is ${isHidden ? "hidden" : "readable"} in etcd`);
}

function pathOf(found: ReturnType<typeof findKubectl>): string {
  if ("missing" in found) throw new Error(found.missing);
  return found.path;
}

function encryptionFile(folder: string, provider: string): string {
  const path = join(folder, "encryption.yaml");
  const key = Buffer.alloc(32, 7).toString("base64");
  writeFileSync(
    path,
    `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets, configmaps]
  providers: [{${provider}: {keys: [{name: one, secret: ${key}}]}}, {identity: {}}]
`,
  );
  return path;
}

function nameOf(resource: string, { metadata }: Json): string {
  const { namespace, name } = metadata as { namespace?: string; name: string };
  return `${resource} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** Default roles, and Leases of servers: each brings them up to date when it starts. */
function isMadeAtStart({ metadata }: Json): boolean {
  const { labels, name } = metadata as { name: string; labels?: Json };
  return labels?.["kubernetes.io/bootstrapping"] !== undefined || /^(kube-public$|system:|apiserver-|kube-apiserver-)/.test(name);
}

/** Of what both show. */
function differences(path: string, one: unknown, other: unknown): readonly string[] {
  if (isObject(one) && isObject(other))
    return Object.keys(one)
      .filter((key) => key in other && key !== "managedFields")
      .flatMap((key) => differences(`${path}.${key}`, one[key], other[key]));
  if (Array.isArray(one) && Array.isArray(other) && one.length === other.length)
    return one.flatMap((item, at) => differences(`${path}[${at}]`, item, other[at]));
  return JSON.stringify(one) === JSON.stringify(other) ? [] : [`${path}: ${JSON.stringify(one)} and ${JSON.stringify(other)}`];
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
