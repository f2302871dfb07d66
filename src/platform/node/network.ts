// The network as one value. What a program may never use (HTTP/2 as a client, gRPC) is loaded with its first use.
import os from "node:os";
import type { Log } from "../log.ts";
import type { Network } from "../network.ts";
import { grpcChannel } from "./grpc.ts";
import { httpClient } from "./network-client.ts";
import { serveHttp } from "./network-server.ts";
import { connectStream, datagrams, interfaceAddresses, listenForStreams, resolveName } from "./network-streams.ts";

export function nodeNetwork(log: Log): Network {
  return {
    serve: (scope, options, handler) =>
      serveHttp(scope, options, handler, (error) =>
        log.error("a request's handler failed", { error, host: options.host, port: options.port }),
      ),
    client: httpClient,
    connect: connectStream,
    listen: listenForStreams,
    datagrams,
    grpc: grpcChannel,
    hostname: () => os.hostname(),
    addresses: interfaceAddresses,
    resolve: resolveName,
  };
}
