// Runs a command through a kubelet's server the way kubectl does, for tests in network namespaces:
// exec-over-websocket.ts FOLDER PATH [INPUT]. Prints {"stdout", "stderr", "status"}.
import { readFileSync } from "node:fs";
import { WebSocket } from "ws";

const [folder, path, input] = process.argv.slice(2) as [string, string, string | undefined];
const socket = new WebSocket(`wss://127.0.0.1:10250${path}`, "v5.channel.k8s.io", {
  cert: readFileSync(`${folder}/client.crt`),
  key: readFileSync(`${folder}/client.key`),
  rejectUnauthorized: false,
});
const heard: Record<number, string> = { 1: "", 2: "", 3: "" };
socket.on("message", (data: Buffer) => {
  heard[data[0] as number] += data.subarray(1).toString();
});
socket.on("open", () => {
  if (input === undefined) return;
  socket.send(Buffer.concat([Buffer.of(0), Buffer.from(input)]));
  socket.send(Buffer.of(255, 0));
});
socket.on("close", (code) => {
  console.log(JSON.stringify({ stdout: heard[1], stderr: heard[2], status: JSON.parse(heard[3] || "{}"), code }));
});
socket.on("error", (error) => {
  console.log(JSON.stringify({ error: error.message }));
});
