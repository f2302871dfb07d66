// Serving HTTP: one listener whose connections speak HTTP/2 or HTTP/1.1, as TLS negotiates, or plain HTTP/1.1 without TLS.
import { randomBytes } from "node:crypto";
import net, { type AddressInfo, type Server, type Socket } from "node:net";
import tls, { type TlsOptions, type TLSSocket } from "node:tls";
import type { Scope } from "#base/scope.ts";
import type { HttpHandler } from "#wire/http/message.ts";
import { type Listener, NetworkError, type ServeOptions, type ServerTls } from "../network.ts";
import { http1Server } from "./http1-server.ts";
import { acceptHttp2, type Http2Connections, http2Server } from "./http2-server.ts";
import { Running } from "./running.ts";

const defaultHeadTimeoutMilliseconds = 10_000;
const stoppedScopeGraceMilliseconds = 1_000;
const keepAliveMilliseconds = 15_000;

/** `host` may also be "unix:///path" for a socket in a folder. `failed` hears of handlers that rejected. */
export async function serveHttp(
  scope: Scope,
  options: ServeOptions,
  handler: HttpHandler,
  failed: (error: unknown) => void,
): Promise<Listener> {
  scope.throwIfStopped();
  const headTimeoutMilliseconds = options.headTimeoutMilliseconds ?? defaultHeadTimeoutMilliseconds;
  const running = new Running(failed);
  const sockets = new Set<Socket>();
  const http1 = http1Server(handler, running, headTimeoutMilliseconds);
  let http2: Http2Connections | undefined;

  const speak = (socket: Socket | TLSSocket): void => {
    if ("alpnProtocol" in socket && socket.alpnProtocol === "h2") {
      http2 ??= http2Server(handler, running, headTimeoutMilliseconds);
      acceptHttp2(http2, socket);
    } else {
      http1.emit("connection", socket);
    }
  };
  const server = options.tls ? tlsServer(options.tls, headTimeoutMilliseconds, speak) : net.createServer(connectionOptions, speak);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  await listen(server, options);

  let closing: Promise<void> | undefined;
  const close = (graceMilliseconds: number): Promise<void> => {
    closing ??= closeGently(graceMilliseconds);
    return closing;
  };
  const closeGently = async (graceMilliseconds: number): Promise<void> => {
    forget();
    const allClosed = new Promise<void>((resolve) => server.close(() => resolve()));
    running.close();
    http2?.close();
    http1.closeIdleConnections();
    await within(graceMilliseconds, allClosed);
    running.abortAll();
    for (const socket of sockets) socket.destroy();
    http1.close();
    await allClosed;
  };
  const forget = scope.defer("listener", () => close(stoppedScopeGraceMilliseconds));

  const address = server.address() as AddressInfo | string | null;
  return {
    host: options.host,
    port: typeof address === "object" && address ? address.port : 0,
    reload: (next) => {
      if (!(server instanceof tls.Server)) throw new NetworkError("ERR_NOT_TLS", "this listener has no TLS to reload");
      server.setSecureContext(secretsOf(next));
      // Sessions agreed under the old certificates are not resumed under the new ones.
      server.setTicketKeys(randomBytes(48));
    },
    close,
  };
}

const connectionOptions = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMilliseconds };

function tlsServer(options: ServerTls, headTimeoutMilliseconds: number, speak: (socket: TLSSocket) => void): tls.Server {
  const complete: TlsOptions = {
    ...connectionOptions,
    ...secretsOf(options),
    requestCert: options.clientCa !== undefined,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: headTimeoutMilliseconds,
  };
  try {
    return tls.createServer(complete, speak);
  } catch (error) {
    throw new NetworkError(
      (error as NodeJS.ErrnoException).code ?? "ERR_TLS",
      `the certificate or key cannot be used: ${(error as Error).message}`,
    );
  }
}

function secretsOf(options: ServerTls): TlsOptions {
  return { cert: options.certificate, key: options.key, ...(options.clientCa !== undefined && { ca: options.clientCa }) };
}

function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(new NetworkError(error.code ?? "EIO", `cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
    };
    server.once("error", fail);
    const ready = (): void => {
      server.off("error", fail);
      server.on("error", () => {});
      resolve();
    };
    if (host.startsWith("unix://")) server.listen({ path: host.slice("unix://".length), backlog: 1024 }, ready);
    else server.listen({ host, port, backlog: 1024 }, ready);
  });
}

async function within(milliseconds: number, done: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([done, new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)))]);
  clearTimeout(timer);
}
