import { bool, int32, int64, list, map, one, quantity, string } from "#schema/field.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";
import {
  PersistentVolumeClaimTemplate,
  PersistentVolumeClaimVolumeSource,
} from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { ObjectFieldSelector, ResourceFieldSelector } from "./container.ts";
import { LocalObjectReference } from "#api/core/reference.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";

export const AWSElasticBlockStoreVolumeSource = message(
  "AWSElasticBlockStoreVolumeSource",
  {
    volumeID: string(1, { always: true, required: true }),
    fsType: string(2),
    partition: int32(3),
    readOnly: bool(4),
  },
  { openapi: "io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource" },
);
export interface AWSElasticBlockStoreVolumeSource extends Infer<typeof AWSElasticBlockStoreVolumeSource> {}

export const AzureDiskVolumeSource = message(
  "AzureDiskVolumeSource",
  {
    diskName: string(1, { always: true, required: true }),
    diskURI: string(2, { always: true, required: true }),
    cachingMode: string(3, { optional: true, default: "ReadWrite", enum: ["None", "ReadOnly", "ReadWrite"] }),
    fsType: string(4, { optional: true, default: "ext4" }),
    readOnly: bool(5, { optional: true, default: false }),
    kind: string(6, { optional: true, default: "Shared", enum: ["Dedicated", "Managed", "Shared"] }),
  },
  { openapi: "io.k8s.api.core.v1.AzureDiskVolumeSource" },
);
export interface AzureDiskVolumeSource extends Infer<typeof AzureDiskVolumeSource> {}

export const AzureFileVolumeSource = message(
  "AzureFileVolumeSource",
  {
    secretName: string(1, { always: true, required: true }),
    shareName: string(2, { always: true, required: true }),
    readOnly: bool(3),
  },
  { openapi: "io.k8s.api.core.v1.AzureFileVolumeSource" },
);
export interface AzureFileVolumeSource extends Infer<typeof AzureFileVolumeSource> {}

export const CephFSVolumeSource = message(
  "CephFSVolumeSource",
  {
    monitors: list(1, "string", { always: true, required: true, list: "atomic" }),
    path: string(2),
    user: string(3),
    secretFile: string(4),
    secretRef: one(5, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true }),
    readOnly: bool(6),
  },
  { openapi: "io.k8s.api.core.v1.CephFSVolumeSource" },
);
export interface CephFSVolumeSource extends Infer<typeof CephFSVolumeSource> {}

export const CinderVolumeSource = message(
  "CinderVolumeSource",
  {
    volumeID: string(1, { always: true, required: true }),
    fsType: string(2),
    readOnly: bool(3),
    secretRef: one(4, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.CinderVolumeSource" },
);
export interface CinderVolumeSource extends Infer<typeof CinderVolumeSource> {}

export const KeyToPath = message(
  "KeyToPath",
  {
    key: string(1, { always: true, required: true }),
    path: string(2, { always: true, required: true }),
    mode: int32(3, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.KeyToPath" },
);
export interface KeyToPath extends Infer<typeof KeyToPath> {}

export const ConfigMapVolumeSource = message(
  "ConfigMapVolumeSource",
  {
    ...embedded(1, {
      name: string(1),
    }),
    items: list(2, (): Type<KeyToPath> => KeyToPath, { list: "atomic" }),
    defaultMode: int32(3, { optional: true, default: 420 }),
    optional: bool(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ConfigMapVolumeSource" },
);
export interface ConfigMapVolumeSource extends Infer<typeof ConfigMapVolumeSource> {}

export const CSIVolumeSource = message(
  "CSIVolumeSource",
  {
    driver: string(1, { always: true, required: true }),
    readOnly: bool(2, { optional: true }),
    fsType: string(3, { optional: true }),
    volumeAttributes: map(4, "string"),
    nodePublishSecretRef: one(5, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.CSIVolumeSource" },
);
export interface CSIVolumeSource extends Infer<typeof CSIVolumeSource> {}

export const DownwardAPIVolumeFile = message(
  "DownwardAPIVolumeFile",
  {
    path: string(1, { always: true, required: true }),
    fieldRef: one(2, (): Type<ObjectFieldSelector> => ObjectFieldSelector, { optional: true }),
    resourceFieldRef: one(3, (): Type<ResourceFieldSelector> => ResourceFieldSelector, { optional: true }),
    mode: int32(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.DownwardAPIVolumeFile" },
);
export interface DownwardAPIVolumeFile extends Infer<typeof DownwardAPIVolumeFile> {}

export const DownwardAPIVolumeSource = message(
  "DownwardAPIVolumeSource",
  {
    items: list(1, (): Type<DownwardAPIVolumeFile> => DownwardAPIVolumeFile, { list: "atomic" }),
    defaultMode: int32(2, { optional: true, default: 420 }),
  },
  { openapi: "io.k8s.api.core.v1.DownwardAPIVolumeSource" },
);
export interface DownwardAPIVolumeSource extends Infer<typeof DownwardAPIVolumeSource> {}

export const EmptyDirVolumeSource = message(
  "EmptyDirVolumeSource",
  {
    medium: string(1),
    sizeLimit: quantity(2, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.EmptyDirVolumeSource" },
);
export interface EmptyDirVolumeSource extends Infer<typeof EmptyDirVolumeSource> {}

export const EphemeralVolumeSource = message(
  "EphemeralVolumeSource",
  {
    volumeClaimTemplate: one(1, (): Type<PersistentVolumeClaimTemplate> => PersistentVolumeClaimTemplate, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.EphemeralVolumeSource" },
);
export interface EphemeralVolumeSource extends Infer<typeof EphemeralVolumeSource> {}

export const FCVolumeSource = message(
  "FCVolumeSource",
  {
    targetWWNs: list(1, "string", { list: "atomic" }),
    lun: int32(2, { optional: true }),
    fsType: string(3),
    readOnly: bool(4),
    wwids: list(5, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.FCVolumeSource" },
);
export interface FCVolumeSource extends Infer<typeof FCVolumeSource> {}

export const FlexVolumeSource = message(
  "FlexVolumeSource",
  {
    driver: string(1, { always: true, required: true }),
    fsType: string(2),
    secretRef: one(3, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true }),
    readOnly: bool(4),
    options: map(5, "string"),
  },
  { openapi: "io.k8s.api.core.v1.FlexVolumeSource" },
);
export interface FlexVolumeSource extends Infer<typeof FlexVolumeSource> {}

export const FlockerVolumeSource = message(
  "FlockerVolumeSource",
  {
    datasetName: string(1),
    datasetUUID: string(2),
  },
  { openapi: "io.k8s.api.core.v1.FlockerVolumeSource" },
);
export interface FlockerVolumeSource extends Infer<typeof FlockerVolumeSource> {}

export const GCEPersistentDiskVolumeSource = message(
  "GCEPersistentDiskVolumeSource",
  {
    pdName: string(1, { always: true, required: true }),
    fsType: string(2),
    partition: int32(3),
    readOnly: bool(4),
  },
  { openapi: "io.k8s.api.core.v1.GCEPersistentDiskVolumeSource" },
);
export interface GCEPersistentDiskVolumeSource extends Infer<typeof GCEPersistentDiskVolumeSource> {}

export const GitRepoVolumeSource = message(
  "GitRepoVolumeSource",
  {
    repository: string(1, { always: true, required: true }),
    revision: string(2),
    directory: string(3),
  },
  { openapi: "io.k8s.api.core.v1.GitRepoVolumeSource" },
);
export interface GitRepoVolumeSource extends Infer<typeof GitRepoVolumeSource> {}

export const GlusterfsVolumeSource = message(
  "GlusterfsVolumeSource",
  {
    endpoints: string(1, { always: true, required: true }),
    path: string(2, { always: true, required: true }),
    readOnly: bool(3),
  },
  { openapi: "io.k8s.api.core.v1.GlusterfsVolumeSource" },
);
export interface GlusterfsVolumeSource extends Infer<typeof GlusterfsVolumeSource> {}

export const HostPathVolumeSource = message(
  "HostPathVolumeSource",
  {
    path: string(1, { always: true, required: true }),
    type: string(2, {
      optional: true,
      default: "",
      enum: ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"],
    }),
  },
  { openapi: "io.k8s.api.core.v1.HostPathVolumeSource" },
);
export interface HostPathVolumeSource extends Infer<typeof HostPathVolumeSource> {}

export const ImageVolumeSource = message(
  "ImageVolumeSource",
  {
    reference: string(1),
    pullPolicy: string(2, { enum: ["Always", "IfNotPresent", "Never"] }),
  },
  { openapi: "io.k8s.api.core.v1.ImageVolumeSource" },
);
export interface ImageVolumeSource extends Infer<typeof ImageVolumeSource> {}

export const ISCSIVolumeSource = message(
  "ISCSIVolumeSource",
  {
    targetPortal: string(1, { always: true, required: true }),
    iqn: string(2, { always: true, required: true }),
    lun: int32(3, { always: true, required: true }),
    iscsiInterface: string(4, { default: "default" }),
    fsType: string(5),
    readOnly: bool(6),
    portals: list(7, "string", { list: "atomic" }),
    chapAuthDiscovery: bool(8),
    secretRef: one(10, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true }),
    chapAuthSession: bool(11),
    initiatorName: string(12, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ISCSIVolumeSource" },
);
export interface ISCSIVolumeSource extends Infer<typeof ISCSIVolumeSource> {}

export const NFSVolumeSource = message(
  "NFSVolumeSource",
  {
    server: string(1, { always: true, required: true }),
    path: string(2, { always: true, required: true }),
    readOnly: bool(3),
  },
  { openapi: "io.k8s.api.core.v1.NFSVolumeSource" },
);
export interface NFSVolumeSource extends Infer<typeof NFSVolumeSource> {}

export const PhotonPersistentDiskVolumeSource = message(
  "PhotonPersistentDiskVolumeSource",
  {
    pdID: string(1, { always: true, required: true }),
    fsType: string(2),
  },
  { openapi: "io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource" },
);
export interface PhotonPersistentDiskVolumeSource extends Infer<typeof PhotonPersistentDiskVolumeSource> {}

export const PortworxVolumeSource = message(
  "PortworxVolumeSource",
  {
    volumeID: string(1, { always: true, required: true }),
    fsType: string(2),
    readOnly: bool(3),
  },
  { openapi: "io.k8s.api.core.v1.PortworxVolumeSource" },
);
export interface PortworxVolumeSource extends Infer<typeof PortworxVolumeSource> {}

export const ClusterTrustBundleProjection = message(
  "ClusterTrustBundleProjection",
  {
    name: string(1, { optional: true }),
    signerName: string(2, { optional: true }),
    labelSelector: one(3, (): Type<LabelSelector> => LabelSelector, { optional: true }),
    path: string(4, { always: true, required: true }),
    optional: bool(5, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ClusterTrustBundleProjection" },
);
export interface ClusterTrustBundleProjection extends Infer<typeof ClusterTrustBundleProjection> {}

export const ConfigMapProjection = message(
  "ConfigMapProjection",
  {
    ...embedded(1, {
      name: string(1),
    }),
    items: list(2, (): Type<KeyToPath> => KeyToPath, { list: "atomic" }),
    optional: bool(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ConfigMapProjection" },
);
export interface ConfigMapProjection extends Infer<typeof ConfigMapProjection> {}

export const DownwardAPIProjection = message(
  "DownwardAPIProjection",
  {
    items: list(1, (): Type<DownwardAPIVolumeFile> => DownwardAPIVolumeFile, { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.DownwardAPIProjection" },
);
export interface DownwardAPIProjection extends Infer<typeof DownwardAPIProjection> {}

export const PodCertificateProjection = message(
  "PodCertificateProjection",
  {
    signerName: string(1, { required: true }),
    keyType: string(2, { required: true }),
    maxExpirationSeconds: int32(3, { optional: true }),
    credentialBundlePath: string(4),
    keyPath: string(5),
    certificateChainPath: string(6),
    userAnnotations: map(7, "string"),
  },
  { openapi: "io.k8s.api.core.v1.PodCertificateProjection" },
);
export interface PodCertificateProjection extends Infer<typeof PodCertificateProjection> {}

export const SecretProjection = message(
  "SecretProjection",
  {
    ...embedded(1, {
      name: string(1),
    }),
    items: list(2, (): Type<KeyToPath> => KeyToPath, { list: "atomic" }),
    optional: bool(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.SecretProjection" },
);
export interface SecretProjection extends Infer<typeof SecretProjection> {}

export const ServiceAccountTokenProjection = message(
  "ServiceAccountTokenProjection",
  {
    audience: string(1),
    expirationSeconds: int64(2, { optional: true, default: 3600 }),
    path: string(3, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.ServiceAccountTokenProjection" },
);
export interface ServiceAccountTokenProjection extends Infer<typeof ServiceAccountTokenProjection> {}

export const VolumeProjection = message(
  "VolumeProjection",
  {
    secret: one(1, (): Type<SecretProjection> => SecretProjection, { optional: true }),
    downwardAPI: one(2, (): Type<DownwardAPIProjection> => DownwardAPIProjection, { optional: true }),
    configMap: one(3, (): Type<ConfigMapProjection> => ConfigMapProjection, { optional: true }),
    serviceAccountToken: one(4, (): Type<ServiceAccountTokenProjection> => ServiceAccountTokenProjection, { optional: true }),
    clusterTrustBundle: one(5, (): Type<ClusterTrustBundleProjection> => ClusterTrustBundleProjection, { optional: true }),
    podCertificate: one(6, (): Type<PodCertificateProjection> => PodCertificateProjection, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeProjection" },
);
export interface VolumeProjection extends Infer<typeof VolumeProjection> {}

export const ProjectedVolumeSource = message(
  "ProjectedVolumeSource",
  {
    sources: list(1, (): Type<VolumeProjection> => VolumeProjection, { always: true, list: "atomic" }),
    defaultMode: int32(2, { optional: true, default: 420 }),
  },
  { openapi: "io.k8s.api.core.v1.ProjectedVolumeSource" },
);
export interface ProjectedVolumeSource extends Infer<typeof ProjectedVolumeSource> {}

export const QuobyteVolumeSource = message(
  "QuobyteVolumeSource",
  {
    registry: string(1, { always: true, required: true }),
    volume: string(2, { always: true, required: true }),
    readOnly: bool(3),
    user: string(4),
    group: string(5),
    tenant: string(6),
  },
  { openapi: "io.k8s.api.core.v1.QuobyteVolumeSource" },
);
export interface QuobyteVolumeSource extends Infer<typeof QuobyteVolumeSource> {}

export const RBDVolumeSource = message(
  "RBDVolumeSource",
  {
    monitors: list(1, "string", { always: true, required: true, list: "atomic" }),
    image: string(2, { always: true, required: true }),
    fsType: string(3),
    pool: string(4, { default: "rbd" }),
    user: string(5, { default: "admin" }),
    keyring: string(6, { default: "/etc/ceph/keyring" }),
    secretRef: one(7, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true }),
    readOnly: bool(8),
  },
  { openapi: "io.k8s.api.core.v1.RBDVolumeSource" },
);
export interface RBDVolumeSource extends Infer<typeof RBDVolumeSource> {}

export const ScaleIOVolumeSource = message(
  "ScaleIOVolumeSource",
  {
    gateway: string(1, { always: true, required: true }),
    system: string(2, { always: true, required: true }),
    secretRef: one(3, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true, required: true }),
    sslEnabled: bool(4),
    protectionDomain: string(5),
    storagePool: string(6),
    storageMode: string(7, { default: "ThinProvisioned" }),
    volumeName: string(8),
    fsType: string(9, { default: "xfs" }),
    readOnly: bool(10),
  },
  { openapi: "io.k8s.api.core.v1.ScaleIOVolumeSource" },
);
export interface ScaleIOVolumeSource extends Infer<typeof ScaleIOVolumeSource> {}

export const SecretVolumeSource = message(
  "SecretVolumeSource",
  {
    secretName: string(1),
    items: list(2, (): Type<KeyToPath> => KeyToPath, { list: "atomic" }),
    defaultMode: int32(3, { optional: true, default: 420 }),
    optional: bool(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.SecretVolumeSource" },
);
export interface SecretVolumeSource extends Infer<typeof SecretVolumeSource> {}

export const StorageOSVolumeSource = message(
  "StorageOSVolumeSource",
  {
    volumeName: string(1),
    volumeNamespace: string(2),
    fsType: string(3),
    readOnly: bool(4),
    secretRef: one(5, (): Type<LocalObjectReference> => LocalObjectReference, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.StorageOSVolumeSource" },
);
export interface StorageOSVolumeSource extends Infer<typeof StorageOSVolumeSource> {}

export const VsphereVirtualDiskVolumeSource = message(
  "VsphereVirtualDiskVolumeSource",
  {
    volumePath: string(1, { always: true, required: true }),
    fsType: string(2),
    storagePolicyName: string(3),
    storagePolicyID: string(4),
  },
  { openapi: "io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource" },
);
export interface VsphereVirtualDiskVolumeSource extends Infer<typeof VsphereVirtualDiskVolumeSource> {}

export const Volume = message(
  "Volume",
  {
    ...embedded(2, {
      hostPath: one(1, (): Type<HostPathVolumeSource> => HostPathVolumeSource, { optional: true }),
      emptyDir: one(2, (): Type<EmptyDirVolumeSource> => EmptyDirVolumeSource, { optional: true }),
      gcePersistentDisk: one(3, (): Type<GCEPersistentDiskVolumeSource> => GCEPersistentDiskVolumeSource, { optional: true }),
      awsElasticBlockStore: one(4, (): Type<AWSElasticBlockStoreVolumeSource> => AWSElasticBlockStoreVolumeSource, { optional: true }),
      gitRepo: one(5, (): Type<GitRepoVolumeSource> => GitRepoVolumeSource, { optional: true }),
      secret: one(6, (): Type<SecretVolumeSource> => SecretVolumeSource, { optional: true }),
      nfs: one(7, (): Type<NFSVolumeSource> => NFSVolumeSource, { optional: true }),
      iscsi: one(8, (): Type<ISCSIVolumeSource> => ISCSIVolumeSource, { optional: true }),
      glusterfs: one(9, (): Type<GlusterfsVolumeSource> => GlusterfsVolumeSource, { optional: true }),
      persistentVolumeClaim: one(10, (): Type<PersistentVolumeClaimVolumeSource> => PersistentVolumeClaimVolumeSource, { optional: true }),
      rbd: one(11, (): Type<RBDVolumeSource> => RBDVolumeSource, { optional: true }),
      flexVolume: one(12, (): Type<FlexVolumeSource> => FlexVolumeSource, { optional: true }),
      cinder: one(13, (): Type<CinderVolumeSource> => CinderVolumeSource, { optional: true }),
      cephfs: one(14, (): Type<CephFSVolumeSource> => CephFSVolumeSource, { optional: true }),
      flocker: one(15, (): Type<FlockerVolumeSource> => FlockerVolumeSource, { optional: true }),
      downwardAPI: one(16, (): Type<DownwardAPIVolumeSource> => DownwardAPIVolumeSource, { optional: true }),
      fc: one(17, (): Type<FCVolumeSource> => FCVolumeSource, { optional: true }),
      azureFile: one(18, (): Type<AzureFileVolumeSource> => AzureFileVolumeSource, { optional: true }),
      configMap: one(19, (): Type<ConfigMapVolumeSource> => ConfigMapVolumeSource, { optional: true }),
      vsphereVolume: one(20, (): Type<VsphereVirtualDiskVolumeSource> => VsphereVirtualDiskVolumeSource, { optional: true }),
      quobyte: one(21, (): Type<QuobyteVolumeSource> => QuobyteVolumeSource, { optional: true }),
      azureDisk: one(22, (): Type<AzureDiskVolumeSource> => AzureDiskVolumeSource, { optional: true }),
      photonPersistentDisk: one(23, (): Type<PhotonPersistentDiskVolumeSource> => PhotonPersistentDiskVolumeSource, { optional: true }),
      portworxVolume: one(24, (): Type<PortworxVolumeSource> => PortworxVolumeSource, { optional: true }),
      scaleIO: one(25, (): Type<ScaleIOVolumeSource> => ScaleIOVolumeSource, { optional: true }),
      projected: one(26, (): Type<ProjectedVolumeSource> => ProjectedVolumeSource, { optional: true }),
      storageos: one(27, (): Type<StorageOSVolumeSource> => StorageOSVolumeSource, { optional: true }),
      csi: one(28, (): Type<CSIVolumeSource> => CSIVolumeSource, { optional: true }),
      ephemeral: one(29, (): Type<EphemeralVolumeSource> => EphemeralVolumeSource, { optional: true }),
      image: one(30, (): Type<ImageVolumeSource> => ImageVolumeSource, { optional: true }),
    }),
    name: string(1, { always: true, required: true, format: "dns1123Label" }),
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
export type VolumeSourceName = (typeof volumeSources)[number];
