// Pushes updates of a few objects to many watchers at once and counts what arrives, from one client process that does as little as it can with
// the bytes. With --server, of an API server; without, of a bare TLS server in a process of its own that sends chunks of the same size.
// node watch-load.mjs --cert c --key k [--server URL] [--watchers 50] [--updates 300] [--bytes 4060]
// Prints one JSON line. `missing` and `disorder` must be 0.
import https from "node:https";
import fs from "node:fs";
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
const { values: o } = parseArgs({
  strict: false,
  options: {
    server: { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
    watchers: { type: "string", default: "50" },
    updates: { type: "string", default: "300" },
    bytes: { type: "string", default: "4060" },
  },
});
const bareServer = `
const https = require("https"), fs = require("fs");
const [key, cert, bytes] = process.argv.slice(1);
const streams = []; let revision = 0;
https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (request, response) => {
  if (request.method === "GET") { response.writeHead(200); response.flushHeaders(); streams.push(response); return; }
  let body = "";
  request.on("data", (chunk) => { body += chunk; });
  request.on("end", () => {
    const start = '{"type":"MODIFIED","object":{"metadata":{"annotations":{"load":"' + JSON.parse(body).metadata.annotations.load + '"}},"x":"';
    const event = Buffer.from(start + "y".repeat(bytes - start.length - 4) + '"}}\\n');
    for (const stream of streams) stream.write(event);
    response.end("{}");
  });
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });`;
let child;
let address = o.server && new URL(o.server);
if (!address) {
  child = spawn(process.execPath, ["-e", bareServer, o.key, o.cert, o.bytes], { stdio: ["ignore", "pipe", "inherit"] });
  address = new URL(`https://127.0.0.1:${await new Promise((resolve) => child.stdout.once("data", (data) => resolve(+data)))}`);
}
const agent = new https.Agent({ keepAlive: true, maxSockets: 2048, cert: fs.readFileSync(o.cert), key: fs.readFileSync(o.key), rejectUnauthorized: false });
const request = (method, path, { body, type, sink } = {}) =>
  new Promise((resolve, reject) => {
    const data = body && Buffer.from(JSON.stringify(body));
    const headers = data ? { "content-type": type ?? "application/json", "content-length": data.length } : {};
    const sent = https.request({ agent, host: address.hostname, port: address.port, method, path, headers }, (answer) => {
      if (sink) {
        answer.on("data", sink);
        resolve(answer);
        return;
      }
      const parts = [];
      answer.on("data", (chunk) => parts.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, text: Buffer.concat(parts).toString() }));
    });
    sent.on("error", reject);
    sent.end(data);
  });

const objects = "/api/v1/namespaces/default/configmaps";
/** As many as no two writers ever meet at one. */
const written = 16;
if (o.server) {
  await request("DELETE", `${objects}?labelSelector=watched`);
  for (let index = 0; index < written; index++) {
    const body = { metadata: { name: `watched-${index}`, labels: { watched: "" }, annotations: { load: "none" } }, data: { filling: "y".repeat(+o.bytes - 750) } };
    const made = await request("POST", objects, { body });
    if (made.status !== 201) throw new Error(made.text);
  }
}
const watchers = +o.watchers, updates = +o.updates;
const needle = Buffer.from('"load":"'), versionNeedle = Buffer.from('"resourceVersion":"');
const sentAt = [], delays = [];
let disorder = 0, done;
const all = new Promise((resolve) => { done = resolve; });
for (let w = 0; w < watchers; w++) {
  // Of what a chunk cut through, only so much is kept as may hold the beginning of what is looked for: revision, then number.
  let rest = Buffer.alloc(0), last = -1;
  await request("GET", `${objects}?watch=1&labelSelector=watched`, {
    sink(chunk) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      let end = 0;
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, end)) {
        const close = bytes.indexOf(34, at + needle.length);
        if (close < 0) break;
        const update = +bytes.latin1Slice(at + needle.length, close);
        end = close;
        if (Number.isNaN(update)) continue;
        if (o.server) {
          const version = bytes.lastIndexOf(versionNeedle, at) + versionNeedle.length;
          const revision = parseInt(bytes.latin1Slice(version, version + 16), 10);
          if (!(revision > last)) disorder++;
          last = revision;
        }
        delays.push(performance.now() - sentAt[update]);
        if (delays.length === watchers * updates) done();
      }
      rest = bytes.subarray(Math.max(end, bytes.length - 300));
    },
  });
}
await new Promise((resolve) => setTimeout(resolve, 500));
const started = performance.now();
let next = 0;
await Promise.all(Array.from({ length: 4 }, async () => {
  while (next < updates) {
    const update = next++;
    sentAt[update] = performance.now();
    await request("PATCH", `${objects}/watched-${update % written}`, { body: { metadata: { annotations: { load: String(update) } } }, type: "application/merge-patch+json" });
  }
}));
await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 60_000))]);
const seconds = (performance.now() - started) / 1000;
const events = delays.length;
delays.sort((left, right) => left - right);
const at = (share) => +(delays[Math.floor(events * share)] ?? 0).toFixed(2);
console.log(JSON.stringify({ watchers, updates, events, missing: watchers * updates - events, disorder, per_s: Math.round(events / seconds), p50: at(0.5), p99: at(0.99) }));
child?.kill();
process.exit(0);
