// Small but realistic kinds for tests of schema/derive, so that they do not depend on api/.
import { bool, int32, intOrString, list, map, one, quantity, rawObject, string, time } from "#schema/field.ts";
import { type Kind, kind } from "#schema/kind.ts";
import { message, type Type } from "#schema/message.ts";
import { ObjectMeta } from "#schema/object-meta.ts";

const EnvVar = message("EnvVar", {
  name: string(1, { always: true, required: true }),
  value: string(2),
});
const ContainerPort = message("ContainerPort", {
  name: string(1),
  hostPort: int32(2),
  containerPort: int32(3, { always: true, required: true }),
  protocol: string(4, { default: "TCP" }),
});
const ResourceRequirements = message("ResourceRequirements", {
  limits: map(1, "quantity"),
  requests: map(2, "quantity"),
});
const VolumeMount = message("VolumeMount", {
  name: string(1, { always: true }),
  readOnly: bool(2),
  mountPath: string(3, { always: true }),
});
const SecurityContext = message("SecurityContext", { runAsUser: int32(1, { optional: true }), privileged: bool(2, { optional: true }) });
const Container = message(
  "Container",
  {
    name: string(1, { always: true, required: true, doc: "Name of the container." }),
    image: string(2),
    command: list(3, "string", { list: "atomic" }),
    args: list(4, "string", { list: "atomic" }),
    ports: list(6, () => ContainerPort, {
      list: "map",
      keys: ["containerPort", "protocol"],
      patch: "merge",
      mergeKey: "containerPort",
    }),
    env: list(7, () => EnvVar, { list: "map", keys: ["name"], patch: "merge", mergeKey: "name" }),
    resources: one(8, () => ResourceRequirements),
    volumeMounts: list(9, () => VolumeMount, { list: "map", keys: ["mountPath"], patch: "merge", mergeKey: "mountPath" }),
    terminationMessagePath: string(13),
    imagePullPolicy: string(14),
    securityContext: one(15, () => SecurityContext, { optional: true }),
    terminationMessagePolicy: string(20),
  },
  { openapi: "io.k8s.api.core.v1.Container" },
);
const Toleration = message("Toleration", {
  key: string(1),
  operator: string(2),
  effect: string(4),
  tolerationSeconds: int32(5, { optional: true }),
});
const EmptyDir = message("EmptyDirVolumeSource", { medium: string(1), sizeLimit: quantity(2, { optional: true }) });
const Volume = message("Volume", { name: string(1, { always: true }), emptyDir: one(2, () => EmptyDir, { optional: true }) });
const PodSpec = message(
  "PodSpec",
  {
    volumes: list(1, () => Volume, { list: "map", keys: ["name"], patch: "merge,retainKeys", mergeKey: "name" }),
    containers: list(2, () => Container, { always: true, required: true, list: "map", keys: ["name"], patch: "merge", mergeKey: "name" }),
    restartPolicy: string(3),
    terminationGracePeriodSeconds: int32(4, { optional: true }),
    dnsPolicy: string(6),
    nodeSelector: map(7, "string", { atomic: true }),
    serviceAccountName: string(8),
    nodeName: string(10),
    hostNetwork: bool(11),
    securityContext: one(14, () => SecurityContext, { optional: true }),
    schedulerName: string(19),
    tolerations: list(22, () => Toleration, { list: "atomic" }),
    enableServiceLinks: bool(30, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.PodSpec" },
);
const PodCondition = message("PodCondition", {
  type: string(1, { always: true }),
  status: string(2, { always: true }),
  lastTransitionTime: time(4, { optional: true }),
  reason: string(5),
});
const PodStatus = message("PodStatus", {
  phase: string(1),
  conditions: list(2, () => PodCondition, { list: "map", keys: ["type"], patch: "merge", mergeKey: "type" }),
  podIP: string(6),
});

export const Pod: Kind = kind({
  group: "",
  version: "v1",
  name: "Pod",
  plural: "pods",
  scope: "namespaced",
  spec: PodSpec,
  status: PodStatus,
  subresources: { status: true },
});

const LabelSelector = message("LabelSelector", { matchLabels: map(1, "string") }, { atomic: true });
const PodTemplate = message("PodTemplateSpec", {
  metadata: one(1, (): Type<ObjectMeta> => ObjectMeta),
  spec: one(2, () => PodSpec),
});
const RollingUpdate = message("RollingUpdateDeployment", {
  maxUnavailable: intOrString(1, { optional: true }),
  maxSurge: intOrString(2, { optional: true }),
});
const Strategy = message("DeploymentStrategy", { type: string(1), rollingUpdate: one(2, () => RollingUpdate, { optional: true }) });
const DeploymentSpec = message(
  "DeploymentSpec",
  {
    replicas: int32(1, { optional: true, default: 1, min: 0, doc: "How many Pods should run." }),
    selector: one(2, () => LabelSelector, { optional: true, required: true }),
    template: one(3, () => PodTemplate, { required: true }),
    strategy: one(4, () => Strategy, { patch: "retainKeys" }),
    paused: bool(7),
  },
  { openapi: "io.k8s.api.apps.v1.DeploymentSpec" },
);
const DeploymentStatus = message("DeploymentStatus", {
  replicas: int32(2),
  readyReplicas: int32(7),
  conditions: list(6, () => PodCondition, { list: "map", keys: ["type"], patch: "merge", mergeKey: "type" }),
});

export const Deployment: Kind = kind({
  group: "apps",
  version: "v1",
  name: "Deployment",
  plural: "deployments",
  shortNames: ["deploy"],
  scope: "namespaced",
  spec: DeploymentSpec,
  status: DeploymentStatus,
  subresources: { status: true, scale: { replicas: "spec.replicas", current: "status.replicas" } },
});

export const ConfigMap: Kind = kind({
  group: "",
  version: "v1",
  name: "ConfigMap",
  plural: "configmaps",
  scope: "namespaced",
  fields: { data: map(2, "string"), extra: rawObject(0, { optional: true, atomic: false }) },
});

/** A Pod as a ReplicaSet makes it, after defaults: about 1.5 KB of JSON. */
export function examplePod(): Record<string, unknown> {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web-5f7c6d8b9-abcde",
      generateName: "web-5f7c6d8b9-",
      namespace: "default",
      uid: "6a8c1b1e-5a6b-4c3d-8e2f-1a2b3c4d5e6f",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { app: "web", "pod-template-hash": "5f7c6d8b9" },
      annotations: { "example.com/team": "shop", "example.com/checksum": "0123456789abcdef0123456789abcdef" },
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5f7c6d8b9", uid: "0d5e7a3c-1111-4222-8333-944444444444", controller: true },
      ],
    },
    spec: {
      volumes: [{ name: "cache", emptyDir: {} }],
      containers: [
        {
          name: "web",
          image: "registry.example.com/shop/web:1.2.3",
          args: ["--listen=:8080", "--verbose"],
          ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
          env: [
            { name: "MODE", value: "production" },
            { name: "REGION", value: "eu-west-1" },
          ],
          resources: { limits: { cpu: "500m", memory: "256Mi" }, requests: { cpu: "100m", memory: "128Mi" } },
          volumeMounts: [{ name: "cache", mountPath: "/var/cache/web" }],
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
          imagePullPolicy: "IfNotPresent",
          securityContext: { runAsUser: 1000 },
        },
      ],
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      dnsPolicy: "ClusterFirst",
      serviceAccountName: "default",
      securityContext: {},
      schedulerName: "default-scheduler",
      tolerations: [
        { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
        { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
      ],
      enableServiceLinks: true,
    },
    status: {},
  };
}
