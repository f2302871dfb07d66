// What this machine can do at all with the work of a create, a list and a put, asked by the same kind of client in the same run:
// bare_post         a bare TLS server that answers 1.5 KB: 200 by one client, then 3,000 by 16
// same_transfer     the same with the bytes of a create: a Pod of 1.2 KB in, 3.5 KB out
// durable_post      a server that parses the Pod, writes it as JSON, appends that to a file, syncs many at once, and answers it
// transfer          one answer of --list-bytes, ten times, over the connections of the posts
// node floors.mjs --cert c --key k [--posts 2000] [--list-bytes 7800000]
import https from "node:https";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

if (!isMainThread) appendAndSync();
else if (process.argv[2] === "server") serve(...process.argv.slice(3));
else await measure();

function appendAndSync() {
  const file = fs.openSync(workerData, "wx");
  fs.unlinkSync(workerData);
  parentPort.on("message", (bytes) => {
    fs.writeSync(file, new Uint8Array(bytes));
    fs.fdatasyncSync(file);
    parentPort.postMessage(0);
  });
}

function serve(mode, key, cert, listBytes) {
  const answers = { bare: Buffer.alloc(1500, 120), same: Buffer.alloc(3500, 120), list: Buffer.alloc(+listBytes, 120) };
  const disk = mode === "durable" && new Worker(import.meta.filename, { workerData: path.join(os.tmpdir(), `keelson-floor-${process.pid}`) });
  let waiting = [], busy = false;
  const commit = () => {
    const group = waiting;
    waiting = [];
    busy = group.length > 0;
    if (!busy) return;
    const bytes = new Uint8Array(Buffer.concat(group.map(({ object }) => object)));
    disk.postMessage(bytes.buffer, [bytes.buffer]);
    disk.once("message", () => {
      for (const { object, response } of group) response.end(object);
      setImmediate(commit);
    });
  };
  const server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (request, response) => {
    const parts = [];
    request.on("data", (chunk) => parts.push(chunk));
    request.on("end", () => {
      if (request.url === "/list") response.end(answers.list);
      else if (mode !== "durable") response.end(answers[mode]);
      else {
        const pod = JSON.parse(Buffer.concat(parts).toString());
        pod.status = { filling: "y".repeat(2200) };
        waiting.push({ object: Buffer.from(JSON.stringify(pod)), response });
        if (!busy) setImmediate(commit);
        busy = true;
      }
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
}

async function measure() {
  const { values: o } = parseArgs({
    strict: false,
    options: { cert: { type: "string" }, key: { type: "string" }, posts: { type: "string", default: "2000" }, "list-bytes": { type: "string", default: "7800000" } },
  });
  const env = Array.from({ length: 8 }, (_, index) => ({ name: `VAR_${index}`, value: `value-${index}` }));
  const labels = { app: "app", tier: "bench", "app.kubernetes.io/name": "bench", "app.kubernetes.io/part-of": "load" };
  const pod = (name) => ({ apiVersion: "v1", kind: "Pod", metadata: { name, labels, annotations: { "example.com/note": "x".repeat(200) } }, spec: { schedulerName: "none", containers: [{ name: "c", image: "registry.local/app:v1", env, resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "1", memory: "128Mi" } } }] } });
  const plain = "x".repeat(1500);
  const out = {};
  for (const mode of ["bare", "same", "durable"]) {
    const child = spawn(process.execPath, [import.meta.filename, "server", mode, o.key, o.cert, o["list-bytes"]], { stdio: ["ignore", "pipe", "inherit"] });
    const port = await new Promise((resolve) => child.stdout.once("data", (data) => resolve(+data)));
    const agent = new https.Agent({ keepAlive: true, maxSockets: 256, cert: fs.readFileSync(o.cert), key: fs.readFileSync(o.key), rejectUnauthorized: false });
    const ask = (method, where, body) =>
      new Promise((resolve, reject) => {
        const data = body && Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
        const sent = https.request({ agent, host: "127.0.0.1", port, method, path: where, headers: data ? { "content-type": "application/json", "content-length": data.length } : {} }, (answer) => {
          answer.resume();
          answer.on("end", resolve);
        });
        sent.on("error", reject);
        sent.end(data);
      });
    const post = (name) => ask("POST", "/", mode === "bare" ? plain : pod(name));
    const one = await pool(200, 1, (at) => post(`s${at}`));
    const many = await pool(mode === "bare" ? 3000 : +o.posts, 16, (at) => post(`p${at}`));
    const name = { bare: "bare_post", same: "same_transfer", durable: "durable_post" }[mode];
    out[name] = { p50: one.p50, per_s: many.per_s };
    if (mode === "bare") out.transfer = { p50: (await pool(10, 1, () => ask("GET", "/list"))).p50 };
    child.kill();
  }
  console.log(JSON.stringify(out));
  process.exit(0);
}

async function pool(total, writers, run) {
  let next = 0;
  const times = [];
  const started = performance.now();
  await Promise.all(Array.from({ length: writers }, async () => {
    while (next < total) {
      const at = next++;
      const before = performance.now();
      await run(at);
      times.push(performance.now() - before);
    }
  }));
  times.sort((left, right) => left - right);
  return { per_s: Math.round((total / (performance.now() - started)) * 1000), p50: +times[times.length >> 1].toFixed(2) };
}
