// HTTP as values: what a server is asked and what it answers, the same over TLS sockets, inside one process and in a browser tab.
// Bodies are bytes made elsewhere, once; a message may also carry the decoded object, so that callers in the same process never parse.
import type { ByteStream } from "./stream.ts";

/** Who is at the other end of the connection. A property of the connection, set by whoever accepted it. */
export interface Peer {
  /** "10.0.0.1:40312", "unix" or "in-process". */
  readonly address: string;
  /** The verified client certificate, when one was presented and its chain leads to a trusted CA. */
  readonly certificate?: PeerCertificate;
  /** True when a client certificate was presented that could not be verified. */
  readonly untrustedCertificate?: boolean;
}

export interface PeerCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** Lower-case header names. A header that came several times holds its values joined by ", ". */
export type Headers = Readonly<Record<string, string>>;

export interface HttpRequest {
  readonly method: string;
  /** Percent-encoded path without query, as sent: "/api/v1/namespaces/a/pods". */
  readonly path: string;
  /** The query without "?", as sent; "" when there is none. */
  readonly query: string;
  readonly headers: Headers;
  readonly peer: Peer;
  /** Reads the whole body. Rejects with BodyTooLarge past `limit` bytes. */
  readonly body: (limit: number) => Promise<Uint8Array>;
  /** Aborted when the peer went away or the server stops. */
  readonly signal: AbortSignal;
  /** The decoded body, when the caller is in the same process. */
  readonly object?: unknown;
  /** True when the caller is in this process and reads `response.object` and `StreamBody.objects` instead of bytes. */
  readonly wantsObjects?: boolean;
  /** Present when the request asks for an upgrade (HTTP/1.1 Upgrade). Calling it takes the connection over. */
  readonly upgrade?: Upgrade;
}

/** Answers 101 with `headers` and hands over the raw connection; `head` holds bytes that came right behind the request. */
export type Upgrade = (headers: Headers) => { readonly stream: ByteStream; readonly head: Uint8Array };

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body?: Body;
  /** The decoded body, for callers in the same process. Shared and frozen. */
  readonly object?: unknown;
  /** True once `request.upgrade` was called: nothing more is written by the server. */
  readonly upgraded?: boolean;
}

/** Whole bytes, a list of pieces sent one after the other, more than should be in memory at once, or a stream that is written as things happen. */
export type Body = Uint8Array | readonly Uint8Array[] | LongBody | StreamBody;

/** Its pieces are made one by one, while the peer takes them. */
export interface LongBody {
  /** Bytes of all pieces together. */
  readonly length: number;
  /** Called once. A piece is good until the next one is asked for. */
  pieces(): Iterable<Uint8Array>;
}

export interface StreamBody {
  /** Starts writing; called once. The stream ends with `sink.end()`. */
  stream(sink: Sink): void;
}

export interface Sink {
  write(bytes: Uint8Array): void;
  end(): void;
  /** Ends it at once, as a lost connection: what the peer has not taken is dropped. */
  cut?(): void;
  /** Bytes accepted by `write` that the peer has not taken yet. The writer bounds it. */
  readonly bufferedBytes: number;
  /** Aborted when the peer went away. */
  readonly signal: AbortSignal;
  /** For a peer in the same process (`request.wantsObjects`): hands over a decoded item instead of bytes. */
  readonly push?: (item: unknown) => void;
}

export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
  readonly limit: number;
  constructor(limit: number) {
    super(`the body is larger than ${limit} bytes`);
    this.limit = limit;
  }
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;
