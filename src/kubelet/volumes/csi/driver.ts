// One CSI driver, spoken to over its socket.
import { type GrpcChannel, GrpcError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { readProtobuf, writeProtobuf } from "#schema/derive/protobuf.ts";
import type { Draft, Type } from "#schema/message.ts";
import * as m from "./messages.ts";

/** Calls that mount: disks may have to be formatted. */
const callMilliseconds = 120_000;

type Content<M> = M extends Type<infer T> ? Draft<T> : never;

export interface CsiDriver {
  readonly name: string;
  /** Numbers of what the driver's node service can do. */
  readonly capabilities: ReadonlySet<number>;
  stage(request: Content<typeof m.NodeStageVolumeRequest>): Promise<void>;
  unstage(volumeId: string, stagingTargetPath: string): Promise<void>;
  publish(request: Content<typeof m.NodePublishVolumeRequest>): Promise<void>;
  unpublish(volumeId: string, targetPath: string): Promise<void>;
  close(): void;
}

export interface NodeInfo {
  readonly nodeId: string;
  /** 0: no limit. */
  readonly volumesMax: number;
  readonly topology: Readonly<Record<string, string>>;
}

/** A failure in the words of gRPC, as upstream passes it on. */
export class CsiError extends Error {
  override readonly name = "CsiError";
}

/** Asks the driver behind the socket who it is. */
export async function connectDriver(world: World, name: string, socket: string): Promise<{ driver: CsiDriver; info: NodeInfo }> {
  const call = caller(world.network.grpc(`unix://${socket}`));
  try {
    const info = await call("csi.v1.Node/NodeGetInfo", m.Empty, {}, m.NodeInfo);
    const { capabilities } = await call("csi.v1.Node/NodeGetCapabilities", m.Empty, {}, m.NodeCapabilities);
    return {
      info: { nodeId: info.nodeId, volumesMax: Number(info.maxVolumesPerNode), topology: info.accessibleTopology?.segments ?? {} },
      driver: {
        name,
        capabilities: new Set(capabilities.flatMap(({ rpc }) => (rpc ? [rpc.type] : []))),
        stage: async (request) => {
          await call("csi.v1.Node/NodeStageVolume", m.NodeStageVolumeRequest, request, m.Empty);
        },
        unstage: async (volumeId, stagingTargetPath) => {
          await call("csi.v1.Node/NodeUnstageVolume", m.NodeUnstageVolumeRequest, { volumeId, stagingTargetPath }, m.Empty);
        },
        publish: async (request) => {
          await call("csi.v1.Node/NodePublishVolume", m.NodePublishVolumeRequest, request, m.Empty);
        },
        unpublish: async (volumeId, targetPath) => {
          await call("csi.v1.Node/NodeUnpublishVolume", m.NodeUnpublishVolumeRequest, { volumeId, targetPath }, m.Empty);
        },
        close: () => call.close(),
      },
    };
  } catch (error) {
    call.close();
    throw error;
  }
}

/** What the plugin behind a registration socket says of itself; `tell` is to be called with what came of it. */
export async function askPlugin(world: World, socket: string) {
  const call = caller(world.network.grpc(`unix://${socket}`));
  try {
    return {
      plugin: await call("pluginregistration.Registration/GetInfo", m.Empty, {}, m.PluginInfo),
      async tell(error: string): Promise<void> {
        try {
          const status = { pluginRegistered: error === "", error };
          await call("pluginregistration.Registration/NotifyRegistrationStatus", m.RegistrationStatus, status, m.Empty);
        } finally {
          call.close();
        }
      },
    };
  } catch (error) {
    call.close();
    throw error;
  }
}

function caller(channel: GrpcChannel) {
  const call = async <Q, A>(method: string, request: Type<Q>, value: Draft<Q>, answer: Type<A>): Promise<A> => {
    try {
      const bytes = await channel.call(`/${method}`, writeProtobuf(request, value as Q), { timeoutMilliseconds: callMilliseconds });
      return readProtobuf(answer, bytes);
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      throw new CsiError(`rpc error: code = ${codeNames[error.code] ?? error.code} desc = ${withoutCode(error.message)}`);
    }
  };
  return Object.assign(call, { close: () => channel.close() });
}

const codeNames = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];

/** Libraries put the code before the words: "13 INTERNAL: boom". */
function withoutCode(message: string): string {
  return message.replace(/^\d+ [A-Z_]+: /, "");
}
