// Volumes that are files of the API: ConfigMaps, Secrets, fields, tokens and certificates, alone or projected into one folder.
import { bool, int32, int64, list, map, one, string } from "#schema/field.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";
import { ObjectFieldSelector, ResourceFieldSelector } from "./container.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";

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
