// Prints how fast Keelson is, beside what a bare server manages on this machine in the same run.
//   npm run bench              and, as root, what a node costs (node-bench.ts)
//   npm run bench -- --quick   a tenth of the load
//   npm run bench -- --profile the functions of the server that took most time, too (the figures suffer)
// Figures are ratios where they can be: machines differ, shares hardly do. Nothing here passes or fails.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cannotMakeMachines } from "../support/lab-machine.ts";
import { benchNode } from "./node-bench.ts";
import { mebibytes, row } from "./table.ts";
import { hottest } from "./profile.ts";

const root = join(import.meta.dirname, "../..");
const { values: options } = parseArgs({
  options: { quick: { type: "boolean", default: false }, profile: { type: "boolean", default: false } },
});
const scale = options.quick ? 0.1 : 1;

interface Running {
  readonly url: string;
  readonly files: readonly string[];
  readonly readyMilliseconds: number;
  readonly id: number;
  stop(): Promise<void>;
}

const bundle = join(root, "dist/keelson.js");

async function startDev(folder: string, cache: string, more: readonly string[] = [], nodeFlags: readonly string[] = []): Promise<Running> {
  const kubeconfig = join(folder, "kubeconfig");
  rmSync(kubeconfig, { force: true });
  const child = spawn(
    process.execPath,
    [...nodeFlags, bundle, "dev", "--port", "0", "--nodes", "0", "--kubeconfig-out", kubeconfig, ...more],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NODE_COMPILE_CACHE: cache },
    },
  );
  const started = performance.now();
  const readyMilliseconds = await new Promise<number>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`keelson dev ended with ${code}`)));
    child.stdout.on("data", (chunk: Buffer) => {
      if (String(chunk).includes("ready in")) resolve(performance.now() - started);
    });
  });
  const text = readFileSync(kubeconfig, "utf8");
  const part = (name: string) => Buffer.from(new RegExp(`${name}: *"?([A-Za-z0-9+/=]+)`).exec(text)?.[1] ?? "", "base64").toString();
  const url = /server: *"?(https:[^\s"]+)/.exec(text)?.[1] ?? "";
  const files = [
    ["ca", part("certificate-authority-data")],
    ["cert", part("client-certificate-data")],
    ["key", part("client-key-data")],
  ].flatMap(([name, content]) => {
    const path = join(folder, `${name}.pem`);
    writeFileSync(path, content as string);
    return [`--${name}`, path];
  });
  return {
    url,
    files,
    readyMilliseconds,
    id: child.pid as number,
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.removeAllListeners("exit");
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      }),
  };
}

function load(script: string, running: Running, ...arguments_: readonly string[]): Record<string, any> {
  const output = execFileSync(
    process.execPath,
    [join(import.meta.dirname, "load", script), "--server", running.url, ...running.files, ...arguments_],
    {
      encoding: "utf8",
      maxBuffer: 64 << 20,
    },
  );
  return JSON.parse(output.trim().split("\n").at(-1) as string) as Record<string, any>;
}

const memoryMebibytes = (id: number) => mebibytes(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"));
const share = (part: number, whole: number) => (part / whole).toFixed(2);

execFileSync(process.execPath, [join(root, "tools/bundle/bundle.ts")], { stdio: "inherit" });
const folder = mkdtempSync(join(tmpdir(), "keelson-bench-"));
try {
  row("what", "seen", "goal (upstream)");
  const cache = join(folder, "cache");
  const first = await startDev(folder, cache);
  row("ready, no compile cache", `${first.readyMilliseconds.toFixed(0)} ms`, "< 1,200 ms (3,500)");
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await first.stop();
  const second = await startDev(folder, cache);
  row("ready, warm compile cache", `${second.readyMilliseconds.toFixed(0)} ms`, "< 700 ms (3,500)");
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  row("memory idle", `${memoryMebibytes(second.id).toFixed(0)} MiB`, "< 130 MiB (355)");
  await second.stop();

  const profiles = join(folder, "profiles");
  const durable = await startDev(
    folder,
    cache,
    ["--data-dir", join(folder, "data")],
    options.profile ? ["--cpu-prof", `--cpu-prof-dir=${profiles}`] : [],
  );
  const api = load("api-load.mjs", durable, "--pods", String(Math.round(2_000 * scale)));
  const floor = load("watch-floor.mjs", durable);
  const bad = Object.entries(api).filter(([, value]) => value?.bad > 0 || value?.missing > 0 || value?.disorder > 0);
  row("bad answers, missing or disordered events", bad.length === 0 ? "none" : JSON.stringify(bad), "none");
  row("bare server GET, POST", `${api["bare_get"].per_s}/s, ${api["bare_post"].per_s}/s`, "1");
  row("get", `${api["get_pod"].per_s}/s = ${share(api["get_pod"].per_s, api["bare_get"].per_s)} of bare`, "≥ 0.7 (0.33)");
  row(
    "create, 16 clients",
    `${api["create_pod"].per_s}/s = ${share(api["create_pod"].per_s, api["bare_post"].per_s)} of bare`,
    "≥ 0.35 (0.11)",
  );
  row("create, 1 client", `p50 ${api["create_pod_c1"].p50} ms`, "(1.65 ms)");
  row("merge patch; status patch", `${api["patch_pod"].per_s}/s; ${api["status_update"].per_s}/s`, "(915; 1,105)");
  row("list from cache; consistent", `p50 ${api["list_all_c1"].p50} ms; ${api["list_consistent_c1"].p50} ms`, "< 15 ms (105; 83)");
  row("list by selector", `p50 ${api["list_selector_c1"].p50} ms`, "(1.6 ms)");
  row("bare server, 50 watchers", `${floor["per_s"]} events/s, p99 ${floor["p99"]} ms`, "1");
  row(
    "watch, 50 watchers",
    `${api["watch"].per_s} events/s = ${share(api["watch"].per_s, floor["per_s"])} of bare, p99 ${api["watch"].p99} ms`,
    "≥ 60,000 (19,303)",
  );
  row("delete", `${api["delete_pod"].per_s}/s`, "(962)");
  const schedule = load("schedule-load.mjs", durable, "--replicas", String(Math.round(2_000 * scale)));
  row(
    `${schedule["replicas"]} replicas on ${schedule["nodes"]} nodes bound`,
    `${schedule["all_bound_s"]} s (${schedule["bound"]} bound)`,
    "< 4 s (11.1)",
  );
  row("memory after the load", `${memoryMebibytes(durable.id).toFixed(0)} MiB`, "(687 MiB)");
  await durable.stop();
  if (options.profile) for (const line of hottest(profiles, 25)) console.log(line);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const obstacle = cannotMakeMachines("containerd", "runc", "ctr", "nft");
if (obstacle === false) await benchNode({ quick: options.quick });
else console.log(`what a node costs is not measured here: ${obstacle}`);
