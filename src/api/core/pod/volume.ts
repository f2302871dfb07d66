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

export const KeyToPath = message(
  "KeyToPath",
  {
    key: string(1, { always: true, required: true, doc: "Which entry." }),
    path: string(2, { always: true, required: true, doc: "File it becomes." }),
    mode: int32(3, { optional: true, doc: "Permissions of the file." }),
  },
  { openapi: "io.k8s.api.core.v1.KeyToPath" },
);
export interface KeyToPath extends Infer<typeof KeyToPath> {}

export const ConfigMapVolumeSource = message(
  "ConfigMapVolumeSource",
  {
    ...embedded(1, {
      name: string(1, { doc: "Name of the ConfigMap." }),
    }),
    items: list(2, (): Type<KeyToPath> => KeyToPath, {
      list: "atomic",
      doc: "Which entries become which files; all under their names when empty.",
    }),
    defaultMode: int32(3, { optional: true, default: 420, doc: "Permissions of the files." }),
    optional: bool(4, { optional: true, doc: "Whether the ConfigMap or the entries may be missing." }),
  },
  { openapi: "io.k8s.api.core.v1.ConfigMapVolumeSource" },
);
export interface ConfigMapVolumeSource extends Infer<typeof ConfigMapVolumeSource> {}

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

export const DownwardAPIVolumeFile = message(
  "DownwardAPIVolumeFile",
  {
    path: string(1, { always: true, required: true, doc: "Name of the file." }),
    fieldRef: one(2, (): Type<ObjectFieldSelector> => ObjectFieldSelector, { optional: true, doc: "A field of the Pod." }),
    resourceFieldRef: one(3, (): Type<ResourceFieldSelector> => ResourceFieldSelector, {
      optional: true,
      doc: "An amount that a container asks for or may use.",
    }),
    mode: int32(4, { optional: true, doc: "Permissions of the file." }),
  },
  { openapi: "io.k8s.api.core.v1.DownwardAPIVolumeFile" },
);
export interface DownwardAPIVolumeFile extends Infer<typeof DownwardAPIVolumeFile> {}

export const DownwardAPIVolumeSource = message(
  "DownwardAPIVolumeSource",
  {
    items: list(1, (): Type<DownwardAPIVolumeFile> => DownwardAPIVolumeFile, { list: "atomic", doc: "The files." }),
    defaultMode: int32(2, { optional: true, default: 420, doc: "Permissions of the files." }),
  },
  { openapi: "io.k8s.api.core.v1.DownwardAPIVolumeSource" },
);
export interface DownwardAPIVolumeSource extends Infer<typeof DownwardAPIVolumeSource> {}

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

export const ClusterTrustBundleProjection = message(
  "ClusterTrustBundleProjection",
  {
    name: string(1, { optional: true, doc: "Name of one bundle." }),
    signerName: string(2, { optional: true, doc: "Signer whose bundles are taken." }),
    labelSelector: one(3, (): Type<LabelSelector> => LabelSelector, { optional: true, doc: "Which of the signer's bundles." }),
    path: string(4, { always: true, required: true, doc: "Name of the file." }),
    optional: bool(5, { optional: true, doc: "Whether there may be none." }),
  },
  { openapi: "io.k8s.api.core.v1.ClusterTrustBundleProjection" },
);
export interface ClusterTrustBundleProjection extends Infer<typeof ClusterTrustBundleProjection> {}

export const ConfigMapProjection = message(
  "ConfigMapProjection",
  {
    ...embedded(1, {
      name: string(1, { doc: "Name of the ConfigMap." }),
    }),
    items: list(2, (): Type<KeyToPath> => KeyToPath, {
      list: "atomic",
      doc: "Which entries become which files; all under their names when empty.",
    }),
    optional: bool(4, { optional: true, doc: "Whether the ConfigMap or the entries may be missing." }),
  },
  { openapi: "io.k8s.api.core.v1.ConfigMapProjection" },
);
export interface ConfigMapProjection extends Infer<typeof ConfigMapProjection> {}

export const DownwardAPIProjection = message(
  "DownwardAPIProjection",
  {
    items: list(1, (): Type<DownwardAPIVolumeFile> => DownwardAPIVolumeFile, { list: "atomic", doc: "The files." }),
  },
  { openapi: "io.k8s.api.core.v1.DownwardAPIProjection" },
);
export interface DownwardAPIProjection extends Infer<typeof DownwardAPIProjection> {}

export const PodCertificateProjection = message(
  "PodCertificateProjection",
  {
    signerName: string(1, { required: true, doc: "Who signs the certificate." }),
    keyType: string(2, { required: true, doc: "Kind of the key." }),
    maxExpirationSeconds: int32(3, { optional: true, doc: "How long the certificate may be valid at most." }),
    credentialBundlePath: string(4, { doc: "File with key and certificates together." }),
    keyPath: string(5, { doc: "File with the key." }),
    certificateChainPath: string(6, { doc: "File with the certificates." }),
    userAnnotations: map(7, "string", { doc: "What the signer is told besides." }),
  },
  { openapi: "io.k8s.api.core.v1.PodCertificateProjection" },
);
export interface PodCertificateProjection extends Infer<typeof PodCertificateProjection> {}

export const SecretProjection = message(
  "SecretProjection",
  {
    ...embedded(1, {
      name: string(1, { doc: "Name of the Secret." }),
    }),
    items: list(2, (): Type<KeyToPath> => KeyToPath, {
      list: "atomic",
      doc: "Which entries become which files; all under their names when empty.",
    }),
    optional: bool(4, { optional: true, doc: "Whether the Secret or the entries may be missing." }),
  },
  { openapi: "io.k8s.api.core.v1.SecretProjection" },
);
export interface SecretProjection extends Infer<typeof SecretProjection> {}

export const ServiceAccountTokenProjection = message(
  "ServiceAccountTokenProjection",
  {
    audience: string(1, { doc: "For whom the token is; the API server when empty." }),
    expirationSeconds: int64(2, { optional: true, default: 3600, doc: "How long the token should be valid; it is renewed in time." }),
    path: string(3, { always: true, required: true, doc: "Name of the file." }),
  },
  { openapi: "io.k8s.api.core.v1.ServiceAccountTokenProjection" },
);
export interface ServiceAccountTokenProjection extends Infer<typeof ServiceAccountTokenProjection> {}

export const VolumeProjection = message(
  "VolumeProjection",
  {
    secret: one(1, (): Type<SecretProjection> => SecretProjection, { optional: true, doc: "Files from a Secret." }),
    downwardAPI: one(2, (): Type<DownwardAPIProjection> => DownwardAPIProjection, { optional: true, doc: "Files that tell of the Pod." }),
    configMap: one(3, (): Type<ConfigMapProjection> => ConfigMapProjection, { optional: true, doc: "Files from a ConfigMap." }),
    serviceAccountToken: one(4, (): Type<ServiceAccountTokenProjection> => ServiceAccountTokenProjection, {
      optional: true,
      doc: "A token of the Pod's ServiceAccount.",
    }),
    clusterTrustBundle: one(5, (): Type<ClusterTrustBundleProjection> => ClusterTrustBundleProjection, {
      optional: true,
      doc: "Trusted certificates.",
    }),
    podCertificate: one(6, (): Type<PodCertificateProjection> => PodCertificateProjection, {
      optional: true,
      doc: "A certificate of the Pod's own.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeProjection" },
);
export interface VolumeProjection extends Infer<typeof VolumeProjection> {}

export const ProjectedVolumeSource = message(
  "ProjectedVolumeSource",
  {
    sources: list(1, (): Type<VolumeProjection> => VolumeProjection, { always: true, list: "atomic", doc: "What is put together." }),
    defaultMode: int32(2, { optional: true, default: 420, doc: "Permissions of the files." }),
  },
  { openapi: "io.k8s.api.core.v1.ProjectedVolumeSource" },
);
export interface ProjectedVolumeSource extends Infer<typeof ProjectedVolumeSource> {}

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

export const SecretVolumeSource = message(
  "SecretVolumeSource",
  {
    secretName: string(1, { doc: "Name of the Secret." }),
    items: list(2, (): Type<KeyToPath> => KeyToPath, {
      list: "atomic",
      doc: "Which entries become which files; all under their names when empty.",
    }),
    defaultMode: int32(3, { optional: true, default: 420, doc: "Permissions of the files." }),
    optional: bool(4, { optional: true, doc: "Whether the Secret or the entries may be missing." }),
  },
  { openapi: "io.k8s.api.core.v1.SecretVolumeSource" },
);
export interface SecretVolumeSource extends Infer<typeof SecretVolumeSource> {}

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
