// gRPC with bytes in and bytes out. The library is loaded with the first call.
import type { Client, ClientDuplexStream, ClientReadableStream, ClientUnaryCall, Metadata, ServiceError } from "@grpc/grpc-js";
import { type GrpcChannel, type GrpcDuplex, GrpcError, type GrpcOptions } from "../network.ts";

const maxMessageBytes = 32 * 1024 * 1024;
const unavailable = 14;

type Library = typeof import("@grpc/grpc-js");

interface Connected {
  readonly library: Library;
  readonly client: Client;
}

export function grpcChannel(target: string, options: GrpcOptions = {}): GrpcChannel {
  const { tls, messageBytesMax = maxMessageBytes, keepaliveMilliseconds = 30_000, keepaliveTimeoutMilliseconds = 10_000 } = options;
  let closed = false;
  let connected: Promise<Connected> | undefined;

  const connect = async (): Promise<Connected> => {
    if (closed) throw new GrpcError(unavailable, `the channel to ${target} is closed`);
    // A bundle gives what CommonJS exports as the default alone.
    connected ??= import("@grpc/grpc-js").then(({ default: library }) => ({
      library,
      client: new library.Client(target, tls ? secured(library, tls) : library.credentials.createInsecure(), {
        "grpc.max_receive_message_length": messageBytesMax,
        "grpc.max_send_message_length": messageBytesMax,
        "grpc.enable_http_proxy": 0,
        // A runtime that restarts is found again quickly.
        "grpc.initial_reconnect_backoff_ms": 200,
        "grpc.max_reconnect_backoff_ms": 3_000,
        "grpc.keepalive_time_ms": keepaliveMilliseconds,
        "grpc.keepalive_timeout_ms": keepaliveTimeoutMilliseconds,
        // Channels of one process to one target are told apart, so that closing one leaves the others open.
        "grpc.use_local_subchannel_pool": 1,
      }),
    }));
    return connected;
  };

  return {
    call: async (path, message, { signal, timeoutMilliseconds } = {}) => {
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
          metadataOf(library, options),
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
    stream: (path, message, { signal } = {}) => {
      const open = async () => {
        const { library, client } = await connect();
        return client.makeServerStreamRequest(path, toBuffer, asBytes, message, metadataOf(library, options));
      };
      return messagesOf(open, signal);
    },
    duplex: (path, { signal } = {}) => {
      const open = async () => {
        const { library, client } = await connect();
        return client.makeBidiStreamRequest(path, toBuffer, asBytes, metadataOf(library, options)) as ClientDuplexStream<
          Uint8Array,
          Uint8Array
        >;
      };
      return duplexOf(open, signal);
    },
    close: () => {
      closed = true;
      void connected?.then(({ client }) => client.close());
    },
  };
}

async function* messagesOf(
  open: () => Promise<ClientReadableStream<Uint8Array>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  const call = await open();
  const cancel = (): void => call.cancel();
  call.on("error", () => {});
  signal?.addEventListener("abort", cancel);
  if (signal?.aborted) cancel();
  try {
    for await (const reply of call) yield reply as Uint8Array;
  } catch (error) {
    throw signal?.aborted ? signal.reason : grpcError(error as ServiceError);
  } finally {
    signal?.removeEventListener("abort", cancel);
    call.cancel();
  }
}

function duplexOf(open: () => Promise<ClientDuplexStream<Uint8Array, Uint8Array>>, signal: AbortSignal | undefined): GrpcDuplex {
  const opened = open();
  opened.catch(() => {});
  return {
    write: (message) => {
      // What the stream died of is told to whoever reads.
      opened.then(
        (call) => call.write(message),
        () => {},
      );
    },
    messages: messagesOf(() => opened, signal),
  };
}

function secured(
  library: Library,
  { ca, certificate, key }: NonNullable<GrpcOptions["tls"]>,
): ReturnType<Library["credentials"]["createSsl"]> {
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return library.credentials.createSsl(pem(ca), pem(key), pem(certificate));
}

function metadataOf(library: Library, { metadata = {} }: GrpcOptions): Metadata {
  const sent = new library.Metadata();
  for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
  return sent;
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
