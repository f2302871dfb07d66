// The HTTP client: HTTP/2 where the server speaks it, HTTP/1.1 otherwise. HTTP/2 is loaded when first used.
import type { HttpClient, HttpClientOptions } from "../network.ts";
import { targetOf } from "./client-target.ts";
import { http1Client } from "./http1-client.ts";
import type { Http2Client } from "./http2-client.ts";

const defaultMaxHttp1Connections = 512;
const defaultMaxHttp2Connections = 64;

export function httpClient(options: HttpClientOptions): HttpClient {
  const target = targetOf(options);
  let version = options.http ?? (target.secure ? "2" : "1.1");
  let http1: HttpClient | undefined;
  let http2: Promise<Http2Client> | undefined;

  const inHttp1 = (): HttpClient => (http1 ??= http1Client(target, options.maxConnections ?? defaultMaxHttp1Connections));
  const inHttp2 = (): Promise<Http2Client> => {
    http2 ??= import("./http2-client.ts").then(({ http2Client }) =>
      http2Client(target, options.maxConnections ?? defaultMaxHttp2Connections),
    );
    return http2;
  };

  return {
    request: async (request) => {
      if (version === "1.1") return inHttp1().request(request);
      const response = await (await inHttp2()).request(request);
      if (response !== "http/1.1") return response;
      version = "1.1";
      return inHttp1().request(request);
    },
    upgrade: (request) => inHttp1().upgrade(request),
    close: () => {
      http1?.close();
      void http2?.then((client) => client.close());
    },
  };
}
