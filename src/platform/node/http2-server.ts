// HTTP/2 requests of one listener as messages, through the "stream" event alone: a "request" listener would cost a third of the throughput.
import type { Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Headers, HttpHandler, HttpRequest, HttpResponse, Peer } from "#wire/http/message.ts";
import { peerOf } from "./peer.ts";
import { endWithLong, endWithPieces, sizeOf } from "./pieces.ts";
import { noBytes, readBody } from "./request-body.ts";
import { ask, type Running } from "./running.ts";
import { TurnWriter } from "./turn-writer.ts";

const noError = 0;
const protocolError = 1;
const internalError = 2;
const maxHeaderBytes = 1024 * 1024;
const maxStreams = 250;

export interface Http2Connections {
  readonly server: Http2Server;
  /** Says goodbye on every connection; each closes after its last stream. */
  close(): void;
}

/** A server that never listens: connections are handed to it by emitting "connection". */
export function http2Server(handler: HttpHandler, running: Running, headTimeoutMilliseconds: number): Http2Connections {
  const http2 = process.getBuiltinModule("node:http2");
  const server = http2.createServer({
    settings: { maxConcurrentStreams: maxStreams, initialWindowSize: 256 * 1024, maxHeaderListSize: maxHeaderBytes },
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    maxSessionMemory: 64,
    streamResetBurst: 500,
    streamResetRate: 100,
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => {});
    expectSettings(session, headTimeoutMilliseconds);
    if (running.closing) session.close();
  });
  server.on("sessionError", () => {});
  server.on("stream", (stream, headers) => serve(handler, running, stream, headers));
  return {
    server,
    close: () => {
      for (const session of sessions) session.close();
    },
  };
}

/** A connection that does not even send its first frame is dropped. */
function expectSettings(session: ServerHttp2Session, headTimeoutMilliseconds: number): void {
  const timer = setTimeout(() => session.destroy(), headTimeoutMilliseconds);
  timer.unref();
  const settle = (): void => clearTimeout(timer);
  session.once("remoteSettings", settle);
  session.once("close", settle);
}

const peers = new WeakMap<Http2Session, Peer>();

/** Not `session.socket`: that is a proxy, made for every session and slow to ask. */
export function acceptHttp2(connections: Http2Connections, socket: Socket): void {
  connections.server.once("session", (session) => {
    const peer = peerOf(socket);
    peers.set(session, peer);
  });
  // HTTP/2 has no half-closed connections: a peer that closed its side is gone, and its streams with it.
  socket.allowHalfOpen = false;
  connections.server.emit("connection", socket);
}

function serve(handler: HttpHandler, running: Running, stream: ServerHttp2Stream, sent: IncomingHttpHeaders): void {
  stream.on("error", () => {});
  const url = sent[":path"];
  const peer = stream.session && peers.get(stream.session);
  if (url === undefined || !peer) {
    stream.close(protocolError);
    return;
  }
  const gone = new AbortController();
  running.add(gone);
  stream.on("close", () => {
    running.delete(gone);
    if (stream.rstCode !== noError || !stream.writableFinished) gone.abort();
  });
  const mark = url.indexOf("?");
  const message: HttpRequest = {
    method: sent[":method"] as string,
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? "" : url.slice(mark + 1),
    headers: headersOf(sent),
    peer,
    body: stream.endAfterHeaders ? empty : (limit) => readStream(stream, sent, limit),
    signal: gone.signal,
  };
  ask(handler, message).then(
    (answer) => {
      try {
        respond(running, gone, stream, message.method === "HEAD", answer);
      } catch (error) {
        refuse(running, stream, error);
        // Whoever would have written to it is not waited for.
        gone.abort();
      }
    },
    (error) => refuse(running, stream, error),
  );
}

function readStream(stream: ServerHttp2Stream, sent: IncomingHttpHeaders, limit: number): Promise<Uint8Array> {
  if (sent["expect"] === "100-continue" && !stream.headersSent && !stream.destroyed) stream.additionalHeaders({ ":status": 100 });
  // Node ends the reading of a stream that was reset, or whose connection is gone, as if it were whole.
  return readBody(stream, sent["content-length"], limit, () => stream.destroyed || stream.rstCode !== noError || stream.aborted);
}

async function empty(): Promise<Uint8Array> {
  return noBytes;
}

function headersOf(sent: IncomingHttpHeaders): Headers {
  const headers: Record<string, string> = {};
  for (const name in sent) {
    if (name.charCodeAt(0) === 58) continue;
    const value = sent[name] as string | readonly string[];
    headers[name] = typeof value === "string" ? value : value.join(", ");
  }
  const authority = sent[":authority"];
  if (authority !== undefined) headers["host"] = authority;
  return headers;
}

function respond(running: Running, gone: AbortController, stream: ServerHttp2Stream, head: boolean, answer: HttpResponse): void {
  if (stream.destroyed || stream.closed) return;
  const { status, body } = answer;
  const headers: Record<string, string | number> = { ":status": status };
  for (const [name, value] of Object.entries(answer.headers)) if (!connectionHeaders.has(name)) headers[name] = value;
  const bodyAllowed = status !== 204 && status !== 304 && !head;
  if (body === undefined || body instanceof Uint8Array) {
    const length = body ? body.length : 0;
    if (status !== 204 && status !== 304) headers["content-length"] ??= length;
    stream.respond(headers, { endStream: length === 0 || !bodyAllowed });
    if (length > 0 && bodyAllowed) stream.end(body);
  } else if ("stream" in body) {
    stream.respond(headers, { endStream: !bodyAllowed });
    if (bodyAllowed) {
      running.markStream(gone);
      const sink = new Http2Sink(gone.signal, stream);
      // Node ends a stream that its peer reset, so that it looks finished; only the sink knows whether it was.
      stream.on("close", () => {
        if (!sink.ended) gone.abort();
      });
      body.stream(sink);
    }
  } else if ("pieces" in body) {
    headers["content-length"] ??= body.length;
    stream.respond(headers, { endStream: !bodyAllowed });
    if (bodyAllowed) endWithLong(stream, body);
  } else {
    const total = sizeOf(body);
    headers["content-length"] ??= total;
    stream.respond(headers, { endStream: total === 0 || !bodyAllowed });
    if (total > 0 && bodyAllowed) endWithPieces(stream, body, total);
  }
  leaveRestUnread(stream);
}

/** The answer is given; what is still coming of the request's body is of no use. */
function leaveRestUnread(stream: ServerHttp2Stream): void {
  if (stream.endAfterHeaders || stream.readableEnded) return;
  if (stream.writableFinished) stream.close(noError);
  else stream.once("finish", () => stream.close(noError));
}

/** Headers of one HTTP/1.1 connection mean nothing here, and HTTP/2 forbids them. */
const connectionHeaders = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"]);

class Http2Sink extends TurnWriter {
  readonly #stream: ServerHttp2Stream;

  constructor(signal: AbortSignal, stream: ServerHttp2Stream) {
    super(signal);
    this.#stream = stream;
  }

  protected get unsentBytes(): number {
    return this.#stream.writableLength;
  }

  protected send(bytes: Uint8Array): void {
    if (!this.#stream.destroyed) this.#stream.write(bytes);
  }

  protected finish(): void {
    if (!this.#stream.destroyed) this.#stream.end();
  }

  protected abandon(): void {
    this.#stream.close(internalError);
  }
}

function refuse(running: Running, stream: ServerHttp2Stream, error: unknown): void {
  running.failed(error);
  if (stream.destroyed) return;
  if (stream.headersSent) {
    stream.close(2);
    return;
  }
  stream.respond({ ":status": 500, "content-type": "text/plain" });
  stream.end("the server could not answer this request\n");
}
