import { bool, int32, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ObjectReference, SecretReference } from "#api/core/reference.ts";

export const AzureFilePersistentVolumeSource = message(
  "AzureFilePersistentVolumeSource",
  {
    secretName: string(1, { always: true, required: true, doc: "Secret with the account's name and key." }),
    shareName: string(2, { always: true, required: true, doc: "Name of the share." }),
    readOnly: bool(3, { doc: "Whether the volume is read-only." }),
    secretNamespace: string(4, { optional: true, always: true, doc: "Namespace of the Secret; the claim's when empty." }),
  },
  { openapi: "io.k8s.api.core.v1.AzureFilePersistentVolumeSource" },
);
export interface AzureFilePersistentVolumeSource extends Infer<typeof AzureFilePersistentVolumeSource> {}

export const CephFSPersistentVolumeSource = message(
  "CephFSPersistentVolumeSource",
  {
    monitors: list(1, "string", { always: true, required: true, list: "atomic", doc: "Addresses of the monitors." }),
    path: string(2, { doc: "Directory that is mounted." }),
    user: string(3, { doc: "User of the cluster." }),
    secretFile: string(4, { doc: "File with the user's key." }),
    secretRef: one(5, (): Type<SecretReference> => SecretReference, { optional: true, doc: "Secret with the user's key." }),
    readOnly: bool(6, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.CephFSPersistentVolumeSource" },
);
export interface CephFSPersistentVolumeSource extends Infer<typeof CephFSPersistentVolumeSource> {}

export const CinderPersistentVolumeSource = message(
  "CinderPersistentVolumeSource",
  {
    volumeID: string(1, { always: true, required: true, doc: "Id of the volume." }),
    fsType: string(2, { doc: "File system of the volume." }),
    readOnly: bool(3, { doc: "Whether the volume is read-only." }),
    secretRef: one(4, (): Type<SecretReference> => SecretReference, { optional: true, doc: "Secret for the connection." }),
  },
  { openapi: "io.k8s.api.core.v1.CinderPersistentVolumeSource" },
);
export interface CinderPersistentVolumeSource extends Infer<typeof CinderPersistentVolumeSource> {}

export const CSIPersistentVolumeSource = message(
  "CSIPersistentVolumeSource",
  {
    driver: string(1, { always: true, required: true, doc: "Name of the driver." }),
    volumeHandle: string(2, { always: true, required: true, doc: "Id by which the driver knows the volume." }),
    readOnly: bool(3, { doc: "Whether the volume is read-only." }),
    fsType: string(4, { doc: "File system of the volume." }),
    volumeAttributes: map(5, "string", { doc: "What the driver is told." }),
    controllerPublishSecretRef: one(6, (): Type<SecretReference> => SecretReference, {
      optional: true,
      doc: "Secret for attaching the volume.",
    }),
    nodeStageSecretRef: one(7, (): Type<SecretReference> => SecretReference, {
      optional: true,
      doc: "Secret for preparing the volume on the Node.",
    }),
    nodePublishSecretRef: one(8, (): Type<SecretReference> => SecretReference, { optional: true, doc: "Secret for mounting the volume." }),
    controllerExpandSecretRef: one(9, (): Type<SecretReference> => SecretReference, {
      optional: true,
      doc: "Secret for growing the volume.",
    }),
    nodeExpandSecretRef: one(10, (): Type<SecretReference> => SecretReference, {
      optional: true,
      doc: "Secret for growing the volume on the Node.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.CSIPersistentVolumeSource" },
);
export interface CSIPersistentVolumeSource extends Infer<typeof CSIPersistentVolumeSource> {}

export const FlexPersistentVolumeSource = message(
  "FlexPersistentVolumeSource",
  {
    driver: string(1, { always: true, required: true, doc: "Name of the driver." }),
    fsType: string(2, { doc: "File system of the volume." }),
    secretRef: one(3, (): Type<SecretReference> => SecretReference, { optional: true, doc: "Secret the driver is given." }),
    readOnly: bool(4, { doc: "Whether the volume is read-only." }),
    options: map(5, "string", { doc: "What the driver is told." }),
  },
  { openapi: "io.k8s.api.core.v1.FlexPersistentVolumeSource" },
);
export interface FlexPersistentVolumeSource extends Infer<typeof FlexPersistentVolumeSource> {}

export const GlusterfsPersistentVolumeSource = message(
  "GlusterfsPersistentVolumeSource",
  {
    endpoints: string(1, { always: true, required: true, doc: "Endpoints of the cluster." }),
    path: string(2, { always: true, required: true, doc: "Name of the volume." }),
    readOnly: bool(3, { doc: "Whether the volume is read-only." }),
    endpointsNamespace: string(4, { optional: true, doc: "Namespace of the endpoints; the claim's when empty." }),
  },
  { openapi: "io.k8s.api.core.v1.GlusterfsPersistentVolumeSource" },
);
export interface GlusterfsPersistentVolumeSource extends Infer<typeof GlusterfsPersistentVolumeSource> {}

export const ISCSIPersistentVolumeSource = message(
  "ISCSIPersistentVolumeSource",
  {
    targetPortal: string(1, { always: true, required: true, doc: "Address of the target." }),
    iqn: string(2, { always: true, required: true, doc: "Name of the target." }),
    lun: int32(3, { always: true, required: true, doc: "Number of the unit." }),
    iscsiInterface: string(4, { default: "default", doc: "Name of the interface." }),
    fsType: string(5, { doc: "File system of the volume." }),
    readOnly: bool(6, { doc: "Whether the volume is read-only." }),
    portals: list(7, "string", { list: "atomic", doc: "Further addresses of the target." }),
    chapAuthDiscovery: bool(8, { doc: "Whether discovery uses CHAP." }),
    secretRef: one(10, (): Type<SecretReference> => SecretReference, { optional: true, doc: "Secret for CHAP." }),
    chapAuthSession: bool(11, { doc: "Whether the session uses CHAP." }),
    initiatorName: string(12, { optional: true, doc: "Name of the initiator." }),
  },
  { openapi: "io.k8s.api.core.v1.ISCSIPersistentVolumeSource" },
);
export interface ISCSIPersistentVolumeSource extends Infer<typeof ISCSIPersistentVolumeSource> {}

export const LocalVolumeSource = message(
  "LocalVolumeSource",
  {
    path: string(1, { always: true, required: true, doc: "Path of a directory or a block device on the Node." }),
    fsType: string(2, { optional: true, doc: "File system of the volume." }),
  },
  { openapi: "io.k8s.api.core.v1.LocalVolumeSource" },
);
export interface LocalVolumeSource extends Infer<typeof LocalVolumeSource> {}

export const RBDPersistentVolumeSource = message(
  "RBDPersistentVolumeSource",
  {
    monitors: list(1, "string", { always: true, required: true, list: "atomic", doc: "Addresses of the monitors." }),
    image: string(2, { always: true, required: true, doc: "Name of the image." }),
    fsType: string(3, { doc: "File system of the volume." }),
    pool: string(4, { default: "rbd", doc: "Pool of the image." }),
    user: string(5, { default: "admin", doc: "User of the cluster." }),
    keyring: string(6, { default: "/etc/ceph/keyring", doc: "File with the user's key." }),
    secretRef: one(7, (): Type<SecretReference> => SecretReference, { optional: true, doc: "Secret the driver is given." }),
    readOnly: bool(8, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.RBDPersistentVolumeSource" },
);
export interface RBDPersistentVolumeSource extends Infer<typeof RBDPersistentVolumeSource> {}

export const ScaleIOPersistentVolumeSource = message(
  "ScaleIOPersistentVolumeSource",
  {
    gateway: string(1, { always: true, required: true, doc: "Address of the gateway." }),
    system: string(2, { always: true, required: true, doc: "Name of the system." }),
    secretRef: one(3, (): Type<SecretReference> => SecretReference, {
      optional: true,
      always: true,
      required: true,
      doc: "Secret the driver is given.",
    }),
    sslEnabled: bool(4, { doc: "Whether the gateway is reached by TLS." }),
    protectionDomain: string(5, { doc: "Protection domain of the storage." }),
    storagePool: string(6, { doc: "Storage pool of the protection domain." }),
    storageMode: string(7, { default: "ThinProvisioned", doc: "Thick or thin." }),
    volumeName: string(8, { doc: "Name of the volume." }),
    fsType: string(9, { default: "xfs", doc: "File system of the volume." }),
    readOnly: bool(10, { doc: "Whether the volume is read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.ScaleIOPersistentVolumeSource" },
);
export interface ScaleIOPersistentVolumeSource extends Infer<typeof ScaleIOPersistentVolumeSource> {}

export const StorageOSPersistentVolumeSource = message(
  "StorageOSPersistentVolumeSource",
  {
    volumeName: string(1, { doc: "Name of the volume." }),
    volumeNamespace: string(2, { doc: "Namespace of the volume." }),
    fsType: string(3, { doc: "File system of the volume." }),
    readOnly: bool(4, { doc: "Whether the volume is read-only." }),
    secretRef: one(5, (): Type<ObjectReference> => ObjectReference, { optional: true, doc: "Secret the driver is given." }),
  },
  { openapi: "io.k8s.api.core.v1.StorageOSPersistentVolumeSource" },
);
export interface StorageOSPersistentVolumeSource extends Infer<typeof StorageOSPersistentVolumeSource> {}
