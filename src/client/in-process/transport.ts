// Calls to an API server in the same process. Objects pass as they are: nothing is encoded or parsed.
import type { Scope } from "#base/scope.ts";
import { ScopeStopped } from "#base/scope.ts";
import { BoundedChannel } from "#base/channel.ts";
import { statusErrorFrom } from "#api/meta/status-error.ts";
import type { Body, HttpHandler, HttpRequest, PeerCertificate, StreamBody } from "#wire/http/message.ts";
import type { Transport, TransportRequest, WatchItem } from "../transport.ts";

export interface InProcessOptions {
  /** Who the caller is, as if by client certificate. */
  readonly identity: { readonly user: string; readonly groups: readonly string[] };
  readonly userAgent: string;
}

const nothing = new Uint8Array(0);

/** Items a watch may be behind before it is cut off, to be resumed from where it was. */
const watchItemsMax = 100_000;

export function inProcessTransport(handle: HttpHandler, { identity, userAgent }: InProcessOptions): Transport {
  const certificate: PeerCertificate = { commonName: identity.user, organizations: identity.groups, notAfter: Number.MAX_SAFE_INTEGER };
  const peer = { address: "in-process", certificate };

  function httpRequest(request: TransportRequest, signal: AbortSignal): HttpRequest {
    const at = request.path.indexOf("?");
    return {
      method: request.method,
      path: at < 0 ? request.path : request.path.slice(0, at),
      query: at < 0 ? "" : request.path.slice(at + 1),
      headers: { accept: "application/json", "user-agent": userAgent, ...(request.contentType && { "content-type": request.contentType }) },
      peer,
      body: () => Promise.resolve(nothing),
      signal,
      ...(request.body !== undefined && { object: request.body }),
      wantsObjects: true,
    };
  }

  return {
    async send(request) {
      const { status, object } = await handle(httpRequest(request, new AbortController().signal));
      return { status, object };
    },

    async *watch(scope: Scope, request) {
      scope.throwIfStopped();
      const controller = new AbortController();
      const stop = () => controller.abort();
      scope.signal.addEventListener("abort", stop, { once: true });
      try {
        const response = await handle(httpRequest(request, controller.signal));
        if (response.status >= 400) throw statusErrorFrom(response.object as {}, response.status);
        if (scope.stopped) throw new ScopeStopped(scope.path);
        if (!isStream(response.body)) return;
        const items = new BoundedChannel<WatchItem>(watchItemsMax);
        controller.signal.addEventListener("abort", () => items.close(), { once: true });
        response.body.stream({
          write() {},
          end: () => items.close(),
          get bufferedBytes() {
            return 0;
          },
          signal: controller.signal,
          push(item) {
            if (!items.push(item as WatchItem)) controller.abort();
          },
        });
        for await (const item of items) {
          if (scope.stopped) break;
          yield item;
        }
        if (scope.stopped) throw new ScopeStopped(scope.path);
      } finally {
        scope.signal.removeEventListener("abort", stop);
        controller.abort();
      }
    },
  };
}

function isStream(body: Body | undefined): body is StreamBody {
  return body !== undefined && "stream" in body;
}
