import { bool, int32, list, map, one, quantity, string } from "#schema/field.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";
import { Lifecycle, Probe } from "./probe.ts";
import { SecurityContext } from "./security.ts";

export const ConfigMapKeySelector = message(
  "ConfigMapKeySelector",
  {
    ...embedded(1, {
      name: string(1),
    }),
    key: string(2, { always: true, required: true, format: "configMapKey" }),
    optional: bool(3, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ConfigMapKeySelector", atomic: true },
);
export interface ConfigMapKeySelector extends Infer<typeof ConfigMapKeySelector> {}

export const ObjectFieldSelector = message(
  "ObjectFieldSelector",
  {
    apiVersion: string(1, { default: "v1" }),
    fieldPath: string(2, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.ObjectFieldSelector", atomic: true },
);
export interface ObjectFieldSelector extends Infer<typeof ObjectFieldSelector> {}

export const FileKeySelector = message(
  "FileKeySelector",
  {
    volumeName: string(1, { always: true, required: true }),
    path: string(2, { always: true, required: true }),
    key: string(3, { always: true, required: true }),
    optional: bool(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.FileKeySelector", atomic: true },
);
export interface FileKeySelector extends Infer<typeof FileKeySelector> {}

export const ResourceFieldSelector = message(
  "ResourceFieldSelector",
  {
    containerName: string(1),
    resource: string(2, { always: true, required: true }),
    divisor: quantity(3, { always: true }),
  },
  { openapi: "io.k8s.api.core.v1.ResourceFieldSelector", atomic: true },
);
export interface ResourceFieldSelector extends Infer<typeof ResourceFieldSelector> {}

export const SecretKeySelector = message(
  "SecretKeySelector",
  {
    ...embedded(1, {
      name: string(1),
    }),
    key: string(2, { always: true, required: true, format: "configMapKey" }),
    optional: bool(3, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.SecretKeySelector", atomic: true },
);
export interface SecretKeySelector extends Infer<typeof SecretKeySelector> {}

export const EnvVarSource = message(
  "EnvVarSource",
  {
    fieldRef: one(1, (): Type<ObjectFieldSelector> => ObjectFieldSelector, { optional: true }),
    resourceFieldRef: one(2, (): Type<ResourceFieldSelector> => ResourceFieldSelector, { optional: true }),
    configMapKeyRef: one(3, (): Type<ConfigMapKeySelector> => ConfigMapKeySelector, { optional: true }),
    secretKeyRef: one(4, (): Type<SecretKeySelector> => SecretKeySelector, { optional: true }),
    fileKeyRef: one(5, (): Type<FileKeySelector> => FileKeySelector, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.EnvVarSource" },
);
export interface EnvVarSource extends Infer<typeof EnvVarSource> {}

export const EnvVar = message(
  "EnvVar",
  {
    name: string(1, { always: true, required: true, format: "environmentName" }),
    value: string(2),
    valueFrom: one(3, (): Type<EnvVarSource> => EnvVarSource, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.EnvVar" },
);
export interface EnvVar extends Infer<typeof EnvVar> {}

export const ConfigMapEnvSource = message(
  "ConfigMapEnvSource",
  {
    ...embedded(1, {
      name: string(1),
    }),
    optional: bool(2, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ConfigMapEnvSource" },
);
export interface ConfigMapEnvSource extends Infer<typeof ConfigMapEnvSource> {}

export const SecretEnvSource = message(
  "SecretEnvSource",
  {
    ...embedded(1, {
      name: string(1),
    }),
    optional: bool(2, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.SecretEnvSource" },
);
export interface SecretEnvSource extends Infer<typeof SecretEnvSource> {}

export const EnvFromSource = message(
  "EnvFromSource",
  {
    prefix: string(1),
    configMapRef: one(2, (): Type<ConfigMapEnvSource> => ConfigMapEnvSource, { optional: true }),
    secretRef: one(3, (): Type<SecretEnvSource> => SecretEnvSource, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.EnvFromSource" },
);
export interface EnvFromSource extends Infer<typeof EnvFromSource> {}

export const ContainerPort = message(
  "ContainerPort",
  {
    name: string(1, { format: "portName" }),
    hostPort: int32(2),
    containerPort: int32(3, { always: true, required: true }),
    protocol: string(4, { default: "TCP", enum: ["SCTP", "TCP", "UDP"] }),
    hostIP: string(5, { format: "ip" }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerPort" },
);
export interface ContainerPort extends Infer<typeof ContainerPort> {}

export const ContainerResizePolicy = message(
  "ContainerResizePolicy",
  {
    resourceName: string(1, { always: true, required: true }),
    restartPolicy: string(2, { always: true, required: true, enum: ["NotRequired", "RestartContainer"] }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerResizePolicy" },
);
export interface ContainerResizePolicy extends Infer<typeof ContainerResizePolicy> {}

export const ResourceClaim = message(
  "ResourceClaim",
  {
    name: string(1, { always: true, required: true }),
    request: string(2),
  },
  { openapi: "io.k8s.api.core.v1.ResourceClaim" },
);
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}

export const ResourceRequirements = message(
  "ResourceRequirements",
  {
    limits: map(1, "quantity"),
    requests: map(2, "quantity"),
    claims: list(3, (): Type<ResourceClaim> => ResourceClaim, { list: "map", keys: ["name"] }),
  },
  { openapi: "io.k8s.api.core.v1.ResourceRequirements" },
);
export interface ResourceRequirements extends Infer<typeof ResourceRequirements> {}

export const ContainerRestartRuleOnExitCodes = message(
  "ContainerRestartRuleOnExitCodes",
  {
    operator: string(1, { required: true, enum: ["In", "NotIn"] }),
    values: list(2, "int32", { list: "set" }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes" },
);
export interface ContainerRestartRuleOnExitCodes extends Infer<typeof ContainerRestartRuleOnExitCodes> {}

export const ContainerRestartRule = message(
  "ContainerRestartRule",
  {
    action: string(1, { required: true, enum: ["Restart", "RestartAllContainers"] }),
    exitCodes: one(2, (): Type<ContainerRestartRuleOnExitCodes> => ContainerRestartRuleOnExitCodes, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerRestartRule" },
);
export interface ContainerRestartRule extends Infer<typeof ContainerRestartRule> {}

export const VolumeDevice = message(
  "VolumeDevice",
  {
    name: string(1, { always: true, required: true }),
    devicePath: string(2, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeDevice" },
);
export interface VolumeDevice extends Infer<typeof VolumeDevice> {}

export const VolumeMount = message(
  "VolumeMount",
  {
    name: string(1, { always: true, required: true }),
    readOnly: bool(2),
    mountPath: string(3, { always: true, required: true }),
    subPath: string(4),
    mountPropagation: string(5, { optional: true, enum: ["Bidirectional", "HostToContainer", "None"] }),
    subPathExpr: string(6),
    recursiveReadOnly: string(7, { optional: true, enum: ["Disabled", "Enabled", "IfPossible"] }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeMount" },
);
export interface VolumeMount extends Infer<typeof VolumeMount> {}

export const Container = message(
  "Container",
  {
    name: string(1, { always: true, required: true, format: "dns1123Label" }),
    image: string(2),
    command: list(3, "string", { list: "atomic" }),
    args: list(4, "string", { list: "atomic" }),
    workingDir: string(5),
    ports: list(6, (): Type<ContainerPort> => ContainerPort, {
      list: "map",
      keys: ["containerPort", "protocol"],
      duplicates: "allowed",
      patch: "merge",
      mergeKey: "containerPort",
    }),
    env: list(7, (): Type<EnvVar> => EnvVar, {
      list: "map",
      keys: ["name"],
      duplicates: "allowed",
      patch: "merge",
      mergeKey: "name",
    }),
    resources: one(8, (): Type<ResourceRequirements> => ResourceRequirements),
    volumeMounts: list(9, (): Type<VolumeMount> => VolumeMount, {
      list: "map",
      keys: ["mountPath"],
      patch: "merge",
      mergeKey: "mountPath",
      duplicates: "allowed",
    }),
    livenessProbe: one(10, (): Type<Probe> => Probe, { optional: true }),
    readinessProbe: one(11, (): Type<Probe> => Probe, { optional: true }),
    lifecycle: one(12, (): Type<Lifecycle> => Lifecycle, { optional: true }),
    terminationMessagePath: string(13, { default: "/dev/termination-log" }),
    imagePullPolicy: string(14, { enum: ["Always", "IfNotPresent", "Never"] }),
    securityContext: one(15, (): Type<SecurityContext> => SecurityContext, { optional: true }),
    stdin: bool(16),
    stdinOnce: bool(17),
    tty: bool(18),
    envFrom: list(19, (): Type<EnvFromSource> => EnvFromSource, { list: "atomic" }),
    terminationMessagePolicy: string(20, { default: "File", enum: ["FallbackToLogsOnError", "File"] }),
    volumeDevices: list(21, (): Type<VolumeDevice> => VolumeDevice, {
      list: "map",
      keys: ["devicePath"],
      patch: "merge",
      mergeKey: "devicePath",
    }),
    startupProbe: one(22, (): Type<Probe> => Probe, { optional: true }),
    resizePolicy: list(23, (): Type<ContainerResizePolicy> => ContainerResizePolicy, { list: "atomic" }),
    restartPolicy: string(24, { optional: true, enum: ["Always", "Never", "OnFailure"] }),
    restartPolicyRules: list(25, (): Type<ContainerRestartRule> => ContainerRestartRule, { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.Container" },
);
export interface Container extends Infer<typeof Container> {}

export const EphemeralContainer = message(
  "EphemeralContainer",
  {
    ...embedded(1, {
      name: string(1, { always: true, required: true, format: "dns1123Label" }),
      image: string(2),
      command: list(3, "string", { list: "atomic" }),
      args: list(4, "string", { list: "atomic" }),
      workingDir: string(5),
      ports: list(6, (): Type<ContainerPort> => ContainerPort, {
        list: "map",
        keys: ["containerPort", "protocol"],
        duplicates: "allowed",
        patch: "merge",
        mergeKey: "containerPort",
      }),
      env: list(7, (): Type<EnvVar> => EnvVar, {
        list: "map",
        keys: ["name"],
        duplicates: "allowed",
        patch: "merge",
        mergeKey: "name",
      }),
      resources: one(8, (): Type<ResourceRequirements> => ResourceRequirements),
      volumeMounts: list(9, (): Type<VolumeMount> => VolumeMount, {
        list: "map",
        keys: ["mountPath"],
        patch: "merge",
        mergeKey: "mountPath",
        duplicates: "allowed",
      }),
      livenessProbe: one(10, (): Type<Probe> => Probe, { optional: true }),
      readinessProbe: one(11, (): Type<Probe> => Probe, { optional: true }),
      lifecycle: one(12, (): Type<Lifecycle> => Lifecycle, { optional: true }),
      terminationMessagePath: string(13, { default: "/dev/termination-log" }),
      imagePullPolicy: string(14, { enum: ["Always", "IfNotPresent", "Never"] }),
      securityContext: one(15, (): Type<SecurityContext> => SecurityContext, { optional: true }),
      stdin: bool(16),
      stdinOnce: bool(17),
      tty: bool(18),
      envFrom: list(19, (): Type<EnvFromSource> => EnvFromSource, { list: "atomic" }),
      terminationMessagePolicy: string(20, { default: "File", enum: ["FallbackToLogsOnError", "File"] }),
      volumeDevices: list(21, (): Type<VolumeDevice> => VolumeDevice, {
        list: "map",
        keys: ["devicePath"],
        patch: "merge",
        mergeKey: "devicePath",
      }),
      startupProbe: one(22, (): Type<Probe> => Probe, { optional: true }),
      resizePolicy: list(23, (): Type<ContainerResizePolicy> => ContainerResizePolicy, { list: "atomic" }),
      restartPolicy: string(24, { optional: true, enum: ["Always", "Never", "OnFailure"] }),
      restartPolicyRules: list(25, (): Type<ContainerRestartRule> => ContainerRestartRule, { list: "atomic" }),
    }),
    targetContainerName: string(2),
  },
  { openapi: "io.k8s.api.core.v1.EphemeralContainer" },
);
export interface EphemeralContainer extends Infer<typeof EphemeralContainer> {}
