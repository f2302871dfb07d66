// The requests a listener is serving: counted so that closing can wait for them, and told when it does not wait any longer.
import type { HttpHandler, HttpRequest, HttpResponse } from "#wire/http/message.ts";

/** A handler that throws before its first await is no different from one that rejects. */
export function ask(handler: HttpHandler, request: HttpRequest): Promise<HttpResponse> {
  try {
    return handler(request);
  } catch (error) {
    return Promise.reject(error);
  }
}

export class Running {
  readonly failed: (error: unknown) => void;
  closing = false;
  readonly #all = new Set<AbortController>();
  readonly #streams = new Set<AbortController>();

  /** `failed` hears of handlers that rejected, which is a mistake of ours. */
  constructor(failed: (error: unknown) => void) {
    this.failed = failed;
  }

  add(request: AbortController): void {
    this.#all.add(request);
  }

  delete(request: AbortController): void {
    this.#all.delete(request);
    this.#streams.delete(request);
  }

  /** A stream has no end of its own: it is asked to end as soon as the listener closes. */
  markStream(request: AbortController): void {
    this.#streams.add(request);
    if (this.closing) request.abort();
  }

  close(): void {
    this.closing = true;
    for (const request of [...this.#streams]) request.abort();
  }

  abortAll(): void {
    for (const request of [...this.#all]) request.abort();
  }
}
