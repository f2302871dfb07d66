// One HTTP request between simulated machines. No HTTP bytes are made: heads and chunks travel as messages, in order, with the fabric's
// delays and faults. An upgraded request goes on as a byte stream on the same paths.
import { BodyTooLarge } from "#wire/http/message.ts";
import type { HttpHandler, HttpResponse, Peer, Sink } from "#wire/http/message.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import type { Log } from "../log.ts";
import { NetworkError } from "../network.ts";
import type { ClientRequest, ClientResponse, ManyHeaders } from "../network.ts";
import { unbounded } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { streamPair } from "./connection.ts";

export type Answer = { readonly response: ClientResponse } | { readonly headers: ClientResponse["headers"]; readonly stream: ByteStream };

/** What a server keeps about the requests it is answering. */
export interface Serving {
  readonly handler: HttpHandler;
  readonly log: Log;
  readonly running: Set<{ drop(): void }>;
}

/** The client's side: what it hears from the server, in order. */
class Receiving {
  readonly answer: Promise<Answer>;
  readonly #body;
  #resolve: (answer: Answer) => void = () => {};
  #reject: (error: Error) => void = () => {};

  #ended: () => void;

  /** `left` is called when the reader leaves the body early, `ended` once when nothing more can come. */
  constructor(taken: (bytes: number) => void, left: () => void, ended: () => void) {
    this.#ended = ended;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.answer.catch(() => {});
    const leave = () => {
      left();
      ended();
    };
    this.#body = unbounded<Uint8Array>({ taken: (chunk) => taken(chunk.length), left: leave });
  }

  head(status: number, headers: ClientResponse["headers"]): void {
    const body = this.#body.items;
    this.#resolve({ response: { status, headers, body, bytes: () => gather(body) } });
  }

  upgraded(headers: ClientResponse["headers"], stream: ByteStream): void {
    this.#resolve({ headers, stream });
    void stream.closed.then(this.#ended);
  }

  chunk(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#body.push(bytes);
  }

  end(): void {
    this.#body.close();
    this.#ended();
  }

  fail(error: Error): void {
    this.#reject(error);
    this.#body.fail(error);
    this.#ended();
  }
}

/**
 * Sends `request` over `connection`. `accept` runs at the server when the request arrives, and says who serves it or why nobody does.
 * Resolves with the response's head; the body follows as it comes. `ended` is called once nothing more can come.
 */
export function exchange(
  connection: Connection,
  request: ClientRequest & { readonly upgrade: boolean },
  accept: () => { serving: Serving; peer: Peer } | { refused: Error },
  ended: () => void,
): Promise<Answer> {
  let unreadBytes = 0;
  let gone: (() => void) | undefined;
  const receiving = new Receiving(
    (bytes) => {
      unreadBytes -= bytes;
    },
    () => connection.toServer.send(() => gone?.()),
    () => {
      request.signal?.removeEventListener("abort", abort);
      connection.close();
      ended();
    },
  );
  connection.broken.push((error) => {
    receiving.fail(error);
    gone?.();
  });
  const abort = () => {
    receiving.fail(abortError(request.signal));
    connection.toServer.send(() => gone?.());
  };
  if (request.signal?.aborted) {
    ended();
    return Promise.reject(abortError(request.signal));
  }
  request.signal?.addEventListener("abort", abort, { once: true });

  connection.toServer.send(() => {
    const accepted = accept();
    if ("refused" in accepted) {
      connection.toClient.send(() => receiving.fail(accepted.refused));
      return;
    }
    const { serving, peer } = accepted;
    const controller = new AbortController();
    let over = false;
    let upgraded: ByteStream | undefined;
    const entry = {
      drop: () => {
        if (!over) connection.toClient.send(() => receiving.fail(new NetworkError("ECONNRESET", "socket hang up")));
        upgraded?.destroy(new NetworkError("ECONNRESET", "the server stopped"));
        leave();
      },
    };
    const finish = () => {
      over = true;
      serving.running.delete(entry);
    };
    /** The caller went before it was answered. */
    const leave = () => {
      if (over) return;
      finish();
      controller.abort();
    };
    gone = leave;
    serving.running.add(entry);

    const toClient = (deliver: () => void) => {
      if (!over) connection.toClient.send(deliver);
    };
    const sink: Sink = {
      write: (bytes) => {
        unreadBytes += bytes.length;
        toClient(() => receiving.chunk(bytes));
      },
      end: () => {
        toClient(() => receiving.end());
        finish();
      },
      get bufferedBytes() {
        return unreadBytes;
      },
      signal: controller.signal,
    };
    const send = (response: HttpResponse) => {
      if (response.upgraded || over) return;
      toClient(() => receiving.head(response.status, response.headers));
      const { body } = response;
      if (body === undefined || request.method === "HEAD") return sink.end();
      if ("stream" in body) return body.stream(sink);
      if ("pieces" in body) for (const piece of body.pieces()) sink.write(piece.slice());
      else for (const piece of body instanceof Uint8Array ? [body] : body) sink.write(piece);
      sink.end();
    };
    const upgrade = (headers: ClientResponse["headers"]) => {
      const { client, server } = streamPair(connection);
      upgraded = server;
      toClient(() => receiving.upgraded(headers, client));
      void server.closed.then(leave);
      return { stream: server, head: new Uint8Array(0) };
    };
    const mark = request.path.indexOf("?");
    const bytes = request.body ?? new Uint8Array(0);
    serving
      .handler({
        method: request.method,
        path: mark < 0 ? request.path : request.path.slice(0, mark),
        query: mark < 0 ? "" : request.path.slice(mark + 1),
        headers: lowerCase(request.headers ?? {}),
        peer,
        body: async (limit) => {
          if (bytes.length > limit) throw new BodyTooLarge(limit);
          return bytes;
        },
        signal: controller.signal,
        ...(request.upgrade && { upgrade }),
      })
      .then(send)
      .catch((error: unknown) => {
        if (over) return;
        serving.log.error("a request handler failed", { method: request.method, path: request.path, error });
        send({ status: 500, headers: { "content-type": "text/plain" }, body: new TextEncoder().encode("internal server error\n") });
      });
  });

  return receiving.answer;
}

function abortError(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new NetworkError("ABORT_ERR", "the request was aborted");
}

function lowerCase(headers: ManyHeaders): ClientResponse["headers"] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), typeof value === "string" ? value : value.join(", ")]),
  );
}

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of chunks) {
    pieces.push(piece);
    length += piece.length;
  }
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
