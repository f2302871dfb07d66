// One gRPC service, called message by message.
import type { GrpcChannel } from "#platform/network.ts";
import { readProtobuf, writeProtobuf } from "#schema/derive/protobuf.ts";
import type { Draft, Type } from "#schema/message.ts";

/** Calls that only look. */
export const lookMilliseconds = 10_000;

interface CallOptions {
  readonly milliseconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The methods of a gRPC service, each called with its request's message and answer's. */
export function service(channel: GrpcChannel, name: string) {
  return async <Q, A>(method: string, request: Type<Q>, value: Draft<Q>, answer: Type<A>, options: CallOptions = {}): Promise<A> => {
    const { signal } = options;
    const milliseconds = "milliseconds" in options ? options.milliseconds : lookMilliseconds;
    const bytes = await channel.call(`/${name}/${method}`, writeProtobuf(request, value as Q), {
      ...(milliseconds !== undefined && { timeoutMilliseconds: milliseconds }),
      ...(signal && { signal }),
    });
    return readProtobuf(answer, bytes);
  };
}
