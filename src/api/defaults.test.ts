import assert from "node:assert/strict";
import { test } from "node:test";
import { complete } from "#schema/derive/defaults.ts";
import { CustomResourceDefinition } from "./apiextensions.k8s.io/custom-resource-definition/custom-resource-definition.ts";
import { DaemonSet } from "./apps/daemon-set/daemon-set.ts";
import { Deployment } from "./apps/deployment/deployment.ts";
import { Namespace } from "./core/namespace/namespace.ts";
import { Node } from "./core/node/node.ts";
import { Secret } from "./core/secret/secret.ts";
import { Service } from "./core/service/service.ts";
import { RoleBinding } from "./rbac.authorization.k8s.io/role-binding/role-binding.ts";

test("Deployment", () => {
  const { spec } = complete(Deployment, { spec: { template: { spec: { containers: [{ name: "c", image: "i" }] } } } });
  const { template, ...rest } = spec;
  assert.deepEqual(rest, {
    replicas: 1,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  });
  assert.equal(template.spec.enableServiceLinks, undefined);
  assert.equal(template.spec.containers[0]?.imagePullPolicy, "Always");
  assert.deepEqual(complete(Deployment, { spec: { strategy: { type: "Recreate" } } }).spec.strategy, { type: "Recreate" });
  const half = complete(Deployment, { spec: { strategy: { rollingUpdate: { maxSurge: 1 } } } });
  assert.deepEqual(half.spec.strategy.rollingUpdate, { maxUnavailable: "25%", maxSurge: 1 });
});

test("DaemonSet", () => {
  assert.deepEqual(complete(DaemonSet, {}).spec.updateStrategy, {
    type: "RollingUpdate",
    rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
  });
});

test("Service", () => {
  assert.deepEqual(complete(Service, { spec: { ports: [{ port: 80 }] } }).spec, {
    type: "ClusterIP",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
    ports: [{ port: 80, targetPort: 80, protocol: "TCP" }],
  });
  const balanced = complete(Service, { spec: { type: "LoadBalancer", sessionAffinity: "ClientIP" } }).spec;
  assert.equal(balanced.allocateLoadBalancerNodePorts, true);
  assert.equal(balanced.externalTrafficPolicy, "Cluster");
  assert.deepEqual(balanced.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10800 } });
  assert.equal(complete(Service, { spec: { type: "ExternalName" } }).spec.internalTrafficPolicy, undefined);
});

test("Namespace, Node, Secret, RoleBinding, CustomResourceDefinition", () => {
  const namespace = complete(Namespace, { metadata: { name: "a", labels: { x: "y" } } });
  assert.deepEqual(namespace.metadata.labels, { x: "y", "kubernetes.io/metadata.name": "a" });
  assert.equal(namespace.status.phase, "Active");
  assert.deepEqual(complete(Node, { status: { capacity: { cpu: "4" } } }).status.allocatable, { cpu: "4" });
  assert.equal(complete(Secret, {}).type, "Opaque");
  const binding = complete(RoleBinding, {
    roleRef: { kind: "Role", name: "r" },
    subjects: [
      { kind: "User", name: "u" },
      { kind: "ServiceAccount", name: "s" },
    ],
  });
  assert.equal(binding.roleRef.apiGroup, "rbac.authorization.k8s.io");
  assert.deepEqual(
    binding.subjects?.map(({ apiGroup }) => apiGroup),
    ["rbac.authorization.k8s.io", undefined],
  );
  const definition = complete(CustomResourceDefinition, { spec: { names: { kind: "CronTab", plural: "crontabs" } } });
  assert.equal(definition.spec.names.singular, "crontab");
  assert.equal(definition.spec.names.listKind, "CronTabList");
  assert.deepEqual(definition.spec.conversion, { strategy: "None" });
});
