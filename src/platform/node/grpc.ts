// gRPC with bytes in and bytes out. The library is loaded with the first call.
import type { Client, ClientReadableStream, ClientUnaryCall, Metadata, ServiceError } from "@grpc/grpc-js";
import { type GrpcChannel, GrpcError } from "../network.ts";

const maxMessageBytes = 32 * 1024 * 1024;
const unavailable = 14;

type Library = typeof import("@grpc/grpc-js");

export function grpcChannel(target: string): GrpcChannel {
  let closed = false;
  let connected: Promise<{ library: Library; client: Client }> | undefined;

  const connect = async (): Promise<{ library: Library; client: Client }> => {
    if (closed) throw new GrpcError(unavailable, `the channel to ${target} is closed`);
    // A bundle gives what CommonJS exports as the default alone.
    connected ??= import("@grpc/grpc-js").then(({ default: library }) => ({
      library,
      client: new library.Client(target, library.credentials.createInsecure(), {
        "grpc.max_receive_message_length": maxMessageBytes,
        "grpc.max_send_message_length": maxMessageBytes,
        "grpc.enable_http_proxy": 0,
        // A runtime that restarts is found again quickly.
        "grpc.initial_reconnect_backoff_ms": 200,
        "grpc.max_reconnect_backoff_ms": 3_000,
        "grpc.keepalive_time_ms": 30_000,
        "grpc.keepalive_timeout_ms": 10_000,
        // Channels of one process to one target are told apart, so that closing one leaves the others open.
        "grpc.use_local_subchannel_pool": 1,
      }),
    }));
    return connected;
  };

  return {
    call: async (path, message, options = {}) => {
      const { signal, timeoutMilliseconds } = options;
      signal?.throwIfAborted();
      const { library, client } = await connect();
      return new Promise((resolve, reject) => {
        const limits = timeoutMilliseconds === undefined ? {} : { deadline: Date.now() + timeoutMilliseconds };
        const cancel = (): void => call.cancel();
        const call: ClientUnaryCall = client.makeUnaryRequest(
          path,
          toBuffer,
          asBytes,
          message,
          new library.Metadata() as Metadata,
          limits,
          (error, reply) => {
            signal?.removeEventListener("abort", cancel);
            if (error) reject(signal?.aborted ? signal.reason : grpcError(error));
            else resolve(reply as Uint8Array);
          },
        );
        signal?.addEventListener("abort", cancel);
      });
    },
    stream: (path, message, options = {}) => streamFrom(connect, path, message, options.signal),
    close: () => {
      closed = true;
      void connected?.then(({ client }) => client.close());
    },
  };
}

async function* streamFrom(
  connect: () => Promise<{ library: Library; client: Client }>,
  path: string,
  message: Uint8Array,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  const { client } = await connect();
  const call: ClientReadableStream<Uint8Array> = client.makeServerStreamRequest(path, toBuffer, asBytes, message);
  const cancel = (): void => call.cancel();
  call.on("error", () => {});
  signal?.addEventListener("abort", cancel);
  try {
    for await (const reply of call) yield reply as Uint8Array;
  } catch (error) {
    throw signal?.aborted ? signal.reason : grpcError(error as ServiceError);
  } finally {
    signal?.removeEventListener("abort", cancel);
    call.cancel();
  }
}

function toBuffer(message: Uint8Array): Buffer {
  return Buffer.isBuffer(message) ? message : Buffer.from(message.buffer, message.byteOffset, message.byteLength);
}

function asBytes(reply: Buffer): Uint8Array {
  return reply;
}

function grpcError(error: ServiceError): GrpcError {
  return new GrpcError(typeof error.code === "number" ? error.code : 2, error.details || error.message);
}
