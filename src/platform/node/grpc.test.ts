import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server, ServerCredentials, type ServiceDefinition, status } from "@grpc/grpc-js";
import { GrpcError } from "../network.ts";
import { grpcChannel } from "./grpc.ts";

const same = (bytes: Buffer): Buffer => bytes;
const method = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
  requestStream: false,
};
const service = {
  echo: { ...method, path: "/test.Test/Echo", responseStream: false },
  fail: { ...method, path: "/test.Test/Fail", responseStream: false },
  hang: { ...method, path: "/test.Test/Hang", responseStream: false },
  count: { ...method, path: "/test.Test/Count", responseStream: true },
} satisfies ServiceDefinition;

const folder = mkdtempSync(join(tmpdir(), "keelson-"));
const target = `unix://${join(folder, "grpc.sock")}`;
const server = new Server();
let cancelled: (() => void) | undefined;

before(async () => {
  server.addService(service, {
    echo: (call: { request: Buffer }, done: (error: null, reply: Buffer) => void) => done(null, call.request),
    fail: (_: unknown, done: (error: object) => void) => done({ code: status.NOT_FOUND, details: "no such container" }),
    hang: () => {},
    count: (call: { write(reply: Buffer): void; end(): void; on(event: string, heard: () => void): void; request: Buffer }) => {
      call.on("cancelled", () => cancelled?.());
      for (const letter of call.request.toString()) call.write(Buffer.from(letter));
      if (call.request.length < 10) call.end();
    },
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(target, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
  );
});
after(() => {
  server.forceShutdown();
  rmSync(folder, { recursive: true, force: true });
});

test("calls, streams and failures over a unix socket", async () => {
  const channel = grpcChannel(target);
  const message = new TextEncoder().encode("hello");
  assert.equal(Buffer.from(await channel.call("/test.Test/Echo", message)).toString(), "hello");
  await assert.rejects(channel.call("/test.Test/Fail", message), new GrpcError(5, "no such container"));
  await assert.rejects(channel.call("/test.Test/None", message), { name: "GrpcError", code: 12 });
  await assert.rejects(channel.call("/test.Test/Hang", message, { timeoutMilliseconds: 30 }), { code: 4 });
  const stop = new AbortController();
  const hanging = channel.call("/test.Test/Hang", message, { signal: stop.signal });
  setImmediate(() => stop.abort(new Error("stopped")));
  await assert.rejects(hanging, { message: "stopped" });
  let letters = "";
  for await (const reply of channel.stream("/test.Test/Count", message)) letters += Buffer.from(reply).toString();
  assert.equal(letters, "hello");
  const left = new Promise<void>((resolve) => (cancelled = resolve));
  for await (const _ of channel.stream("/test.Test/Count", Buffer.from("a".repeat(20)))) break;
  await left;
  channel.close();
  await assert.rejects(channel.call("/test.Test/Echo", message), { code: 14 });
});

test("nobody there is unavailable", async () => {
  const channel = grpcChannel(`unix://${join(folder, "none.sock")}`);
  await assert.rejects(channel.call("/test.Test/Echo", new Uint8Array(0)), { name: "GrpcError", code: 14 });
  channel.close();
});
