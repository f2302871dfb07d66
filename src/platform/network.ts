// Serving and speaking HTTP, raw streams, datagrams and gRPC.
import type { Scope } from "#base/scope.ts";
import type { Headers, HttpHandler } from "#wire/http/message.ts";
import type { ByteStream } from "#wire/http/stream.ts";

export class NetworkError extends Error {
  override readonly name = "NetworkError";
  /** "ECONNREFUSED", "EADDRINUSE", "ETIMEDOUT", "CERT_..." as the system or TLS library says. */
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface ServeOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Plain HTTP/1.1 without. With: HTTP/2 and HTTP/1.1 by ALPN. Read anew through `reload` when files change. */
  readonly tls?: ServerTls;
  /** Milliseconds a peer may take to send its request's head. Default 10,000. */
  readonly headTimeoutMilliseconds?: number;
}

export interface ServerTls {
  readonly certificate: string;
  readonly key: string;
  /** PEM bundle. When set, clients are asked for a certificate; one that leads to this CA becomes `peer.certificate`. */
  readonly clientCa?: string;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Takes new certificates for new connections. */
  reload(tls: ServerTls): void;
  /** Stops accepting, lets running requests end for up to `graceMilliseconds`, then drops them. Also happens when the scope stops. */
  close(graceMilliseconds: number): Promise<void>;
}

export interface HttpClientOptions {
  /** "https://10.0.0.1:6443", "http://127.0.0.1:10248" or "unix:///run/x.sock". */
  readonly url: string;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** Name to verify the server's certificate against instead of the URL's host. */
  readonly serverName?: string;
  readonly insecure?: boolean;
  /** Prefer HTTP/2 (one connection, many streams) or HTTP/1.1 (a pool of connections). Default "2" for https, "1.1" otherwise. */
  readonly http?: "1.1" | "2";
  readonly maxConnections?: number;
}

/** Lower-case header names, some with several values. */
export type ManyHeaders = Readonly<Record<string, string | readonly string[]>>;

export interface ClientRequest {
  readonly method: string;
  /** Path with query, percent-encoded. */
  readonly path: string;
  /** A list is sent as a header that comes several times. */
  readonly headers?: ManyHeaders;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Until the response's head is there. Default 30,000; 0 waits for ever. */
  readonly timeoutMilliseconds?: number;
}

export interface ClientResponse {
  readonly status: number;
  readonly headers: Headers;
  /** Chunks as they come. Leaving the iteration early drops the request. Can be iterated once, or `bytes` called once. */
  readonly body: AsyncIterable<Uint8Array>;
  bytes(): Promise<Uint8Array>;
}

/** A pool of connections to one server. Never follows redirects. */
export interface HttpClient {
  request(request: ClientRequest): Promise<ClientResponse>;
  /** Sends an HTTP/1.1 Upgrade on a connection of its own. The response is returned instead when the server does not answer 101. */
  upgrade(
    request: ClientRequest,
  ): Promise<{ readonly headers: Headers; readonly stream: ByteStream } | { readonly refused: ClientResponse }>;
  close(): void;
}

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly host: string;
  readonly port: number;
}

export interface DatagramSocket {
  readonly host: string;
  readonly port: number;
  send(bytes: Uint8Array, host: string, port: number): void;
  close(): void;
}

export interface GrpcOptions {
  /** PEM. Absent: plain. */
  readonly tls?: { readonly ca?: string | undefined; readonly certificate?: string | undefined; readonly key?: string | undefined };
  /** Sent with every call. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** While a call is open, the peer is asked for a sign of life this often, and given up without one for `keepaliveTimeoutMilliseconds`. */
  readonly keepaliveMilliseconds?: number;
  readonly keepaliveTimeoutMilliseconds?: number;
  readonly messageBytesMax?: number;
}

/** Both sides write when they like. Leaving the iteration of `messages` cancels it. */
export interface GrpcDuplex {
  write(message: Uint8Array): void;
  readonly messages: AsyncIterable<Uint8Array>;
}

/** Bytes in, bytes out; the caller's schema encodes. Failures are GrpcError. */
export interface GrpcChannel {
  call(path: string, message: Uint8Array, options?: { timeoutMilliseconds?: number; signal?: AbortSignal }): Promise<Uint8Array>;
  /** A server stream. Leaving the iteration cancels it. */
  stream(path: string, message: Uint8Array, options?: { signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  duplex(path: string, options?: { signal?: AbortSignal }): GrpcDuplex;
  close(): void;
}

export class GrpcError extends Error {
  override readonly name = "GrpcError";
  /** gRPC's status number: 5 not found, 12 unimplemented, 14 unavailable. */
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Network {
  serve(scope: Scope, options: ServeOptions, handler: HttpHandler): Promise<Listener>;
  client(options: HttpClientOptions): HttpClient;
  /** TCP, or a unix socket by path. */
  connect(to: { host: string; port: number } | { path: string }, options?: { timeoutMilliseconds?: number }): Promise<ByteStream>;
  listen(
    scope: Scope,
    at: { host: string; port: number } | { path: string },
    accept: (stream: ByteStream, address: string) => void,
  ): Promise<{ host: string; port: number; close(): Promise<void> }>;
  datagrams(scope: Scope, at: { host: string; port: number }, received: (datagram: Datagram) => void): Promise<DatagramSocket>;
  /** `target` is "unix:///run/containerd/containerd.sock" or "host:port". */
  grpc(target: string, options?: GrpcOptions): GrpcChannel;
  hostname(): string;
  /** Addresses of this machine's interfaces. */
  addresses(): readonly {
    readonly interface: string;
    readonly address: string;
    readonly prefix: number;
    readonly family: 4 | 6;
    readonly internal: boolean;
    readonly hardware: string;
  }[];
  /** Addresses of a host name. */
  resolve(name: string): Promise<readonly string[]>;
}
