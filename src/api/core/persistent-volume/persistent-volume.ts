import { kind, type ObjectOf } from "#schema/kind.ts";
import { list, map, one, string, time } from "#schema/field.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";
import { NodeSelector } from "#api/core/pod/scheduling.ts";
import { HostPathVolumeSource } from "#api/core/pod/volume.ts";
import {
  AWSElasticBlockStoreVolumeSource,
  AzureDiskVolumeSource,
  FCVolumeSource,
  FlockerVolumeSource,
  GCEPersistentDiskVolumeSource,
  NFSVolumeSource,
  PhotonPersistentDiskVolumeSource,
  PortworxVolumeSource,
  QuobyteVolumeSource,
  VsphereVirtualDiskVolumeSource,
} from "#api/core/pod/volume-drivers.ts";
import { ObjectReference } from "#api/core/reference.ts";
import { persistentVolumeColumns } from "./persistent-volume-columns.ts";
import { persistentVolumeErrors } from "./persistent-volume-rules.ts";
import {
  AzureFilePersistentVolumeSource,
  CephFSPersistentVolumeSource,
  CinderPersistentVolumeSource,
  CSIPersistentVolumeSource,
  FlexPersistentVolumeSource,
  GlusterfsPersistentVolumeSource,
  ISCSIPersistentVolumeSource,
  LocalVolumeSource,
  RBDPersistentVolumeSource,
  ScaleIOPersistentVolumeSource,
  StorageOSPersistentVolumeSource,
} from "./persistent-volume-source.ts";

export const VolumeNodeAffinity = message(
  "VolumeNodeAffinity",
  {
    required: one(1, (): Type<NodeSelector> => NodeSelector, { optional: true, doc: "Nodes that reach the volume." }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeNodeAffinity" },
);
export interface VolumeNodeAffinity extends Infer<typeof VolumeNodeAffinity> {}

export const PersistentVolumeSpec = message(
  "PersistentVolumeSpec",
  {
    capacity: map(1, "quantity", { doc: "How large the volume is." }),
    ...embedded(2, {
      gcePersistentDisk: one(1, (): Type<GCEPersistentDiskVolumeSource> => GCEPersistentDiskVolumeSource, {
        optional: true,
        doc: "A Google disk.",
      }),
      awsElasticBlockStore: one(2, (): Type<AWSElasticBlockStoreVolumeSource> => AWSElasticBlockStoreVolumeSource, {
        optional: true,
        doc: "An Amazon disk.",
      }),
      hostPath: one(3, (): Type<HostPathVolumeSource> => HostPathVolumeSource, {
        optional: true,
        doc: "A directory of the Node: for clusters of one Node.",
      }),
      glusterfs: one(4, (): Type<GlusterfsPersistentVolumeSource> => GlusterfsPersistentVolumeSource, {
        optional: true,
        doc: "A Gluster volume.",
      }),
      nfs: one(5, (): Type<NFSVolumeSource> => NFSVolumeSource, { optional: true, doc: "A directory of an NFS server." }),
      rbd: one(6, (): Type<RBDPersistentVolumeSource> => RBDPersistentVolumeSource, { optional: true, doc: "A Ceph block device." }),
      iscsi: one(7, (): Type<ISCSIPersistentVolumeSource> => ISCSIPersistentVolumeSource, { optional: true, doc: "An iSCSI disk." }),
      cinder: one(8, (): Type<CinderPersistentVolumeSource> => CinderPersistentVolumeSource, {
        optional: true,
        doc: "An OpenStack volume.",
      }),
      cephfs: one(9, (): Type<CephFSPersistentVolumeSource> => CephFSPersistentVolumeSource, {
        optional: true,
        doc: "A Ceph file system.",
      }),
      fc: one(10, (): Type<FCVolumeSource> => FCVolumeSource, { optional: true, doc: "A Fibre Channel disk." }),
      flocker: one(11, (): Type<FlockerVolumeSource> => FlockerVolumeSource, { optional: true, doc: "A Flocker dataset." }),
      flexVolume: one(12, (): Type<FlexPersistentVolumeSource> => FlexPersistentVolumeSource, {
        optional: true,
        doc: "A volume of a driver that is a program on the Node.",
      }),
      azureFile: one(13, (): Type<AzureFilePersistentVolumeSource> => AzureFilePersistentVolumeSource, {
        optional: true,
        doc: "An Azure share.",
      }),
      vsphereVolume: one(14, (): Type<VsphereVirtualDiskVolumeSource> => VsphereVirtualDiskVolumeSource, {
        optional: true,
        doc: "A vSphere disk.",
      }),
      quobyte: one(15, (): Type<QuobyteVolumeSource> => QuobyteVolumeSource, { optional: true, doc: "A Quobyte volume." }),
      azureDisk: one(16, (): Type<AzureDiskVolumeSource> => AzureDiskVolumeSource, { optional: true, doc: "An Azure disk." }),
      photonPersistentDisk: one(17, (): Type<PhotonPersistentDiskVolumeSource> => PhotonPersistentDiskVolumeSource, {
        optional: true,
        doc: "A Photon disk.",
      }),
      portworxVolume: one(18, (): Type<PortworxVolumeSource> => PortworxVolumeSource, { optional: true, doc: "A Portworx volume." }),
      scaleIO: one(19, (): Type<ScaleIOPersistentVolumeSource> => ScaleIOPersistentVolumeSource, {
        optional: true,
        doc: "A ScaleIO volume.",
      }),
      local: one(20, (): Type<LocalVolumeSource> => LocalVolumeSource, { optional: true, doc: "A directory or disk of one Node." }),
      storageos: one(21, (): Type<StorageOSPersistentVolumeSource> => StorageOSPersistentVolumeSource, {
        optional: true,
        doc: "A StorageOS volume.",
      }),
      csi: one(22, (): Type<CSIPersistentVolumeSource> => CSIPersistentVolumeSource, { optional: true, doc: "A volume of a CSI driver." }),
    }),
    accessModes: list(3, "string", { list: "atomic", doc: "How the volume can be mounted." }),
    claimRef: one(4, (): Type<ObjectReference> => ObjectReference, {
      optional: true,
      atomic: false,
      doc: "The claim that the volume is bound to or kept for.",
    }),
    persistentVolumeReclaimPolicy: string(5, {
      default: "Retain",
      enum: ["Delete", "Recycle", "Retain"],
      doc: "What becomes of the volume when its claim goes: Retain, Delete or Recycle.",
    }),
    storageClassName: string(6, { doc: "StorageClass the volume belongs to." }),
    mountOptions: list(7, "string", { list: "atomic", doc: "Options for mounting, such as ro." }),
    volumeMode: string(8, { optional: true, default: "Filesystem", enum: ["Block", "Filesystem"], doc: "Filesystem or Block." }),
    nodeAffinity: one(9, (): Type<VolumeNodeAffinity> => VolumeNodeAffinity, {
      optional: true,
      doc: "From which Nodes the volume is reached; all when absent.",
    }),
    volumeAttributesClassName: string(10, { optional: true, doc: "VolumeAttributesClass of the volume." }),
  },
  { openapi: "io.k8s.api.core.v1.PersistentVolumeSpec" },
);
export interface PersistentVolumeSpec extends Infer<typeof PersistentVolumeSpec> {}

export const PersistentVolumeStatus = message(
  "PersistentVolumeStatus",
  {
    phase: string(1, { default: "Pending", doc: "Pending, Available, Bound, Released or Failed." }),
    message: string(2, { doc: "Why the volume is in its phase." }),
    reason: string(3, { doc: "The same in one word." }),
    lastPhaseTransitionTime: time(4, { optional: true, doc: "When the phase last changed." }),
  },
  { openapi: "io.k8s.api.core.v1.PersistentVolumeStatus" },
);
export interface PersistentVolumeStatus extends Infer<typeof PersistentVolumeStatus> {}

export interface PersistentVolume extends ObjectOf<typeof PersistentVolumeSpec, typeof PersistentVolumeStatus, {}> {}
export const PersistentVolume = kind({
  group: "",
  version: "v1",
  name: "PersistentVolume",
  plural: "persistentvolumes",
  doc: "A piece of storage in the cluster.",
  scope: "cluster",
  shortNames: ["pv"],
  counted: false,
  validate: persistentVolumeErrors,
  columns: persistentVolumeColumns,
  openapi: "io.k8s.api.core.v1.PersistentVolume",
  spec: PersistentVolumeSpec,
  status: PersistentVolumeStatus,
  subresources: { status: true },
});

/** The fields of a volume of which exactly one says what it is. */
export const persistentVolumeSources = [
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "hostPath",
  "glusterfs",
  "nfs",
  "rbd",
  "iscsi",
  "cinder",
  "cephfs",
  "fc",
  "flocker",
  "flexVolume",
  "azureFile",
  "vsphereVolume",
  "quobyte",
  "azureDisk",
  "photonPersistentDisk",
  "portworxVolume",
  "scaleIO",
  "local",
  "storageos",
  "csi",
] as const;
