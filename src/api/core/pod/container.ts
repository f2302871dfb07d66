import { bool, int32, list, map, one, quantity, string } from "#schema/field.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";
import { Lifecycle, Probe } from "./probe.ts";
import { SecurityContext } from "./security.ts";

export const ConfigMapKeySelector = message(
  "ConfigMapKeySelector",
  {
    ...embedded(1, {
      name: string(1, { doc: "Name of the ConfigMap." }),
    }),
    key: string(2, { always: true, required: true, format: "configMapKey", doc: "Which entry." }),
    optional: bool(3, { optional: true, doc: "Whether the ConfigMap or the entry may be missing." }),
  },
  { openapi: "io.k8s.api.core.v1.ConfigMapKeySelector", atomic: true },
);
export interface ConfigMapKeySelector extends Infer<typeof ConfigMapKeySelector> {}

export const ObjectFieldSelector = message(
  "ObjectFieldSelector",
  {
    apiVersion: string(1, { default: "v1", doc: "Version the path is written in." }),
    fieldPath: string(2, { always: true, required: true, doc: "Path of the field, such as metadata.name." }),
  },
  { openapi: "io.k8s.api.core.v1.ObjectFieldSelector", atomic: true },
);
export interface ObjectFieldSelector extends Infer<typeof ObjectFieldSelector> {}

export const FileKeySelector = message(
  "FileKeySelector",
  {
    volumeName: string(1, { always: true, required: true, doc: "Volume that holds the file." }),
    path: string(2, { always: true, required: true, doc: "File within the volume." }),
    key: string(3, { always: true, required: true, doc: "Which variable of the file." }),
    optional: bool(4, { optional: true, doc: "Whether the file or the variable may be missing." }),
  },
  { openapi: "io.k8s.api.core.v1.FileKeySelector", atomic: true },
);
export interface FileKeySelector extends Infer<typeof FileKeySelector> {}

export const ResourceFieldSelector = message(
  "ResourceFieldSelector",
  {
    containerName: string(1, { doc: "Container that is meant; needed in volumes." }),
    resource: string(2, { always: true, required: true, doc: "Which amount, such as limits.cpu." }),
    divisor: quantity(3, { always: true, doc: "Unit in which the amount is told." }),
  },
  { openapi: "io.k8s.api.core.v1.ResourceFieldSelector", atomic: true },
);
export interface ResourceFieldSelector extends Infer<typeof ResourceFieldSelector> {}

export const SecretKeySelector = message(
  "SecretKeySelector",
  {
    ...embedded(1, {
      name: string(1, { doc: "Name of the Secret." }),
    }),
    key: string(2, { always: true, required: true, format: "configMapKey", doc: "Which entry." }),
    optional: bool(3, { optional: true, doc: "Whether the Secret or the entry may be missing." }),
  },
  { openapi: "io.k8s.api.core.v1.SecretKeySelector", atomic: true },
);
export interface SecretKeySelector extends Infer<typeof SecretKeySelector> {}

export const EnvVarSource = message(
  "EnvVarSource",
  {
    fieldRef: one(1, (): Type<ObjectFieldSelector> => ObjectFieldSelector, { optional: true, doc: "A field of the Pod." }),
    resourceFieldRef: one(2, (): Type<ResourceFieldSelector> => ResourceFieldSelector, {
      optional: true,
      doc: "An amount that the container asks for or may use.",
    }),
    configMapKeyRef: one(3, (): Type<ConfigMapKeySelector> => ConfigMapKeySelector, { optional: true, doc: "An entry of a ConfigMap." }),
    secretKeyRef: one(4, (): Type<SecretKeySelector> => SecretKeySelector, { optional: true, doc: "An entry of a Secret." }),
    fileKeyRef: one(5, (): Type<FileKeySelector> => FileKeySelector, { optional: true, doc: "A variable from a file in a volume." }),
  },
  { openapi: "io.k8s.api.core.v1.EnvVarSource" },
);
export interface EnvVarSource extends Infer<typeof EnvVarSource> {}

export const EnvVar = message(
  "EnvVar",
  {
    name: string(1, { always: true, required: true, format: "environmentName", doc: "Name of the variable." }),
    value: string(2, { doc: "Its text; $(NAME) stands for an earlier variable." }),
    valueFrom: one(3, (): Type<EnvVarSource> => EnvVarSource, { optional: true, doc: "Where the text comes from instead." }),
  },
  { openapi: "io.k8s.api.core.v1.EnvVar" },
);
export interface EnvVar extends Infer<typeof EnvVar> {}

export const ConfigMapEnvSource = message(
  "ConfigMapEnvSource",
  {
    ...embedded(1, {
      name: string(1, { doc: "Name of the ConfigMap." }),
    }),
    optional: bool(2, { optional: true, doc: "Whether the ConfigMap may be missing." }),
  },
  { openapi: "io.k8s.api.core.v1.ConfigMapEnvSource" },
);
export interface ConfigMapEnvSource extends Infer<typeof ConfigMapEnvSource> {}

export const SecretEnvSource = message(
  "SecretEnvSource",
  {
    ...embedded(1, {
      name: string(1, { doc: "Name of the Secret." }),
    }),
    optional: bool(2, { optional: true, doc: "Whether the Secret may be missing." }),
  },
  { openapi: "io.k8s.api.core.v1.SecretEnvSource" },
);
export interface SecretEnvSource extends Infer<typeof SecretEnvSource> {}

export const EnvFromSource = message(
  "EnvFromSource",
  {
    prefix: string(1, { doc: "Text put before every name." }),
    configMapRef: one(2, (): Type<ConfigMapEnvSource> => ConfigMapEnvSource, {
      optional: true,
      doc: "ConfigMap whose entries become variables.",
    }),
    secretRef: one(3, (): Type<SecretEnvSource> => SecretEnvSource, { optional: true, doc: "Secret whose entries become variables." }),
  },
  { openapi: "io.k8s.api.core.v1.EnvFromSource" },
);
export interface EnvFromSource extends Infer<typeof EnvFromSource> {}

export const ContainerPort = message(
  "ContainerPort",
  {
    name: string(1, { format: "portName", doc: "Name by which Services and probes find the port." }),
    hostPort: int32(2, { doc: "The same port on the Node, if any." }),
    containerPort: int32(3, { always: true, required: true, doc: "Number of the port in the Pod." }),
    protocol: string(4, { default: "TCP", enum: ["SCTP", "TCP", "UDP"], doc: "TCP, UDP or SCTP." }),
    hostIP: string(5, { format: "ip", doc: "Address of the Node that hostPort is bound to." }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerPort" },
);
export interface ContainerPort extends Infer<typeof ContainerPort> {}

export const ContainerResizePolicy = message(
  "ContainerResizePolicy",
  {
    resourceName: string(1, { always: true, required: true, doc: "Which resource: cpu or memory." }),
    restartPolicy: string(2, {
      always: true,
      required: true,
      enum: ["NotRequired", "RestartContainer"],
      doc: "Whether a change of it restarts the container.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerResizePolicy" },
);
export interface ContainerResizePolicy extends Infer<typeof ContainerResizePolicy> {}

export const ResourceClaim = message(
  "ResourceClaim",
  {
    name: string(1, { always: true, required: true, doc: "Which of the Pod's resourceClaims." }),
    request: string(2, { doc: "Which request of the claim; all when empty." }),
  },
  { openapi: "io.k8s.api.core.v1.ResourceClaim" },
);
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}

export const ResourceRequirements = message(
  "ResourceRequirements",
  {
    limits: map(1, "quantity", { doc: "The most that may be used." }),
    requests: map(2, "quantity", { doc: "What is set aside." }),
    claims: list(3, (): Type<ResourceClaim> => ResourceClaim, { list: "map", keys: ["name"], doc: "Claims of devices that are used." }),
  },
  { openapi: "io.k8s.api.core.v1.ResourceRequirements" },
);
export interface ResourceRequirements extends Infer<typeof ResourceRequirements> {}

export const ContainerRestartRuleOnExitCodes = message(
  "ContainerRestartRuleOnExitCodes",
  {
    operator: string(1, { required: true, enum: ["In", "NotIn"], doc: "In or NotIn." }),
    values: list(2, "int32", { list: "set", doc: "Exit codes." }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes" },
);
export interface ContainerRestartRuleOnExitCodes extends Infer<typeof ContainerRestartRuleOnExitCodes> {}

export const ContainerRestartRule = message(
  "ContainerRestartRule",
  {
    action: string(1, { required: true, enum: ["Restart", "RestartAllContainers"], doc: "What is done when the rule holds." }),
    exitCodes: one(2, (): Type<ContainerRestartRuleOnExitCodes> => ContainerRestartRuleOnExitCodes, {
      optional: true,
      doc: "Exit codes for which the rule holds.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerRestartRule" },
);
export interface ContainerRestartRule extends Infer<typeof ContainerRestartRule> {}

export const VolumeDevice = message(
  "VolumeDevice",
  {
    name: string(1, { always: true, required: true, doc: "Which of the Pod's volumes." }),
    devicePath: string(2, { always: true, required: true, doc: "Where the device appears in the container." }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeDevice" },
);
export interface VolumeDevice extends Infer<typeof VolumeDevice> {}

export const VolumeMount = message(
  "VolumeMount",
  {
    name: string(1, { always: true, required: true, doc: "Which of the Pod's volumes." }),
    readOnly: bool(2, { doc: "Whether writing is forbidden." }),
    mountPath: string(3, { always: true, required: true, doc: "Where the volume appears in the container." }),
    subPath: string(4, { doc: "Path within the volume that is mounted instead of its root." }),
    mountPropagation: string(5, {
      optional: true,
      enum: ["Bidirectional", "HostToContainer", "None"],
      doc: "Whether later mounts pass between Node and container.",
    }),
    subPathExpr: string(6, { doc: "Like subPath, with $(NAME) replaced by environment variables." }),
    recursiveReadOnly: string(7, {
      optional: true,
      enum: ["Disabled", "Enabled", "IfPossible"],
      doc: "Whether mounts below it are read-only too.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeMount" },
);
export interface VolumeMount extends Infer<typeof VolumeMount> {}

/** What ordinary and ephemeral containers have in common: all of it. */
const containerFields = {
  name: string(1, { always: true, required: true, format: "dns1123Label", doc: "Name of the container, unique within the Pod." }),
  image: string(2, { doc: "Image to run." }),
  command: list(3, "string", { list: "atomic", doc: "Program and first arguments; the image's entry point when empty." }),
  args: list(4, "string", { list: "atomic", doc: "Further arguments; the image's own when empty." }),
  workingDir: string(5, { doc: "Directory the process starts in; the image's own when empty." }),
  ports: list(6, (): Type<ContainerPort> => ContainerPort, {
    list: "map",
    keys: ["containerPort", "protocol"],
    duplicates: "allowed",
    patch: "merge",
    mergeKey: "containerPort",
    doc: "Ports the process listens on.",
  }),
  env: list(7, (): Type<EnvVar> => EnvVar, {
    list: "map",
    keys: ["name"],
    duplicates: "allowed",
    patch: "merge",
    mergeKey: "name",
    doc: "Environment variables.",
  }),
  resources: one(8, (): Type<ResourceRequirements> => ResourceRequirements, { doc: "What the container asks for and may use." }),
  volumeMounts: list(9, (): Type<VolumeMount> => VolumeMount, {
    list: "map",
    keys: ["mountPath"],
    patch: "merge",
    mergeKey: "mountPath",
    duplicates: "allowed",
    doc: "Where volumes appear in the container's file system.",
  }),
  livenessProbe: one(10, (): Type<Probe> => Probe, {
    optional: true,
    doc: "Asks whether the container still works; it is restarted when not.",
  }),
  readinessProbe: one(11, (): Type<Probe> => Probe, {
    optional: true,
    doc: "Asks whether the container can serve; it gets no traffic while not.",
  }),
  lifecycle: one(12, (): Type<Lifecycle> => Lifecycle, {
    optional: true,
    doc: "What is done right after the start and right before the end.",
  }),
  terminationMessagePath: string(13, { default: "/dev/termination-log", doc: "File whose text becomes the container's last message." }),
  imagePullPolicy: string(14, {
    enum: ["Always", "IfNotPresent", "Never"],
    doc: "When the image is pulled: Always, IfNotPresent or Never.",
  }),
  securityContext: one(15, (): Type<SecurityContext> => SecurityContext, {
    optional: true,
    doc: "Rights and identity of the container; wins over the Pod's.",
  }),
  stdin: bool(16, { doc: "Whether the process has an input that stays open." }),
  stdinOnce: bool(17, { doc: "Whether the input closes for good after its first user leaves." }),
  tty: bool(18, { doc: "Whether the process gets a terminal." }),
  envFrom: list(19, (): Type<EnvFromSource> => EnvFromSource, {
    list: "atomic",
    doc: "Where to take whole sets of environment variables from.",
  }),
  terminationMessagePolicy: string(20, {
    default: "File",
    enum: ["FallbackToLogsOnError", "File"],
    doc: "Whether the last message may come from the end of the log.",
  }),
  volumeDevices: list(21, (): Type<VolumeDevice> => VolumeDevice, {
    list: "map",
    keys: ["devicePath"],
    patch: "merge",
    mergeKey: "devicePath",
    doc: "Block devices the container gets.",
  }),
  startupProbe: one(22, (): Type<Probe> => Probe, {
    optional: true,
    doc: "Asks whether the container has started; the other probes wait for it.",
  }),
  resizePolicy: list(23, (): Type<ContainerResizePolicy> => ContainerResizePolicy, {
    list: "atomic",
    doc: "Whether a change of resources restarts the container.",
  }),
  restartPolicy: string(24, {
    optional: true,
    enum: ["Always", "Never", "OnFailure"],
    doc: "When the container is restarted; Always makes an init container a sidecar.",
  }),
  restartPolicyRules: list(25, (): Type<ContainerRestartRule> => ContainerRestartRule, {
    list: "atomic",
    doc: "Exceptions from restartPolicy, by exit code.",
  }),
};

export const Container = message("Container", containerFields, { openapi: "io.k8s.api.core.v1.Container" });
export interface Container extends Infer<typeof Container> {}

export const EphemeralContainer = message(
  "EphemeralContainer",
  {
    ...embedded(1, containerFields),
    targetContainerName: string(2, { doc: "Container whose processes this one sees." }),
  },
  { openapi: "io.k8s.api.core.v1.EphemeralContainer" },
);
export interface EphemeralContainer extends Infer<typeof EphemeralContainer> {}
