import { one, quantity, string } from "#schema/field.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";
import {
  PersistentVolumeClaimTemplate,
  PersistentVolumeClaimVolumeSource,
} from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import {
  AWSElasticBlockStoreVolumeSource,
  AzureDiskVolumeSource,
  AzureFileVolumeSource,
  CephFSVolumeSource,
  CinderVolumeSource,
  CSIVolumeSource,
  FCVolumeSource,
  FlexVolumeSource,
  FlockerVolumeSource,
  GCEPersistentDiskVolumeSource,
  GitRepoVolumeSource,
  GlusterfsVolumeSource,
  ISCSIVolumeSource,
  NFSVolumeSource,
  PhotonPersistentDiskVolumeSource,
  PortworxVolumeSource,
  QuobyteVolumeSource,
  RBDVolumeSource,
  ScaleIOVolumeSource,
  StorageOSVolumeSource,
  VsphereVirtualDiskVolumeSource,
} from "./volume-drivers.ts";
import { ConfigMapVolumeSource, DownwardAPIVolumeSource, ProjectedVolumeSource, SecretVolumeSource } from "./volume-files.ts";

export const EmptyDirVolumeSource = message(
  "EmptyDirVolumeSource",
  {
    medium: string(1, { doc: "Where it lies: on disk when empty, or in Memory." }),
    sizeLimit: quantity(2, { optional: true, doc: "The most it may hold." }),
  },
  { openapi: "io.k8s.api.core.v1.EmptyDirVolumeSource" },
);
export interface EmptyDirVolumeSource extends Infer<typeof EmptyDirVolumeSource> {}

export const EphemeralVolumeSource = message(
  "EphemeralVolumeSource",
  {
    volumeClaimTemplate: one(1, (): Type<PersistentVolumeClaimTemplate> => PersistentVolumeClaimTemplate, {
      optional: true,
      doc: "Claim that is made for the Pod and goes with it.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.EphemeralVolumeSource" },
);
export interface EphemeralVolumeSource extends Infer<typeof EphemeralVolumeSource> {}

export const HostPathVolumeSource = message(
  "HostPathVolumeSource",
  {
    path: string(1, { always: true, required: true, doc: "Path on the Node." }),
    type: string(2, {
      optional: true,
      default: "",
      enum: ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"],
      doc: "What must be there, or is made there.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.HostPathVolumeSource" },
);
export interface HostPathVolumeSource extends Infer<typeof HostPathVolumeSource> {}

export const ImageVolumeSource = message(
  "ImageVolumeSource",
  {
    reference: string(1, { doc: "Image whose files are mounted." }),
    pullPolicy: string(2, { enum: ["Always", "IfNotPresent", "Never"], doc: "When the image is pulled: Always, IfNotPresent or Never." }),
  },
  { openapi: "io.k8s.api.core.v1.ImageVolumeSource" },
);
export interface ImageVolumeSource extends Infer<typeof ImageVolumeSource> {}

export const Volume = message(
  "Volume",
  {
    ...embedded(2, {
      hostPath: one(1, (): Type<HostPathVolumeSource> => HostPathVolumeSource, { optional: true, doc: "A file or directory of the Node." }),
      emptyDir: one(2, (): Type<EmptyDirVolumeSource> => EmptyDirVolumeSource, {
        optional: true,
        doc: "A directory that begins empty and goes with the Pod.",
      }),
      gcePersistentDisk: one(3, (): Type<GCEPersistentDiskVolumeSource> => GCEPersistentDiskVolumeSource, {
        optional: true,
        doc: "A Google disk.",
      }),
      awsElasticBlockStore: one(4, (): Type<AWSElasticBlockStoreVolumeSource> => AWSElasticBlockStoreVolumeSource, {
        optional: true,
        doc: "An Amazon disk.",
      }),
      gitRepo: one(5, (): Type<GitRepoVolumeSource> => GitRepoVolumeSource, {
        optional: true,
        doc: "A checkout of a repository; no longer supported.",
      }),
      secret: one(6, (): Type<SecretVolumeSource> => SecretVolumeSource, { optional: true, doc: "Files from a Secret." }),
      nfs: one(7, (): Type<NFSVolumeSource> => NFSVolumeSource, { optional: true, doc: "A directory of an NFS server." }),
      iscsi: one(8, (): Type<ISCSIVolumeSource> => ISCSIVolumeSource, { optional: true, doc: "An iSCSI disk." }),
      glusterfs: one(9, (): Type<GlusterfsVolumeSource> => GlusterfsVolumeSource, { optional: true, doc: "A Gluster volume." }),
      persistentVolumeClaim: one(10, (): Type<PersistentVolumeClaimVolumeSource> => PersistentVolumeClaimVolumeSource, {
        optional: true,
        doc: "The volume that a claim is bound to.",
      }),
      rbd: one(11, (): Type<RBDVolumeSource> => RBDVolumeSource, { optional: true, doc: "A Ceph block device." }),
      flexVolume: one(12, (): Type<FlexVolumeSource> => FlexVolumeSource, {
        optional: true,
        doc: "A volume of a driver that is a program on the Node.",
      }),
      cinder: one(13, (): Type<CinderVolumeSource> => CinderVolumeSource, { optional: true, doc: "An OpenStack volume." }),
      cephfs: one(14, (): Type<CephFSVolumeSource> => CephFSVolumeSource, { optional: true, doc: "A Ceph file system." }),
      flocker: one(15, (): Type<FlockerVolumeSource> => FlockerVolumeSource, { optional: true, doc: "A Flocker dataset." }),
      downwardAPI: one(16, (): Type<DownwardAPIVolumeSource> => DownwardAPIVolumeSource, {
        optional: true,
        doc: "Files that tell of the Pod.",
      }),
      fc: one(17, (): Type<FCVolumeSource> => FCVolumeSource, { optional: true, doc: "A Fibre Channel disk." }),
      azureFile: one(18, (): Type<AzureFileVolumeSource> => AzureFileVolumeSource, { optional: true, doc: "An Azure share." }),
      configMap: one(19, (): Type<ConfigMapVolumeSource> => ConfigMapVolumeSource, { optional: true, doc: "Files from a ConfigMap." }),
      vsphereVolume: one(20, (): Type<VsphereVirtualDiskVolumeSource> => VsphereVirtualDiskVolumeSource, {
        optional: true,
        doc: "A vSphere disk.",
      }),
      quobyte: one(21, (): Type<QuobyteVolumeSource> => QuobyteVolumeSource, { optional: true, doc: "A Quobyte volume." }),
      azureDisk: one(22, (): Type<AzureDiskVolumeSource> => AzureDiskVolumeSource, { optional: true, doc: "An Azure disk." }),
      photonPersistentDisk: one(23, (): Type<PhotonPersistentDiskVolumeSource> => PhotonPersistentDiskVolumeSource, {
        optional: true,
        doc: "A Photon disk.",
      }),
      portworxVolume: one(24, (): Type<PortworxVolumeSource> => PortworxVolumeSource, { optional: true, doc: "A Portworx volume." }),
      scaleIO: one(25, (): Type<ScaleIOVolumeSource> => ScaleIOVolumeSource, { optional: true, doc: "A ScaleIO volume." }),
      projected: one(26, (): Type<ProjectedVolumeSource> => ProjectedVolumeSource, {
        optional: true,
        doc: "Files from several sources in one directory.",
      }),
      storageos: one(27, (): Type<StorageOSVolumeSource> => StorageOSVolumeSource, { optional: true, doc: "A StorageOS volume." }),
      csi: one(28, (): Type<CSIVolumeSource> => CSIVolumeSource, { optional: true, doc: "A volume of a CSI driver." }),
      ephemeral: one(29, (): Type<EphemeralVolumeSource> => EphemeralVolumeSource, {
        optional: true,
        doc: "A volume made for the Pod, which goes with it.",
      }),
      image: one(30, (): Type<ImageVolumeSource> => ImageVolumeSource, { optional: true, doc: "The files of an image." }),
    }),
    name: string(1, { always: true, required: true, format: "dns1123Label", doc: "Name by which containers mount it." }),
  },
  { openapi: "io.k8s.api.core.v1.Volume" },
);
export interface Volume extends Infer<typeof Volume> {}

/** The fields of a volume of which exactly one says what it is. */
export const volumeSources = [
  "hostPath",
  "emptyDir",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "gitRepo",
  "secret",
  "nfs",
  "iscsi",
  "glusterfs",
  "persistentVolumeClaim",
  "rbd",
  "flexVolume",
  "cinder",
  "cephfs",
  "flocker",
  "downwardAPI",
  "fc",
  "azureFile",
  "configMap",
  "vsphereVolume",
  "quobyte",
  "azureDisk",
  "photonPersistentDisk",
  "portworxVolume",
  "scaleIO",
  "projected",
  "storageos",
  "csi",
  "ephemeral",
  "image",
] as const;
