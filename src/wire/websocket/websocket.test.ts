// Frames, the handshake, and a remote command carried from a WebSocket to SPDY and back.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { BoundedChannel } from "#base/channel.ts";
import type { ByteStream } from "../http/stream.ts";
import { SpdyReader, SpdyWriter } from "../spdy/frames.ts";
import { closeCodes, closePayload, MessageReader, opcodes, WebSocketError, writeFrame } from "./frames.ts";
import { acceptHeaders, chooseProtocol } from "./handshake.ts";
import { bridgePortForward } from "./port-forward.ts";
import { bridgeRemoteCommand, type RemoteCommandProtocol } from "./remote-command.ts";
import { sha1 } from "./sha1.ts";
import { WebSocket } from "./web-socket.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);
const key = Uint8Array.of(1, 2, 3, 4);

/** Two ends of one connection. */
function pair(): [ByteStream, ByteStream] {
  const ways = [new BoundedChannel<Uint8Array>(1_000), new BoundedChannel<Uint8Array>(1_000)] as const;
  const closed = Promise.withResolvers<void>();
  const end = (from: BoundedChannel<Uint8Array>, to: BoundedChannel<Uint8Array>): ByteStream => ({
    incoming: from,
    write: async (chunk) => {
      if (!to.push(chunk)) throw new Error("the connection is gone");
    },
    end: () => to.close(),
    destroy: () => {
      from.close();
      to.close();
      closed.resolve();
    },
    closed: closed.promise,
  });
  return [end(ways[0], ways[1]), end(ways[1], ways[0])];
}

test("sha1 is sha1", () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 1000]) {
    const input = new Uint8Array(length).fill(length);
    assert.equal(Buffer.from(sha1(input)).toString("hex"), createHash("sha1").update(input).digest("hex"));
  }
});

test("the handshake answers the key of RFC 6455", () => {
  const headers = { upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
  assert.equal(acceptHeaders(headers, undefined)?.["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  assert.equal(acceptHeaders({ ...headers, "sec-websocket-version": "8" }, undefined), undefined);
  assert.equal(
    chooseProtocol({ "sec-websocket-protocol": "a, v4.channel.k8s.io" }, ["v5.channel.k8s.io", "v4.channel.k8s.io"]),
    "v4.channel.k8s.io",
  );
});

test("messages of every size, cut anywhere", () => {
  for (const size of [0, 1, 125, 126, 65_535, 65_536]) {
    const payload = new Uint8Array(size).fill(7);
    const frame = writeFrame(opcodes.binary, payload, key);
    const reader = new MessageReader({ masked: true, messageMax: 100_000 });
    const messages = [...reader.push(frame.subarray(0, 5)), ...reader.push(frame.subarray(5))];
    assert.equal(messages.length, 1);
    assert.deepEqual((messages[0] as { bytes: Uint8Array }).bytes, payload);
  }
});

test("parts are put together, pings come between them", () => {
  const reader = new MessageReader({ masked: true, messageMax: 10 });
  const first = writeFrame(opcodes.text, bytes("ab"), key);
  first[0] = opcodes.text;
  assert.deepEqual(reader.push(first), []);
  assert.equal(reader.push(writeFrame(opcodes.ping, bytes("p"), key))[0]?.type, "ping");
  const [message] = reader.push(writeFrame(opcodes.continuation, bytes("cd"), key));
  assert.equal(message?.type === "text" && text(message.bytes), "abcd");
});

test("what breaks the rules is told by its code", () => {
  const code = (frame: Uint8Array, masked = true) => {
    try {
      new MessageReader({ masked, messageMax: 10 }).push(frame);
      return undefined;
    } catch (error) {
      return (error as WebSocketError).code;
    }
  };
  assert.equal(code(writeFrame(opcodes.binary, bytes("x"))), 1002);
  assert.equal(code(writeFrame(opcodes.binary, bytes("x"), key), false), 1002);
  assert.equal(code(writeFrame(opcodes.binary, new Uint8Array(11), key)), 1009);
  assert.equal(code(writeFrame(opcodes.text, Uint8Array.of(0xff), key)), 1007);
  assert.equal(code(writeFrame(opcodes.continuation, bytes("x"), key)), 1002);
  assert.equal(code(writeFrame(opcodes.close, closePayload(1005, ""), key)), 1002);
  assert.equal(code(writeFrame(3, bytes("x"), key)), 1002);
});

test("empty parts without end are as much as a message that is too long", () => {
  const reader = new MessageReader({ masked: false, messageMax: 1_000 });
  reader.push(Uint8Array.of(opcodes.text, 0));
  const more = () => {
    for (let part = 0; part < 20_000; part += 1) reader.push(Uint8Array.of(opcodes.continuation, 0));
  };
  assert.throws(more, (error: WebSocketError) => error.code === closeCodes.tooBig);
});

interface Side {
  readonly socket: WebSocket;
  readonly said: Record<number, string>;
  readonly bridged: Promise<void>;
  readonly ended: Promise<void>;
}

/** A runtime that runs "cat", says "done" on the error channel and ends when its input does, or says "quit". */
async function runCat(stream: ByteStream, status = '{"status":"Success"}'): Promise<string | undefined> {
  const reader = new SpdyReader(1 << 20);
  const writer = new SpdyWriter();
  const ids: Record<string, number> = {};
  for await (const chunk of stream.incoming) {
    for (const frame of reader.push(chunk)) {
      if (frame.type === "syn stream") {
        ids[frame.headers["streamtype"] ?? ""] = frame.id;
        await stream.write(writer.synReply(frame.id, {}));
      }
      if (frame.type !== "data" || frame.id !== ids["stdin"]) continue;
      if (frame.bytes.length > 0) await stream.write(writer.data(ids["stdout"] as number, frame.bytes));
      if (!frame.final && text(frame.bytes) !== "quit") continue;
      await stream.write(writer.data(ids["error"] as number, bytes(status), true));
      for (const name of ["stdout", "stderr"]) await stream.write(writer.data(ids[name] as number, new Uint8Array(0), true));
      return status;
    }
  }
  return undefined;
}

function start(protocol: RemoteCommandProtocol, status = '{"status":"Success"}'): Side {
  const [client, server] = pair();
  const [near, far] = pair();
  void runCat(far, status);
  const options = { protocol, stdin: true, stdout: true, stderr: true, tty: false, head: new Uint8Array(0), patience: async () => {} };
  const bridged = bridgeRemoteCommand(server, near, options);
  const socket = new WebSocket(client, { side: { randomBytes: () => key } });
  const said: Record<number, string> = {};
  const ended = (async () => {
    for await (const message of socket.messages()) {
      const channel = message.bytes[0] as number;
      said[channel] = (said[channel] ?? "") + text(message.bytes.subarray(1));
    }
  })();
  return { socket, said, bridged, ended };
}

const on = (channel: number, value: string | Uint8Array) => Uint8Array.of(channel, ...(typeof value === "string" ? bytes(value) : value));

test("a command hears its input, the end of it, and all it says arrives before the goodbye", async () => {
  const { socket, said, bridged, ended } = start("v5.channel.k8s.io");
  await socket.send(on(0, "hello "));
  await socket.send(on(0, "there"));
  await socket.send(on(1, "not yours to write"));
  await socket.send(Uint8Array.of(255, 0));
  await ended;
  await bridged;
  assert.deepEqual(said, { 1: "hello there", 3: '{"status":"Success"}' });
});

test("older protocols: base64 behind a digit, and words instead of a Status", async () => {
  const { socket, said, bridged, ended } = start("v4.base64.channel.k8s.io");
  await socket.send(bytes(`0${btoa("hello")}`), "text");
  await socket.send(bytes("0not base64!"), "text");
  await socket.send(bytes(`0${btoa("quit")}`), "text");
  await Promise.all([ended, bridged]);
  assert.deepEqual(said, { 0x31: btoa("hello") + btoa("quit"), 0x33: btoa('{"status":"Success"}') });

  const failing = start("channel.k8s.io", '{"status":"Failure","message":"command terminated with exit code 3"}');
  await failing.socket.send(on(0, "quit"));
  await Promise.all([failing.ended, failing.bridged]);
  assert.deepEqual(failing.said, { 1: "quit", 3: "command terminated with exit code 3" });
});

test("ports are forwarded by pairs of channels that begin with the port", async () => {
  const [client, server] = pair();
  const [near, far] = pair();
  void runEcho(far);
  const bridged = bridgePortForward(server, near, {
    protocol: "v4.channel.k8s.io",
    ports: [8080, 1],
    head: new Uint8Array(0),
    patience: async () => {},
  });
  const socket = new WebSocket(client, { side: { randomBytes: () => key } });
  const said: Record<number, number[]> = {};
  const heard = Promise.withResolvers<void>();
  void (async () => {
    for await (const { bytes: message } of socket.messages()) {
      const channel = message[0] as number;
      said[channel] = [...(said[channel] ?? []), ...message.subarray(1)];
      if (said[0]?.length === 4 && said[2]?.length === 3 && said[3]?.length === 2) heard.resolve();
    }
  })();
  await socket.send(on(0, "ab"));
  await socket.send(on(2, "c"));
  await heard.promise;
  assert.deepEqual(said, { 0: [0x90, 0x1f, 97, 98], 1: [0x90, 0x1f], 2: [1, 0, 99], 3: [1, 0] });
  await socket.close(1000, "");
  await bridged;
});

/** A runtime that sends back what comes on each data stream. */
async function runEcho(stream: ByteStream): Promise<void> {
  const reader = new SpdyReader(1 << 20);
  const writer = new SpdyWriter();
  for await (const chunk of stream.incoming) {
    for (const frame of reader.push(chunk)) {
      if (frame.type === "syn stream") await stream.write(writer.synReply(frame.id, {}));
      if (frame.type === "data" && frame.bytes.length > 0) await stream.write(writer.data(frame.id, frame.bytes));
    }
  }
}

test("a client that goes takes the command's connection with it", async () => {
  const { socket, bridged } = start("v4.channel.k8s.io");
  await socket.send(on(0, "x"));
  await socket.send(Uint8Array.of(255, 0));
  await socket.close(1000, "");
  await bridged;
});

test("a command whose client vanished sees the end of its input, and is read until it ends", async () => {
  const [client, server] = pair();
  const [near, far] = pair();
  const command = runCat(far);
  const options = { protocol: "v5.channel.k8s.io", stdin: true, stdout: true, stderr: true, tty: false, head: new Uint8Array(0) } as const;
  const { promise: patience, resolve } = Promise.withResolvers<void>();
  const broken: ByteStream = {
    ...server,
    incoming: (async function* () {
      yield* [writeFrame(opcodes.binary, on(0, "x"), key)];
      throw new Error("reset by peer");
    })(),
    write: async () => {
      throw new Error("reset by peer");
    },
  };
  const bridged = bridgeRemoteCommand(broken, near, { ...options, patience: () => patience });
  // It says its Status only behind the end of its input.
  assert.equal(await command, '{"status":"Success"}');
  resolve();
  await bridged;
  client.destroy();
});

test("a client that breaks the rules is closed, and so is the runtime", async () => {
  const [client, server] = pair();
  const [near, far] = pair();
  const cat = runCat(far);
  const options = {
    protocol: "v5.channel.k8s.io",
    stdin: true,
    stdout: true,
    stderr: false,
    tty: false,
    head: new Uint8Array(0),
    patience: async () => {},
  } as const;
  const bridged = bridgeRemoteCommand(server, near, options);
  await client.write(writeFrame(opcodes.binary, bytes("unmasked")));
  await assert.rejects(bridged, WebSocketError);
  await cat;
});

test("a client that is dropped while the command takes no input does not hold it open", async () => {
  const [client, server] = pair();
  const [near, far] = pair();
  const reader = new SpdyReader(1 << 20);
  const writer = new SpdyWriter();
  void (async () => {
    for await (const chunk of far.incoming)
      for (const frame of reader.push(chunk)) if (frame.type === "syn stream") await far.write(writer.synReply(frame.id, {}));
  })();
  let taken = 0;
  const stuck: ByteStream = { ...near, write: (chunk) => (++taken > 4 ? new Promise(() => {}) : near.write(chunk)) };
  const options = { protocol: "v5.channel.k8s.io", stdin: true, stdout: true, stderr: true, tty: false } as const;
  const bridged = bridgeRemoteCommand(server, stuck, { ...options, head: new Uint8Array(0), patience: async () => {} });
  const socket = new WebSocket(client, { side: { randomBytes: () => key } });
  await socket.send(on(0, "input"));
  while (taken < 5) await new Promise((resolve) => setImmediate(resolve));
  server.destroy();
  await bridged;
});
