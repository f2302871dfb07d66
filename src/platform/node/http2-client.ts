// HTTP/2 to one server: as few connections as its limit of streams allows, each watched by pings, each replaced when it died.
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import net, { type Socket } from "node:net";
import tls from "node:tls";
import { type ClientRequest, type ClientResponse, NetworkError } from "../network.ts";
import { awaitHead } from "./client-deadline.ts";
import { clientResponse, joinedHeaders } from "./client-response.ts";
import { networkError, type Target } from "./client-target.ts";

const cancelCode = 8;
const refusedStreamCode = 7;
const pingMilliseconds = 15_000;
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 16 * 1024 * 1024;
const connectTimeoutMilliseconds = 30_000;
const defaultMaxStreams = 100;
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** What a new connection turned out to speak. */
type Connected = Connection | "http/1.1";

interface Connection {
  readonly session: ClientHttp2Session;
  streams: number;
}

export interface Http2Client {
  /** "http/1.1" when the server does not speak HTTP/2: the caller then asks in HTTP/1.1. */
  request(request: ClientRequest): Promise<ClientResponse | "http/1.1">;
  close(): void;
}

export function http2Client(target: Target, maxConnections: number, patienceMilliseconds = connectTimeoutMilliseconds): Http2Client {
  const connections: Connection[] = [];
  let connecting: Promise<Connected> | undefined;
  let closed = false;

  const open = async (): Promise<Connected> => {
    const socket = await connect(target);
    if (closed) {
      socket.destroy();
      throw new NetworkError("ECANCELED", `${target.url}: the client is closed`);
    }
    if (target.secure && (socket as tls.TLSSocket).alpnProtocol !== "h2") {
      socket.destroy();
      return "http/1.1";
    }
    const session = http2.connect(`${target.secure ? "https" : "http"}://${target.authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      maxSessionMemory: 256,
      maxHeaderListPairs: 1_000,
    } as http2.SecureClientSessionOptions);
    const connection: Connection = { session, streams: 0 };
    const forget = (): void => {
      const index = connections.indexOf(connection);
      if (index >= 0) connections.splice(index, 1);
    };
    session.on("error", () => {});
    session.on("goaway", forget);
    session.on("close", forget);
    session.once("connect", () => session.setLocalWindowSize(connectionWindowBytes));
    // Until it has said how it speaks, the other side may vanish without a word.
    const giveUp = (): void => session.destroy(new NetworkError("ETIMEDOUT", `${target.url}: HTTP/2 did not begin in time`));
    const timer = setTimeout(giveUp, patienceMilliseconds);
    await new Promise<void>((resolve, reject) => {
      session.once("remoteSettings", () => resolve());
      session.once("close", () => reject(new NetworkError("ECONNRESET", `${target.url}: the connection closed before HTTP/2 began`)));
      session.once("error", (error) => reject(networkError(target, error)));
    }).finally(() => clearTimeout(timer));
    keepAlive(session, target);
    session.unref();
    connections.push(connection);
    return connection;
  };

  /** A connection with room for one more stream. */
  const reserve = async (): Promise<Connected> => {
    for (;;) {
      const free = connections.find(({ session, streams }) => !session.closed && !session.destroyed && streams < maxStreamsOf(session));
      const crowded = connections.length >= maxConnections ? leastBusy(connections) : undefined;
      const chosen = free ?? crowded;
      if (chosen) {
        if (chosen.streams++ === 0) chosen.session.ref();
        return chosen;
      }
      connecting ??= open().finally(() => (connecting = undefined));
      if ((await connecting) === "http/1.1") return "http/1.1";
    }
  };

  const release = (connection: Connection): void => {
    if (--connection.streams === 0 && !connection.session.destroyed) connection.session.unref();
  };

  const once = async (request: ClientRequest): Promise<ClientResponse | "http/1.1"> => {
    const connection = await reserveWithin(request);
    if (connection === "http/1.1") return connection;
    const { stream, headers } = await exchange(target, request, connection, release);
    // A connection that closes ends its streams as well, as if they were whole; but by then they are destroyed. Asked before all others:
    // where head and end of an answer come at once, node:http2 listens already, and destroys the stream of a whole answer.
    let cut = false;
    stream.prependOnceListener("end", () => (cut = stream.destroyed));
    return clientResponse(target, Number(headers[":status"]), joinedHeaders(headers), stream, () =>
      cut || stream.aborted || stream.rstCode !== 0 ? `the stream was reset with code ${stream.rstCode}` : undefined,
    );
  };

  return {
    request: async (request) => {
      try {
        return await once(request);
      } catch (error) {
        const refused = error instanceof NetworkError && error.code === "ERR_HTTP2_REFUSED";
        const died = error instanceof NetworkError && error.code === "ECONNRESET" && safeMethods.has(request.method);
        if (closed || (!refused && !died)) throw error;
        return once(request);
      }
    },
    close: () => {
      closed = true;
      for (const { session } of [...connections]) session.destroy();
    },
  };

  /** The caller's limits hold while connecting too. Whoever has given up already begins nothing. */
  async function reserveWithin(request: ClientRequest): Promise<Connected> {
    let given = false;
    try {
      return await awaitHead<Connected>(
        target,
        request,
        ({ head, fail }) => {
          reserve().then((connected) => {
            if (!given) head(connected);
            else if (connected !== "http/1.1") release(connected);
          }, fail);
          return () => {};
        },
        (_, ended) => ended(),
      );
    } catch (error) {
      given = true;
      throw error;
    }
  }
}

function exchange(
  target: Target,
  request: ClientRequest,
  connection: Connection,
  release: (connection: Connection) => void,
): Promise<{ stream: ClientHttp2Stream; headers: IncomingHttpHeaders }> {
  const { method, path, body } = request;
  const headers: OutgoingHttpHeaders = { ":method": method, ":path": path, ":authority": target.authority };
  for (const name in request.headers) if (!connectionHeaders.has(name)) headers[name] = request.headers[name] as string | string[];
  if (body) headers["content-length"] = body.length;
  let isBegun = false;
  const answer = awaitHead<{ stream: ClientHttp2Stream; headers: IncomingHttpHeaders }>(
    target,
    request,
    ({ head, fail }) => {
      isBegun = true;
      const stream = begin();
      stream.once("response", (headers) => head({ stream, headers }));
      stream.on("error", (error) =>
        fail(stream.rstCode === refusedStreamCode ? refused(target) : networkError(target, sessionDied(connection, error))),
      );
      stream.on("close", () =>
        fail(
          stream.rstCode === refusedStreamCode
            ? refused(target)
            : new NetworkError("ECONNRESET", `${target.url}: the stream was closed before an answer came (code ${stream.rstCode})`),
        ),
      );
      if (body) stream.end(body);
      return (reason) => {
        stream.close(cancelCode);
        stream.destroy(reason);
      };
    },
    ({ stream }, ended) => stream.once("close", ended),
  );
  // The caller gave up after the connection was chosen.
  if (!isBegun) release(connection);
  return answer;

  function begin(): ClientHttp2Stream {
    try {
      const stream = connection.session.request(headers, { endStream: !body });
      stream.once("close", () => release(connection));
      return stream;
    } catch (error) {
      release(connection);
      // The session went between being chosen and being used: nothing was sent, so it may be sent elsewhere.
      throw connection.session.closed || connection.session.destroyed ? refused(target) : error;
    }
  }
}

/** A stream's error is vague when it was the whole connection that died. */
function sessionDied(connection: Connection, error: NodeJS.ErrnoException): Error {
  const { session } = connection;
  if (error instanceof NetworkError || !(session.closed || session.destroyed) || !error.code?.startsWith("ERR_HTTP2_")) return error;
  return new NetworkError("ECONNRESET", error.message, { cause: error });
}

function refused(target: Target): NetworkError {
  return new NetworkError("ERR_HTTP2_REFUSED", `${target.url}: the server refused the stream`);
}

function maxStreamsOf(session: ClientHttp2Session): number {
  return session.remoteSettings?.maxConcurrentStreams ?? defaultMaxStreams;
}

function leastBusy(connections: readonly Connection[]): Connection | undefined {
  let least: Connection | undefined;
  for (const connection of connections) if (!least || connection.streams < least.streams) least = connection;
  return least;
}

/** Notices within two intervals that the peer is gone without a word. */
function keepAlive(session: ClientHttp2Session, target: Target): void {
  let answered = true;
  const timer = setInterval(() => {
    if (!answered) {
      session.destroy(new NetworkError("ETIMEDOUT", `${target.url}: no answer to a ping`));
      return;
    }
    answered = false;
    try {
      session.ping(() => (answered = true));
    } catch {
      // The session is closing; its end ends the timer.
    }
  }, pingMilliseconds);
  timer.unref();
  session.once("close", () => clearInterval(timer));
}

function connect(target: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = target.secure
      ? tls.connect({ ...target.address, ...target.tls, ALPNProtocols: ["h2", "http/1.1"] })
      : net.connect(target.address);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(networkError(target, error));
    };
    const timer = setTimeout(
      () => fail(new NetworkError("ETIMEDOUT", `${target.url}: could not connect in time`)),
      connectTimeoutMilliseconds,
    );
    socket.once("error", fail);
    socket.once(target.secure ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      socket.off("error", fail);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

const connectionHeaders = new Set(["connection", "host", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
