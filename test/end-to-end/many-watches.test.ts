// 5,000 watches of one client: each gets every event once and in order, in bounded memory. One that does not read is cut, and no one else
// notices; connections that never finish a request hold nobody up.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import tls from "node:tls";
import { ask, type DevProcess, startDevProcess } from "../support/dev-process.ts";

const watches = 5_000;
const streamsPerConnection = 200;
const writes = 20;
const growthMaxMebibytes = 400;
const collection = "/api/v1/namespaces/default/configmaps";

const folder = mkdtempSync(join(tmpdir(), "keelson-watches-"));
let server: DevProcess;
before(async () => {
  server = await startDevProcess(folder, { more: ["--nodes", "0"] });
});
after(async () => {
  await server?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("5,000 watches all see every event, once and in order", { timeout: 180_000 }, async (t) => {
  const from = await revision();
  const idle = residentMebibytes();
  const sessions = Array.from({ length: Math.ceil(watches / streamsPerConnection) }, () =>
    http2.connect(`https://127.0.0.1:${server.port}`, server.credentials),
  );
  t.after(() => {
    for (const session of sessions) session.destroy();
  });
  const names = Array.from({ length: writes }, (_, index) => `many-${index}`);
  const path = `${collection}?watch=1&resourceVersion=${from}`;
  const opened = Array.from({ length: watches }, (_, index) =>
    openWatch(sessions[index % sessions.length] as http2.ClientHttp2Session, path, writes),
  );
  await Promise.all(opened.map(({ answered }) => answered));
  const open = residentMebibytes();
  for (const name of names) assert.equal((await create(name, "x".repeat(1_000))).status, 201);
  const seen = await Promise.all(opened.map(({ complete }) => complete));
  for (const events of seen) assert.deepEqual(events, names);
  const grown = residentMebibytes() - idle;
  t.diagnostic(`idle ${idle} MiB, with ${watches} watches ${open} MiB, after ${writes * watches} events ${idle + grown} MiB`);
  assert.ok(grown < growthMaxMebibytes, `the server grew by ${grown} MiB`);
});

test("a watch that is not read is cut; the others go on", { timeout: 120_000 }, async (t) => {
  const from = await revision();
  const path = `${collection}?watch=1&resourceVersion=${from}`;
  const slow = tls.connect({ host: "127.0.0.1", port: server.port, ...server.credentials, ALPNProtocols: ["http/1.1"] });
  t.after(() => slow.destroy());
  await new Promise((resolve) => slow.once("secureConnect", resolve));
  slow.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  await new Promise((resolve) => slow.once("data", resolve));
  slow.pause();

  const session = http2.connect(`https://127.0.0.1:${server.port}`, server.credentials);
  t.after(() => session.destroy());
  const names = Array.from({ length: 60 }, (_, index) => `slow-${index}`);
  const reader = openWatch(session, path, names.length);
  await reader.answered;
  for (const [index, name] of names.entries()) {
    assert.equal((await create(name, "x".repeat(900_000))).status, 201);
    await reader.until(index + 1);
  }
  assert.deepEqual(await reader.complete, names);

  let received = 0;
  const ended = new Promise<void>((resolve) => slow.once("close", () => resolve()));
  slow.on("error", () => {});
  slow.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  slow.resume();
  await ended;
  assert.ok(received < names.length * 900_000, `${received} bytes came although nobody read`);
});

test("connections that never finish a request hold nobody up", { timeout: 60_000 }, async (t) => {
  const half = await Promise.all(
    Array.from(
      { length: 300 },
      (_, index) =>
        new Promise<tls.TLSSocket>((resolve, reject) => {
          const socket = tls.connect({ host: "127.0.0.1", port: server.port, ...server.credentials, ALPNProtocols: ["http/1.1"] });
          socket.once("error", reject);
          socket.once("secureConnect", () => {
            if (index % 3 === 1) socket.write("GET /api HTTP/1.1\r\nHost: ");
            if (index % 3 === 2) socket.write(`POST ${collection} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"meta`);
            resolve(socket);
          });
        }),
    ),
  );
  t.after(() => {
    for (const socket of half) socket.destroy();
  });
  const started = performance.now();
  assert.equal((await create("beside-half-open", "x")).status, 201);
  assert.equal((await ask(server, "GET", `${collection}/beside-half-open`)).status, 200);
  assert.ok(performance.now() - started < 2_000);
});

function create(name: string, data: string) {
  return ask(server, "POST", collection, { metadata: { name }, data: { data } });
}

async function revision(): Promise<string> {
  return (await ask(server, "GET", `${collection}?limit=1`)).json.metadata.resourceVersion;
}

function residentMebibytes(): number {
  const kibibytes = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kibibytes) / 1024);
}

/** Follows a watch as one HTTP/2 stream: the names of its first `wanted` ADDED events. */
function openWatch(session: http2.ClientHttp2Session, path: string, wanted: number) {
  const stream = session.request({ ":path": path });
  const names: string[] = [];
  let rest = "";
  let onEvents: (() => void) | undefined;
  const answered = new Promise<void>((resolve, reject) => {
    stream.once("response", (headers) => (headers[":status"] === 200 ? resolve() : reject(new Error(`status ${headers[":status"]}`))));
    stream.once("error", reject);
  });
  const complete = new Promise<readonly string[]>((resolve, reject) => {
    stream.once("error", reject);
    stream.once("close", () => reject(new Error(`closed after ${names.length} events`)));
    stream.on("data", (chunk: Buffer) => {
      rest += String(chunk);
      for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
        const { type, object } = JSON.parse(rest.slice(0, at));
        rest = rest.slice(at + 1);
        if (type === "ADDED") names.push(object.metadata.name);
      }
      onEvents?.();
      if (names.length >= wanted) resolve(names);
    });
  });
  complete.catch(() => {});
  /** Resolves when that many events are here; rejects when the watch ends before. */
  const until = (count: number): Promise<unknown> => {
    const enough = new Promise<void>((resolve) => {
      onEvents = () => {
        if (names.length >= count) resolve();
      };
      onEvents();
    });
    return Promise.race([enough, complete]);
  };
  return { answered, complete, until };
}
