// The messages of the CSI protocol (csi.v1) and of plugin registration that a node speaks, with the fields that are used.
import { bool, int32, int64, list, map, one, string } from "#schema/field.ts";
import { protocol } from "#schema/message.ts";

const optional = { optional: true } as const;

export const Empty = protocol("Empty", {});

export const PluginInfo = protocol("PluginInfo", {
  type: string(1),
  name: string(2),
  endpoint: string(3),
  supportedVersions: list(4, "string"),
});
export const RegistrationStatus = protocol("RegistrationStatus", { pluginRegistered: bool(1), error: string(2) });

export const PluginIdentity = protocol("GetPluginInfoResponse", { name: string(1), vendorVersion: string(2) });

export const Topology = protocol("Topology", { segments: map(1, "string") });
export const NodeInfo = protocol("NodeGetInfoResponse", {
  nodeId: string(1),
  maxVolumesPerNode: int64(2),
  accessibleTopology: one(3, () => Topology, optional),
});

const CapabilityType = protocol("RPC", { type: int32(1) });
const Capability = protocol("NodeServiceCapability", { rpc: one(1, () => CapabilityType, optional) });
export const NodeCapabilities = protocol("NodeGetCapabilitiesResponse", { capabilities: list(1, () => Capability) });
export const stageUnstage = 1;
export const volumeMountGroup = 6;
export const singleNodeMultiWriter = 5;

const MountVolume = protocol("MountVolume", { fsType: string(1), mountFlags: list(2, "string"), volumeMountGroup: string(3) });
const AccessMode = protocol("AccessMode", { mode: int32(1) });
export const VolumeCapability = protocol("VolumeCapability", {
  mount: one(2, () => MountVolume, optional),
  accessMode: one(3, () => AccessMode, optional),
});
export const accessModeNumbers = {
  singleNodeWriter: 1,
  multiNodeReaderOnly: 3,
  multiNodeMultiWriter: 5,
  singleNodeSingleWriter: 6,
  singleNodeMultiWriter: 7,
} as const;

export const NodeStageVolumeRequest = protocol("NodeStageVolumeRequest", {
  volumeId: string(1),
  publishContext: map(2, "string"),
  stagingTargetPath: string(3),
  volumeCapability: one(4, () => VolumeCapability, optional),
  secrets: map(5, "string"),
  volumeContext: map(6, "string"),
});
export const NodeUnstageVolumeRequest = protocol("NodeUnstageVolumeRequest", { volumeId: string(1), stagingTargetPath: string(2) });
export const NodePublishVolumeRequest = protocol("NodePublishVolumeRequest", {
  volumeId: string(1),
  publishContext: map(2, "string"),
  stagingTargetPath: string(3),
  targetPath: string(4),
  volumeCapability: one(5, () => VolumeCapability, optional),
  readonly: bool(6),
  secrets: map(7, "string"),
  volumeContext: map(8, "string"),
});
export const NodeUnpublishVolumeRequest = protocol("NodeUnpublishVolumeRequest", { volumeId: string(1), targetPath: string(2) });
