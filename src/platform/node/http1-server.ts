// HTTP/1.1 requests of one listener as messages. node:http parses (and so refuses malformed and smuggled requests); what is written is kept
// to one socket write for head and body.
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Headers, HttpHandler, HttpRequest, HttpResponse, StreamBody, Upgrade } from "#wire/http/message.ts";
import { byteStreamOf } from "./byte-stream.ts";
import { peerOf } from "./peer.ts";
import { endWithLong, endWithPieces, sizeOf } from "./pieces.ts";
import { noBytes, readBody } from "./request-body.ts";
import { ask, type Running } from "./running.ts";
import { framedOnce, TurnWriter } from "./turn-writer.ts";

// An import statement would read all that node:http exports, and so load its whole WebSocket client: 30 ms and 13 MB.
const http = process.getBuiltinModule("node:http");

/** As much as Go's servers take. */
const maxHeaderBytes = 1024 * 1024;
const idleTimeoutMilliseconds = 180_000;
const requestTimeoutMilliseconds = 300_000;
/** Who exceeds a time limit is dropped this much later at most. */
const checkMillisecondsMax = 10_000;
/** An unread body up to this size is read to its end, so that the connection can go on; past it the connection is closed. */
const drainLimitBytes = 16 * 1024 * 1024;

/** A server that never listens: connections are handed to it by emitting "connection". */
export function http1Server(handler: HttpHandler, running: Running, headTimeoutMilliseconds: number): Server {
  const server = http.createServer({
    joinDuplicateHeaders: true,
    maxHeaderSize: maxHeaderBytes,
    keepAliveTimeout: idleTimeoutMilliseconds,
    headersTimeout: headTimeoutMilliseconds,
    requestTimeout: Math.max(requestTimeoutMilliseconds, headTimeoutMilliseconds),
    // Also without connections, node:http wakes the process for each check.
    connectionsCheckingInterval: Math.max(20, Math.min(checkMillisecondsMax, headTimeoutMilliseconds / 2)),
    shouldUpgradeCallback: canUpgrade,
  });
  server.on("request", (request, response) => serve(handler, running, request, response, undefined));
  server.on("upgrade", (request, socket: Duplex, head: Buffer) => serveUpgrade(handler, running, request, socket, head));
  // Starts the checks of the time limits, which node:http otherwise starts when it listens itself.
  server.emit("listening");
  return server;
}

/** An upgrade is offered for requests without a body that ask for a protocol of connections, not for HTTP/2. */
function canUpgrade(request: IncomingMessage): boolean {
  const { headers } = request;
  return headers.upgrade !== "h2c" && headers["transfer-encoding"] === undefined && (headers["content-length"] ?? "0") === "0";
}

function serveUpgrade(handler: HttpHandler, running: Running, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on("error", () => {});
  const response = new http.ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(request.socket);
  // Whoever is asked for an upgrade and answers without closes the connection after the answer.
  const close = (): void => {
    socket.end();
    // What it still says is of no use; left unread, it would hide that it has gone.
    socket.resume();
  };
  response.once("finish", close);
  serve(handler, running, request, response, (gone) => (headers) => {
    const text = switchingHead(headers);
    response.off("finish", close);
    response.removeAllListeners("close");
    response.detachSocket(request.socket);
    socket.once("close", () => {
      running.delete(gone);
      gone.abort();
    });
    running.markStream(gone);
    socket.write(text);
    return { stream: byteStreamOf(socket), head };
  });
}

function switchingHead(headers: Headers): string {
  let text = "HTTP/1.1 101 Switching Protocols\r\n";
  for (const [name, value] of Object.entries(headers)) {
    http.validateHeaderName(name);
    http.validateHeaderValue(name, value);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

function serve(
  handler: HttpHandler,
  running: Running,
  request: IncomingMessage,
  response: ServerResponse,
  upgradeFor: ((gone: AbortController) => Upgrade) | undefined,
): void {
  const gone = new AbortController();
  running.add(gone);
  const { socket, headers } = request;
  response.on("close", () => {
    running.delete(gone);
    if (!response.writableFinished) gone.abort();
  });
  const url = request.url as string;
  const mark = url.indexOf("?");
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  const message: HttpRequest & { upgrade?: Upgrade } = {
    method: request.method as string,
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? "" : url.slice(mark + 1),
    headers: headers["set-cookie"] ? ({ ...headers, "set-cookie": headers["set-cookie"].join(", ") } as Headers) : (headers as Headers),
    peer: peerOf(socket),
    body: hasBody && !upgradeFor ? (limit) => readBody(request, headers["content-length"], limit, () => !request.complete) : empty,
    signal: gone.signal,
  };
  if (upgradeFor) message.upgrade = upgradeFor(gone);
  ask(handler, message).then(
    (answer) => {
      if (answer.upgraded) return;
      try {
        respond(running, gone, request, response, answer);
      } catch (error) {
        refuse(running, response, error);
        // Whoever would have written to it is not waited for.
        gone.abort();
      }
    },
    (error) => refuse(running, response, error),
  );
}

async function empty(): Promise<Uint8Array> {
  return noBytes;
}

function respond(running: Running, gone: AbortController, request: IncomingMessage, response: ServerResponse, answer: HttpResponse): void {
  if (response.destroyed) return;
  const { status, headers, body } = answer;
  if (running.closing || (!request.complete && !canDrain(request))) response.shouldKeepAlive = false;
  if (body === undefined) {
    response.writeHead(status, withLength(headers, status, 0));
    response.end();
  } else if (body instanceof Uint8Array) {
    response.writeHead(status, withLength(headers, status, body.length));
    response.end(body);
  } else if ("stream" in body) {
    running.markStream(gone);
    stream(gone, request, response, answer, body);
  } else if ("pieces" in body) {
    response.writeHead(status, withLength(headers, status, body.length));
    if (request.method === "HEAD") response.end();
    else endWithLong(response, body);
  } else {
    const total = sizeOf(body);
    response.writeHead(status, withLength(headers, status, total));
    if (request.method === "HEAD") response.end();
    else endWithPieces(response, body, total);
  }
}

function canDrain(request: IncomingMessage): boolean {
  const { headers } = request;
  return headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) <= drainLimitBytes;
}

function withLength(headers: Headers, status: number, length: number): OutgoingHttpHeaders {
  if (headers["content-length"] !== undefined || status === 204 || status === 304 || status < 200) return headers;
  return { ...headers, "content-length": length };
}

function stream(gone: AbortController, request: IncomingMessage, response: ServerResponse, answer: HttpResponse, body: StreamBody): void {
  response.writeHead(answer.status, answer.headers);
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  response.flushHeaders();
  const chunked = request.httpVersion === "1.1" && answer.headers["content-length"] === undefined;
  body.stream(new Http1Sink(gone.signal, response, chunked));
}

/** Frames chunks itself, so that a write is one buffer and one socket write instead of four. */
class Http1Sink extends TurnWriter {
  readonly #response: ServerResponse;
  readonly #chunked: boolean;

  constructor(signal: AbortSignal, response: ServerResponse, chunked: boolean) {
    super(signal);
    this.#response = response;
    this.#chunked = chunked;
  }

  protected get unsentBytes(): number {
    return this.#response.writableLength;
  }

  protected send(bytes: Uint8Array): void {
    const response = this.#response;
    if (response.destroyed) return;
    const { socket } = response;
    // Without a socket an earlier response of the same connection is still being written: node:http keeps the order.
    if (!this.#chunked || !socket) {
      response.write(bytes);
      return;
    }
    socket.write(framedOnce(bytes, chunkOf));
  }

  protected finish(): void {
    if (!this.#response.destroyed) this.#response.end();
  }

  protected abandon(): void {
    this.#response.destroy();
  }
}

/** The bytes as a chunk of HTTP/1.1. */
function chunkOf(bytes: Uint8Array): Uint8Array {
  const size = bytes.length.toString(16);
  const chunk = Buffer.allocUnsafe(size.length + 4 + bytes.length);
  let at = chunk.write(size, 0, "latin1");
  chunk[at++] = 13;
  chunk[at++] = 10;
  chunk.set(bytes, at);
  at += bytes.length;
  chunk[at++] = 13;
  chunk[at++] = 10;
  return chunk;
}

/** The handler broke its promise to answer: said in plain words when nothing was written yet, else by cutting the connection. */
function refuse(running: Running, response: ServerResponse, error: unknown): void {
  running.failed(error);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const text = "the server could not answer this request\n";
  response.writeHead(500, { "content-type": "text/plain", "content-length": text.length });
  response.end(text);
}
