// A runtime by its endpoint, as flags and config files name it.
import type { World } from "#platform/world.ts";
import { grpcRuntime, type GrpcRuntimeOptions } from "./grpc/grpc-runtime.ts";
import type { Runtime } from "./runtime.ts";

/** "unix:///run/containerd/containerd.sock", or the socket's path alone. */
export function connectRuntime(world: World, endpoint: string, options: GrpcRuntimeOptions = {}): Runtime & { close(): void } {
  return grpcRuntime(world, endpoint.startsWith("/") ? `unix://${endpoint}` : endpoint, options);
}
