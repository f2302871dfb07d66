// Prints how fast Keelson is, beside what a bare server manages on this machine in the same run.
//   npm run bench                    and, as root, what a node costs (node-bench.ts)
//   npm run bench -- --quick         a tenth of the load
//   npm run bench -- --many          100,000 Pods in one API server, too: how it starts again, and lists them
//   npm run bench -- --profile       the functions of the server that took most time, too (the figures suffer)
//   npm run bench -- --flame F.svg   the same, as a flame graph
// Figures are ratios where they can be: machines differ, shares hardly do. Nothing here passes or fails.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cannotMakeMachines } from "../support/lab-machine.ts";
import { flameGraph } from "./flame.ts";
import { benchManyPods } from "./many-pods.ts";
import { benchNode } from "./node-bench.ts";
import { hottest, largestProfile } from "./profile.ts";
import { benchStores } from "./store.ts";
import { mebibytes, row } from "./table.ts";

const root = join(import.meta.dirname, "../..");
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    many: { type: "boolean", default: false },
    flame: { type: "string" },
  },
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
/** What `./keelson` starts Node with. */
const launchFlags = /^exec "\$node" (.*) "\$entry"/m.exec(readFileSync(join(root, "keelson"), "utf8"))?.[1]?.split(" ") ?? [];

async function startDev(folder: string, cache: string, more: readonly string[] = [], nodeFlags: readonly string[] = []): Promise<Running> {
  const kubeconfig = join(folder, "kubeconfig");
  rmSync(kubeconfig, { force: true });
  const child = spawn(
    process.execPath,
    [...launchFlags, ...nodeFlags, bundle, "dev", "--port", "0", "--nodes", "0", "--kubeconfig-out", kubeconfig, ...more],
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

/** Runs a load; without an address, one that brings its own server. */
function load(
  script: string,
  { url, files }: { readonly url: string | undefined; readonly files: readonly string[] },
  ...arguments_: readonly string[]
): Record<string, any> {
  const server = url === undefined ? [] : ["--server", url];
  const output = execFileSync(process.execPath, [join(import.meta.dirname, "load", script), ...server, ...files, ...arguments_], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
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
    options.profile || options.flame ? ["--cpu-prof", `--cpu-prof-dir=${profiles}`] : [],
  );
  const api = load("api-load.mjs", durable, "--pods", String(Math.round(2_000 * scale)));
  const floor = load("floors.mjs", durable, "--posts", String(Math.round(2_000 * scale)), "--list-bytes", String(api["list_bytes"]));
  const fanOut = (watchers: number, updates: number) => {
    const sizes = ["--watchers", String(watchers), "--updates", String(Math.round(updates * scale))];
    const { files } = durable;
    return { ours: load("watch-load.mjs", durable, ...sizes), bare: load("watch-load.mjs", { url: undefined, files }, ...sizes) };
  };
  const fanOuts = [fanOut(50, 600), fanOut(500, 120)] as const;
  const answers = [...Object.entries(api), ...fanOuts.map(({ ours }, index) => [`fan-out ${index}`, ours] as const)];
  const bad = answers.filter(([, value]) => value?.bad > 0 || value?.missing > 0 || value?.disorder > 0);
  row("bad answers, missing or disordered events", bad.length === 0 ? "none" : JSON.stringify(bad), "none");
  const post = api["bare_post"].per_s;
  const ofBare = (figure: string, bare = post) => `${api[figure].per_s}/s = ${share(api[figure].per_s, bare)} of bare`;
  row("bare server GET, POST", `${api["bare_get"].per_s}/s, ${post}/s`, "1");
  row(
    "bare POST that parses, appends and syncs",
    `${floor["durable_post"].per_s}/s = ${share(floor["durable_post"].per_s, post)}`,
    "the floor of create",
  );
  row("get", ofBare("get_pod", api["bare_get"].per_s), "≥ 0.75 (0.33)");
  row("create, 16 clients", ofBare("create_pod"), "≥ 0.4 (0.11)");
  row("create, 1 client, p50", `${api["create_pod_c1"].p50} ms; bare ${floor["bare_post"].p50}`, "≤ bare + 0.6 ms (1.65 ms in all)");
  row("merge patch", ofBare("patch_pod"), "≥ 0.3 (0.08)");
  row("status patch", ofBare("status_update"), "(0.09)");
  row("delete", ofBare("delete_pod"), "≥ 0.35 (0.08)");
  const { p50: transfer } = floor["transfer"];
  row(`bare transfer of ${(api["list_bytes"] / 1e6).toFixed(1)} MB`, `p50 ${transfer} ms`, "1");
  for (const [what, figure] of [
    ["from cache", "list_all_c1"],
    ["consistent", "list_consistent_c1"],
  ] as const) {
    row(`list of as many bytes, ${what}`, `p50 ${api[figure].p50} ms = ${share(api[figure].p50, transfer)} of bare`, "≤ 2 (83–105 ms)");
  }
  row("list by selector", `p50 ${api["list_selector_c1"].p50} ms`, "(1.6 ms)");
  row("watch, 50 watchers that read JSON", `${api["watch"].per_s} events/s, p99 ${api["watch"].p99} ms`, "≥ 80,000 (19,303)");
  for (const { ours, bare } of fanOuts) {
    const seen = `${ours["per_s"]} events/s = ${share(ours["per_s"], bare["per_s"])} of bare`;
    row(`watch, ${ours["watchers"]} watchers that only count`, seen, ours["watchers"] === 500 ? "≥ 0.5" : "");
  }
  const schedule = load("schedule-load.mjs", durable, "--replicas", String(Math.round(2_000 * scale)));
  row(
    `${schedule["replicas"]} replicas on ${schedule["nodes"]} nodes bound`,
    `${schedule["all_bound_s"]} s (${schedule["bound"]} bound)`,
    "< 4 s (11.1)",
  );
  const memoryAtOnce = memoryMebibytes(durable.id);
  // The engine looks for what it can give back once a process has rested for some seconds.
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  const memoryRested = memoryMebibytes(durable.id);
  row("memory after the load; 20 s later", `${memoryAtOnce.toFixed(0)}; ${memoryRested.toFixed(0)} MiB`, "< 220 MiB (687 MiB)");
  await durable.stop();
  if (options.profile) for (const line of hottest(profiles, 25)) console.log(line);
  if (options.flame) writeFileSync(options.flame, flameGraph(largestProfile(profiles)));
  await benchStores(options.quick ? 300 : 1_500);
  if (options.many) await benchManyPods(bundle, folder, Math.round(100_000 * scale));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const obstacle = cannotMakeMachines("containerd", "runc", "ctr", "nft");
if (obstacle === false) await benchNode({ quick: options.quick });
else console.log(`what a node costs is not measured here: ${obstacle}`);
