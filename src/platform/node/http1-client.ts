// HTTP/1.1 to one server: a pool of kept connections, and upgrades on connections of their own.
import type { ClientRequest as NodeRequest, IncomingMessage, OutgoingHttpHeaders, RequestOptions } from "node:http";
import type { Duplex } from "node:stream";
import type { ClientRequest, ClientResponse, HttpClient } from "../network.ts";
import { byteStreamOf } from "./byte-stream.ts";
import { awaitHead, type HeadOutcome } from "./client-deadline.ts";
import { clientResponse, joinedHeaders } from "./client-response.ts";
import { networkError, type Target } from "./client-target.ts";

// An import statement would load more than is needed: see http1-server.ts.
const http = process.getBuiltinModule("node:http");
const https = process.getBuiltinModule("node:https");

const keepAliveMilliseconds = 15_000;
const maxHeaderBytes = 1024 * 1024;
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

export function http1Client(target: Target, maxConnections: number): HttpClient {
  const settings = {
    keepAlive: true,
    keepAliveMsecs: keepAliveMilliseconds,
    maxSockets: maxConnections,
    maxFreeSockets: 256,
    scheduling: "lifo",
  } as const;
  const agent = target.secure ? new https.Agent({ ...settings, ...target.tls, ALPNProtocols: ["http/1.1"] }) : new http.Agent(settings);
  // Connections that change their protocol are not kept; what TLS agreed on for the last one is.
  const upgradeSettings = { ...target.tls, ALPNProtocols: ["http/1.1"], allowHalfOpen: true };
  const upgradeAgent = target.secure ? new https.Agent(upgradeSettings) : new http.Agent({ keepAlive: false });
  const base: RequestOptions = {
    ...("path" in target.address ? { socketPath: target.address.path } : target.address),
    maxHeaderSize: maxHeaderBytes,
    joinDuplicateHeaders: true,
    agent,
  };

  const send = (request: ClientRequest, options: RequestOptions): NodeRequest => {
    const { method, path, body } = request;
    const headers = {
      host: target.authority,
      ...(request.headers as OutgoingHttpHeaders),
      ...(body && { "content-length": body.length }),
    };
    const complete = { ...options, method, path, headers };
    return target.secure ? https.request(complete) : http.request(complete);
  };

  const once = async (request: ClientRequest): Promise<ClientResponse> => {
    const response = await awaitHead<IncomingMessage>(
      target,
      request,
      (outcome) => {
        const sent = send(request, base);
        let received: IncomingMessage | undefined;
        sent.on("response", (response) => {
          received = response;
          outcome.head(response);
        });
        watchFailure(sent, outcome);
        sent.end(request.body);
        return (reason) => void (received ?? sent).destroy(reason);
      },
      (response, ended) => response.once("close", ended),
    );
    return clientResponse(target, response.statusCode as number, joinedHeaders(response.headers), response, () =>
      response.complete ? undefined : "the connection closed before the whole body came",
    );
  };

  return {
    request: async (request) => {
      try {
        return await once(request);
      } catch (error) {
        // A kept connection may have been closed by the server just as it was used again.
        if (!(error instanceof StaleConnection) || !safeMethods.has(request.method))
          throw error instanceof StaleConnection ? error.failure : error;
        try {
          return await once(request);
        } catch (again) {
          throw again instanceof StaleConnection ? again.failure : again;
        }
      }
    },
    upgrade: async (request) => {
      type Answer = { response: IncomingMessage; socket?: Duplex; head?: Buffer };
      const { response, socket, head } = await awaitHead<Answer>(
        target,
        request,
        (outcome) => {
          const sent = send(
            { ...request, headers: { connection: "Upgrade", ...request.headers } },
            { ...base, ...{ allowHalfOpen: true }, agent: upgradeAgent },
          );
          let received: Duplex | IncomingMessage | undefined;
          sent.on("upgrade", (response, socket, head) => {
            received = socket;
            outcome.head({ response, socket, head });
          });
          sent.on("response", (response) => {
            received = response;
            outcome.head({ response });
          });
          watchFailure(sent, outcome);
          sent.end(request.body);
          return (reason) => void (received ?? sent).destroy(reason);
        },
        ({ response, socket }, ended) => (socket ?? response).once("close", ended),
      );
      const headers = joinedHeaders(response.headers);
      if (socket) {
        if (head?.length) socket.unshift(head);
        return { headers, stream: byteStreamOf(socket) };
      }
      return {
        refused: clientResponse(target, response.statusCode as number, headers, response, () =>
          response.complete ? undefined : "the connection closed before the whole body came",
        ),
      };
    },
    close: () => {
      agent.destroy();
      upgradeAgent.destroy();
    },
  };

  function watchFailure(sent: NodeRequest, outcome: HeadOutcome<never>): void {
    sent.on("error", (error: NodeJS.ErrnoException) => {
      const failure = networkError(target, error);
      const stale = sent.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      outcome.fail(stale ? new StaleConnection(failure) : failure);
    });
    sent.on("close", () => outcome.fail(networkError(target, new Error("the connection closed before an answer came"))));
  }
}

class StaleConnection extends Error {
  readonly failure: Error;
  constructor(failure: Error) {
    super(failure.message);
    this.failure = failure;
  }
}
