// Volumes that a driver brings: CSI, and the kinds that were built in once.
import { bool, int32, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { LocalObjectReference } from "#api/core/reference.ts";

export const AWSElasticBlockStoreVolumeSource = message(
  "AWSElasticBlockStoreVolumeSource",
  {
    volumeID: string(1, { always: true, required: true, doc: "Id of the disk." }),
    fsType: string(2, { doc: "File system of the volume." }),
    partition: int32(3, { doc: "Partition that is mounted." }),
    readOnly: bool(4, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource" },
);
export interface AWSElasticBlockStoreVolumeSource extends Infer<typeof AWSElasticBlockStoreVolumeSource> {}

export const AzureDiskVolumeSource = message(
  "AzureDiskVolumeSource",
  {
    diskName: string(1, { always: true, required: true, doc: "Name of the disk." }),
    diskURI: string(2, { always: true, required: true, doc: "Address of the disk." }),
    cachingMode: string(3, {
      optional: true,
      default: "ReadWrite",
      enum: ["None", "ReadOnly", "ReadWrite"],
      doc: "None, ReadOnly or ReadWrite.",
    }),
    fsType: string(4, { optional: true, default: "ext4", doc: "File system of the volume." }),
    readOnly: bool(5, { optional: true, default: false, doc: "Whether the volume is read-only." }),
    kind: string(6, { optional: true, default: "Shared", enum: ["Dedicated", "Managed", "Shared"], doc: "Shared, Dedicated or Managed." }),
  },
  { openapi: "io.k8s.api.core.v1.AzureDiskVolumeSource" },
);
export interface AzureDiskVolumeSource extends Infer<typeof AzureDiskVolumeSource> {}

export const AzureFileVolumeSource = message(
  "AzureFileVolumeSource",
  {
    secretName: string(1, { always: true, required: true, doc: "Secret with the account's name and key." }),
    shareName: string(2, { always: true, required: true, doc: "Name of the share." }),
    readOnly: bool(3, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.AzureFileVolumeSource" },
);
export interface AzureFileVolumeSource extends Infer<typeof AzureFileVolumeSource> {}

export const CephFSVolumeSource = message(
  "CephFSVolumeSource",
  {
    monitors: list(1, "string", { always: true, required: true, list: "atomic", doc: "Addresses of the monitors." }),
    path: string(2, { doc: "Directory that is mounted." }),
    user: string(3, { doc: "User of the cluster." }),
    secretFile: string(4, { doc: "File with the user's key." }),
    secretRef: one(5, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true, doc: "Secret with the user's key." }),
    readOnly: bool(6, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.CephFSVolumeSource" },
);
export interface CephFSVolumeSource extends Infer<typeof CephFSVolumeSource> {}

export const CinderVolumeSource = message(
  "CinderVolumeSource",
  {
    volumeID: string(1, { always: true, required: true, doc: "Id of the volume." }),
    fsType: string(2, { doc: "File system of the volume." }),
    readOnly: bool(3, { doc: "Whether the volume is read-only." }),
    secretRef: one(4, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true, doc: "Secret for the connection." }),
  },
  { openapi: "io.k8s.api.core.v1.CinderVolumeSource" },
);
export interface CinderVolumeSource extends Infer<typeof CinderVolumeSource> {}

export const CSIVolumeSource = message(
  "CSIVolumeSource",
  {
    driver: string(1, { always: true, required: true, doc: "Name of the driver." }),
    readOnly: bool(2, { optional: true, doc: "Whether the volume is read-only." }),
    fsType: string(3, { optional: true, doc: "File system of the volume." }),
    volumeAttributes: map(4, "string", { doc: "What the driver is told." }),
    nodePublishSecretRef: one(5, (): Type<LocalObjectReference> => LocalObjectReference, {
      optional: true,
      doc: "Secret the driver is given.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.CSIVolumeSource" },
);
export interface CSIVolumeSource extends Infer<typeof CSIVolumeSource> {}

export const FCVolumeSource = message(
  "FCVolumeSource",
  {
    targetWWNs: list(1, "string", { list: "atomic", doc: "World wide names of the targets." }),
    lun: int32(2, { optional: true, doc: "Number of the unit." }),
    fsType: string(3, { doc: "File system of the volume." }),
    readOnly: bool(4, { doc: "Whether the volume is read-only." }),
    wwids: list(5, "string", { list: "atomic", doc: "World wide ids of the volume." }),
  },
  { openapi: "io.k8s.api.core.v1.FCVolumeSource" },
);
export interface FCVolumeSource extends Infer<typeof FCVolumeSource> {}

export const FlexVolumeSource = message(
  "FlexVolumeSource",
  {
    driver: string(1, { always: true, required: true, doc: "Name of the driver." }),
    fsType: string(2, { doc: "File system of the volume." }),
    secretRef: one(3, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true, doc: "Secret the driver is given." }),
    readOnly: bool(4, { doc: "Whether the volume is read-only." }),
    options: map(5, "string", { doc: "What the driver is told." }),
  },
  { openapi: "io.k8s.api.core.v1.FlexVolumeSource" },
);
export interface FlexVolumeSource extends Infer<typeof FlexVolumeSource> {}

export const FlockerVolumeSource = message(
  "FlockerVolumeSource",
  {
    datasetName: string(1, { doc: "Name of the dataset." }),
    datasetUUID: string(2, { doc: "Id of the dataset." }),
  },
  { openapi: "io.k8s.api.core.v1.FlockerVolumeSource" },
);
export interface FlockerVolumeSource extends Infer<typeof FlockerVolumeSource> {}

export const GCEPersistentDiskVolumeSource = message(
  "GCEPersistentDiskVolumeSource",
  {
    pdName: string(1, { always: true, required: true, doc: "Name of the disk." }),
    fsType: string(2, { doc: "File system of the volume." }),
    partition: int32(3, { doc: "Partition that is mounted." }),
    readOnly: bool(4, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.GCEPersistentDiskVolumeSource" },
);
export interface GCEPersistentDiskVolumeSource extends Infer<typeof GCEPersistentDiskVolumeSource> {}

export const GitRepoVolumeSource = message(
  "GitRepoVolumeSource",
  {
    repository: string(1, { always: true, required: true, doc: "Address of the repository." }),
    revision: string(2, { doc: "Commit that is checked out." }),
    directory: string(3, { doc: "Directory it is checked out into." }),
  },
  { openapi: "io.k8s.api.core.v1.GitRepoVolumeSource" },
);
export interface GitRepoVolumeSource extends Infer<typeof GitRepoVolumeSource> {}

export const GlusterfsVolumeSource = message(
  "GlusterfsVolumeSource",
  {
    endpoints: string(1, { always: true, required: true, doc: "Endpoints of the cluster." }),
    path: string(2, { always: true, required: true, doc: "Name of the volume." }),
    readOnly: bool(3, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.GlusterfsVolumeSource" },
);
export interface GlusterfsVolumeSource extends Infer<typeof GlusterfsVolumeSource> {}

export const ISCSIVolumeSource = message(
  "ISCSIVolumeSource",
  {
    targetPortal: string(1, { always: true, required: true, doc: "Address of the target." }),
    iqn: string(2, { always: true, required: true, doc: "Name of the target." }),
    lun: int32(3, { always: true, required: true, doc: "Number of the unit." }),
    iscsiInterface: string(4, { default: "default", doc: "Name of the interface." }),
    fsType: string(5, { doc: "File system of the volume." }),
    readOnly: bool(6, { doc: "Whether the volume is read-only." }),
    portals: list(7, "string", { list: "atomic", doc: "Further addresses of the target." }),
    chapAuthDiscovery: bool(8, { doc: "Whether discovery uses CHAP." }),
    secretRef: one(10, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true, doc: "Secret for CHAP." }),
    chapAuthSession: bool(11, { doc: "Whether the session uses CHAP." }),
    initiatorName: string(12, { optional: true, doc: "Name of the initiator." }),
  },
  { openapi: "io.k8s.api.core.v1.ISCSIVolumeSource" },
);
export interface ISCSIVolumeSource extends Infer<typeof ISCSIVolumeSource> {}

export const NFSVolumeSource = message(
  "NFSVolumeSource",
  {
    server: string(1, { always: true, required: true, doc: "Name or address of the server." }),
    path: string(2, { always: true, required: true, doc: "Path that the server exports." }),
    readOnly: bool(3, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.NFSVolumeSource" },
);
export interface NFSVolumeSource extends Infer<typeof NFSVolumeSource> {}

export const PhotonPersistentDiskVolumeSource = message(
  "PhotonPersistentDiskVolumeSource",
  {
    pdID: string(1, { always: true, required: true, doc: "Id of the disk." }),
    fsType: string(2, { doc: "File system of the volume." }),
  },
  { openapi: "io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource" },
);
export interface PhotonPersistentDiskVolumeSource extends Infer<typeof PhotonPersistentDiskVolumeSource> {}

export const PortworxVolumeSource = message(
  "PortworxVolumeSource",
  {
    volumeID: string(1, { always: true, required: true, doc: "Id of the volume." }),
    fsType: string(2, { doc: "File system of the volume." }),
    readOnly: bool(3, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.PortworxVolumeSource" },
);
export interface PortworxVolumeSource extends Infer<typeof PortworxVolumeSource> {}

export const QuobyteVolumeSource = message(
  "QuobyteVolumeSource",
  {
    registry: string(1, { always: true, required: true, doc: "Addresses of the registry." }),
    volume: string(2, { always: true, required: true, doc: "Name of the volume." }),
    readOnly: bool(3, { doc: "Whether the volume is read-only." }),
    user: string(4, { doc: "User who owns the files." }),
    group: string(5, { doc: "Group that owns the files." }),
    tenant: string(6, { doc: "Tenant that owns the volume." }),
  },
  { openapi: "io.k8s.api.core.v1.QuobyteVolumeSource" },
);
export interface QuobyteVolumeSource extends Infer<typeof QuobyteVolumeSource> {}

export const RBDVolumeSource = message(
  "RBDVolumeSource",
  {
    monitors: list(1, "string", { always: true, required: true, list: "atomic", doc: "Addresses of the monitors." }),
    image: string(2, { always: true, required: true, doc: "Name of the image." }),
    fsType: string(3, { doc: "File system of the volume." }),
    pool: string(4, { default: "rbd", doc: "Pool of the image." }),
    user: string(5, { default: "admin", doc: "User of the cluster." }),
    keyring: string(6, { default: "/etc/ceph/keyring", doc: "File with the user's key." }),
    secretRef: one(7, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true, doc: "Secret with the user's key." }),
    readOnly: bool(8, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.RBDVolumeSource" },
);
export interface RBDVolumeSource extends Infer<typeof RBDVolumeSource> {}

export const ScaleIOVolumeSource = message(
  "ScaleIOVolumeSource",
  {
    gateway: string(1, { always: true, required: true, doc: "Address of the gateway." }),
    system: string(2, { always: true, required: true, doc: "Name of the storage system." }),
    secretRef: one(3, (): Type<LocalObjectReference> => LocalObjectReference, {
      optional: true,
      required: true,
      doc: "Secret for the login.",
    }),
    sslEnabled: bool(4, { doc: "Whether the gateway is spoken to over TLS." }),
    protectionDomain: string(5, { doc: "Name of the protection domain." }),
    storagePool: string(6, { doc: "Storage pool of the domain." }),
    storageMode: string(7, { default: "ThinProvisioned", doc: "ThickProvisioned or ThinProvisioned." }),
    volumeName: string(8, { doc: "Name of the volume." }),
    fsType: string(9, { default: "xfs", doc: "File system of the volume." }),
    readOnly: bool(10, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.ScaleIOVolumeSource" },
);
export interface ScaleIOVolumeSource extends Infer<typeof ScaleIOVolumeSource> {}

export const StorageOSVolumeSource = message(
  "StorageOSVolumeSource",
  {
    volumeName: string(1, { doc: "Name of the volume." }),
    volumeNamespace: string(2, { doc: "Where the volume is looked for." }),
    fsType: string(3, { doc: "File system of the volume." }),
    readOnly: bool(4, { doc: "Whether the volume is read-only." }),
    secretRef: one(5, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true, doc: "Secret for the connection." }),
  },
  { openapi: "io.k8s.api.core.v1.StorageOSVolumeSource" },
);
export interface StorageOSVolumeSource extends Infer<typeof StorageOSVolumeSource> {}

export const VsphereVirtualDiskVolumeSource = message(
  "VsphereVirtualDiskVolumeSource",
  {
    volumePath: string(1, { always: true, required: true, doc: "Path of the disk." }),
    fsType: string(2, { doc: "File system of the volume." }),
    storagePolicyName: string(3, { doc: "Name of the storage policy." }),
    storagePolicyID: string(4, { doc: "Id of the storage policy." }),
  },
  { openapi: "io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource" },
);
export interface VsphereVirtualDiskVolumeSource extends Infer<typeof VsphereVirtualDiskVolumeSource> {}
