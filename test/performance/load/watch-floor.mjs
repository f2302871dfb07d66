// What this machine can push to watchers in this run: a bare TLS server, in its own process, that sends events of the same size to as many
// streams, asked by a client that does what api-load.mjs does with them.
// node watch-floor.mjs --cert c --key k [--watchers 50] [--updates 300] [--bytes 4060]
import https from "node:https";
import fs from "node:fs";
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
const { values: o } = parseArgs({
  strict: false,
  options: {
    cert: { type: "string" },
    key: { type: "string" },
    watchers: { type: "string", default: "50" },
    updates: { type: "string", default: "300" },
    bytes: { type: "string", default: "4060" },
  },
});
const server = `
const https = require("https"), fs = require("fs");
const [key, cert, bytes] = process.argv.slice(1);
const streams = []; let revision = 0;
https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (request, response) => {
  if (request.method === "GET") { response.writeHead(200); response.flushHeaders(); streams.push(response); return; }
  let body = "";
  request.on("data", (chunk) => { body += chunk; });
  request.on("end", () => {
    const start = '{"type":"MODIFIED","object":{"metadata":{"resourceVersion":"' + ++revision + '","annotations":{"bench":"' + body + '"}},"x":"';
    const event = Buffer.from(start + "y".repeat(bytes - start.length - 4) + '"}}\\n');
    for (const stream of streams) stream.write(event);
    response.end("{}");
  });
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });`;
const child = spawn(process.execPath, ["-e", server, o.key, o.cert, o.bytes], { stdio: ["ignore", "pipe", "inherit"] });
const port = await new Promise((resolve) => child.stdout.once("data", (data) => resolve(+data)));
const agent = new https.Agent({ keepAlive: true, maxSockets: 256, cert: fs.readFileSync(o.cert), key: fs.readFileSync(o.key), rejectUnauthorized: false });
const request = (method, body, sink) =>
  new Promise((resolve, reject) => {
    const sent = https.request({ agent, host: "127.0.0.1", port, method, path: "/" }, (answer) => {
      if (sink) {
        answer.on("data", sink);
        resolve();
        return;
      }
      answer.resume();
      answer.on("end", () => resolve());
    });
    sent.on("error", reject);
    sent.end(body);
  });
const watchers = +o.watchers, updates = +o.updates;
const sentAt = new Map(), delays = [];
let done;
const all = new Promise((resolve) => { done = resolve; });
for (let w = 0; w < watchers; w++) {
  let text = "", last = 0;
  await request("GET", undefined, (chunk) => {
    text += chunk;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      const update = /"bench":"(\d+)"/.exec(line);
      if (!update) continue;
      last = Math.max(last, +/"resourceVersion":"(\d+)"/.exec(line)[1]);
      delays.push(performance.now() - sentAt.get(+update[1]));
      if (delays.length === watchers * updates) done();
    }
  });
}
await new Promise((resolve) => setTimeout(resolve, 300));
const started = performance.now();
let next = 0;
await Promise.all(Array.from({ length: 4 }, async () => {
  while (next < updates) {
    const update = next++;
    sentAt.set(update, performance.now());
    await request("POST", String(update));
  }
}));
await all;
const seconds = (performance.now() - started) / 1000;
delays.sort((left, right) => left - right);
console.log(JSON.stringify({ watchers, updates, per_s: Math.round(delays.length / seconds), p99: +delays[Math.floor(delays.length * 0.99)].toFixed(2) }));
child.kill();
process.exit(0);
