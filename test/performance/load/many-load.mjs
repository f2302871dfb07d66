// Many Pods in one server: makes them, or lists all of them beside a bare transfer of the same bytes.
// node many-load.mjs --server URL --cert c --key k --make 100000
// node many-load.mjs --server URL --cert c --key k --list 3
import https from "node:https";
import fs from "node:fs";
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
const { values: o } = parseArgs({ strict: false, options: { server: { type: "string" }, cert: { type: "string" }, key: { type: "string" }, make: { type: "string" }, list: { type: "string" } } });
const agent = new https.Agent({ keepAlive: true, maxSockets: 32, cert: fs.readFileSync(o.cert), key: fs.readFileSync(o.key), rejectUnauthorized: false });
const ask = (address, method, path, body) =>
  new Promise((resolve, reject) => {
    const data = body && Buffer.from(JSON.stringify(body));
    const sent = https.request({ agent, host: address.hostname, port: address.port, method, path, headers: data ? { "content-type": "application/json", "content-length": data.length } : {} }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk) => { bytes += chunk.length; });
      answer.on("end", () => resolve({ status: answer.statusCode, bytes }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(data);
  });
const server = new URL(o.server);
const env = Array.from({ length: 8 }, (_, index) => ({ name: `VAR_${index}`, value: `value-${index}` }));
const pod = (at) => ({ metadata: { name: `many-${at}`, labels: { app: `app-${at % 50}`, tier: "bench" }, annotations: { "example.com/note": "x".repeat(200) } }, spec: { schedulerName: "none", automountServiceAccountToken: false, containers: [{ name: "c", image: "registry.local/app:v1", env, resources: { requests: { cpu: "100m", memory: "64Mi" } } }] } });
if (o.make) {
  await ask(server, "POST", "/api/v1/namespaces", { metadata: { name: "many" } });
  await ask(server, "POST", "/api/v1/namespaces/many/serviceaccounts", { metadata: { name: "default" } });
  let next = 0, bad = 0;
  const started = performance.now();
  await Promise.all(Array.from({ length: 16 }, async () => {
    while (next < +o.make) if ((await ask(server, "POST", "/api/v1/namespaces/many/pods", pod(next++))).status !== 201) bad++;
  }));
  console.log(JSON.stringify({ made: +o.make - bad, bad, per_s: Math.round(+o.make / ((performance.now() - started) / 1000)) }));
} else {
  const timed = async (address, path) => {
    const times = [];
    let bytes = 0;
    for (let count = 0; count < +o.list; count++) {
      const started = performance.now();
      ({ bytes } = await ask(address, "GET", path));
      times.push(Math.round(performance.now() - started));
    }
    return { bytes, times };
  };
  const ours = await timed(server, "/api/v1/pods");
  const program = `const https=require("https"),fs=require("fs");const [key,cert,size]=process.argv.slice(1);const part=Buffer.alloc(262144,120);https.createServer({key:fs.readFileSync(key),cert:fs.readFileSync(cert)},(q,r)=>{let left=+size;r.writeHead(200,{"content-length":left});const more=()=>{while(left>0){const piece=part.subarray(0,Math.min(left,part.length));left-=piece.length;if(left===0)return r.end(piece);if(!r.write(piece)){r.once("drain",more);return}}};more()}).listen(0,"127.0.0.1",function(){console.log(this.address().port)})`;
  const child = spawn(process.execPath, ["-e", program, o.key, o.cert, String(ours.bytes)], { stdio: ["ignore", "pipe", "inherit"] });
  const port = await new Promise((resolve) => child.stdout.once("data", (data) => resolve(+data)));
  const bare = await timed(new URL(`https://127.0.0.1:${port}`), "/");
  child.kill();
  console.log(JSON.stringify({ bytes: ours.bytes, list_ms: ours.times, bare_ms: bare.times }));
}
process.exit(0);
