// What becomes of a call whose caller gives up, or whose server vanishes, at the wrong moment.
import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { test, type TestContext } from "node:test";
import { targetOf } from "./client-target.ts";
import { http2Client } from "./http2-client.ts";
import { httpClient } from "./network-client.ts";

/** Has the server listen until the test ends; its URL. */
async function listening(t: TestContext, server: net.Server): Promise<string> {
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

test("whoever has given up already reaches for nobody", async (t) => {
  let connections = 0;
  const url = await listening(
    t,
    net.createServer((socket) => {
      connections += 1;
      socket.destroy();
    }),
  );
  const signal = AbortSignal.abort(new Error("given up"));
  for (const http of ["1.1", "2"] as const) {
    const client = httpClient({ url, http });
    await assert.rejects(client.request({ method: "GET", path: "/", signal }), /given up/);
    await assert.rejects(client.upgrade({ method: "GET", path: "/", signal }), /given up/);
    client.close();
  }
  // Who connects now is accepted after all others.
  const last = net.connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
  await once(last, "close");
  assert.equal(connections, 1);
});

test("whoever gives up between the choice of a connection and the request begins nothing", async (t) => {
  const resets: Promise<unknown>[] = [];
  const server = http2.createServer((request, response) => {
    if (request.url === "/warm") return void response.writeHead(204).end();
    resets.push(new Promise((resolve) => response.stream.once("close", resolve)));
    response.stream.on("error", () => {}).close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  });
  const client = httpClient({ url: await listening(t, server), http: "2" });
  t.after(() => client.close());
  const warm = async () => assert.equal((await client.request({ method: "GET", path: "/warm" })).status, 204);
  await warm();
  const body = Buffer.from("x");
  for (let turns = 0; turns < 12; turns += 1) {
    const caller = new AbortController();
    const refused = assert.rejects(client.request({ method: "POST", path: "/", body, signal: caller.signal }), /given up/);
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    caller.abort(new Error("given up"));
    await refused;
  }
  // On one connection, this comes to the server after what was begun before, and its answer after what became of that.
  await warm();
  await Promise.all(resets);
  await warm();
  assert.ok(resets.length < 12, "some had not begun");
});

test("a server that says nothing once it is connected to is given up, and asked anew", async (t) => {
  const speaking = http2.createServer((_, response) => void response.writeHead(204).end());
  let connections = 0;
  const server = net.createServer((socket) => void ((connections += 1) > 1 && speaking.emit("connection", socket)));
  const client = http2Client(targetOf({ url: await listening(t, server) }), 1, 100);
  t.after(() => client.close());
  await assert.rejects(client.request({ method: "GET", path: "/" }), /HTTP\/2 did not begin in time/);
  const answer = await client.request({ method: "GET", path: "/" });
  assert.ok(answer !== "http/1.1");
  assert.equal(answer.status, 204);
});
