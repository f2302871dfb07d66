// How calls travel: over HTTPS to a server, or as function calls to one in the same process.
import type { Scope } from "#base/scope.ts";
import type { Type } from "#schema/message.ts";

export interface TransportRequest {
  readonly method: string;
  /** Percent-encoded, with query. */
  readonly path: string;
  readonly contentType?: string;
  /** The body, decoded. `bodyType` is absent for bodies without a declared shape (patches). */
  readonly body?: unknown;
  /** How to read the answer; absent: any JSON. */
  readonly answer?: Type<unknown>;
}

export interface TransportResponse {
  readonly status: number;
  /** Decoded: of type `answer` when status < 400, otherwise a Status. */
  readonly object: unknown;
}

export interface WatchItem {
  readonly type: string;
  readonly object: unknown;
}

export interface Transport {
  send(request: TransportRequest): Promise<TransportResponse>;
  /** Rejects with StatusError when the server refuses the watch. */
  watch(scope: Scope, request: TransportRequest): AsyncIterable<WatchItem>;
}
