import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import { complete } from "#schema/derive/defaults.ts";
import { fieldErrorText, validate } from "#schema/derive/validation.ts";
import { CustomResourceDefinition } from "./apiextensions.k8s.io/custom-resource-definition/custom-resource-definition.ts";
import { DaemonSet } from "./apps/daemon-set/daemon-set.ts";
import { Deployment } from "./apps/deployment/deployment.ts";
import { ReplicaSet } from "./apps/replica-set/replica-set.ts";
import { CertificateSigningRequest } from "./certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { Lease } from "./coordination.k8s.io/lease/lease.ts";
import { Binding } from "./core/binding/binding.ts";
import { ConfigMap } from "./core/config-map/config-map.ts";
import { PodTemplate } from "./core/pod-template/pod-template.ts";
import { Endpoints } from "./core/endpoints/endpoints.ts";
import { Event } from "./core/event/event.ts";
import { Node } from "./core/node/node.ts";
import { PersistentVolume } from "./core/persistent-volume/persistent-volume.ts";
import { PersistentVolumeClaim } from "./core/persistent-volume-claim/persistent-volume-claim.ts";
import { Secret } from "./core/secret/secret.ts";
import { Service } from "./core/service/service.ts";
import { EndpointSlice } from "./discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { PodDisruptionBudget } from "./policy/pod-disruption-budget/pod-disruption-budget.ts";
import { ClusterRoleBinding } from "./rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import { Role } from "./rbac.authorization.k8s.io/role/role.ts";
import { PriorityClass } from "./scheduling.k8s.io/priority-class/priority-class.ts";

function made<T extends KubernetesObject>(kind: Kind<T>, draft: Draft<T>): T {
  const metadata = { name: "a", resourceVersion: "1", ...(kind.scope === "namespaced" && { namespace: "default" }), ...draft.metadata };
  return complete(kind, { ...draft, metadata } as Draft<T>);
}
function errorsOf<T extends KubernetesObject>(kind: Kind<T>, draft: Draft<T>, old?: Draft<T>): readonly string[] {
  return validate(kind, made(kind, draft), old && made(kind, old)).map(fieldErrorText);
}

const selector = { matchLabels: { app: "a" } };
const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "i" }] } };

test("workloads select their own Pods, for ever", () => {
  assert.deepEqual(errorsOf(Deployment, { spec: { selector, template } }), []);
  assert.deepEqual(errorsOf(ReplicaSet, { spec: { selector, template } }), []);
  assert.deepEqual(errorsOf(DaemonSet, { spec: { selector, template } }), []);
  assert.deepEqual(errorsOf(Deployment, { spec: { selector: { matchLabels: { app: "b" } }, template } }), [
    'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
  ]);
  assert.deepEqual(errorsOf(ReplicaSet, { spec: { selector: {}, template } }), [
    "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
  ]);
  const other = { matchLabels: { app: "b" } };
  const changed = errorsOf(
    Deployment,
    { spec: { selector, template } },
    { spec: { selector: other, template: { ...template, metadata: { labels: { app: "b" } } } } },
  );
  assert.deepEqual(changed, ['spec.selector: Invalid value: {"matchLabels":{"app":"a"}}: field is immutable']);
  assert.deepEqual(
    errorsOf(DaemonSet, { spec: { selector, template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } } }),
    ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  );
});

test("a rolling update needs room", () => {
  const strategy = { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } };
  assert.deepEqual(errorsOf(Deployment, { spec: { selector, template, strategy } }), [
    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
  ]);
  assert.deepEqual(errorsOf(Deployment, { spec: { selector, template, strategy: { type: "Recreate", rollingUpdate: {} } } }), [
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ]);
  assert.match(
    errorsOf(Deployment, { spec: { selector, template, strategy: { rollingUpdate: { maxSurge: "many" } } } }).join(),
    /a valid percent string must be/,
  );
  assert.deepEqual(errorsOf(Deployment, { spec: { selector, template, progressDeadlineSeconds: 5, minReadySeconds: 5 } }), [
    "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds",
  ]);
  assert.deepEqual(errorsOf(DaemonSet, { spec: { selector, template, updateStrategy: { rollingUpdate: { maxSurge: 1 } } } }), [
    "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
  ]);
});

test("Service", () => {
  const balanced = (ingress: object, type = "LoadBalancer") =>
    validate(
      Service,
      made(Service, { spec: { type: type as "LoadBalancer", ports: [{ port: 80 }] }, status: { loadBalancer: { ingress: [ingress] } } }),
      undefined,
      "status",
    ).map(fieldErrorText);
  assert.deepEqual(balanced({ ip: "203.0.113.1" }), []);
  assert.match(balanced({ ip: "203.0.113.1 }" })[0] ?? "", /^status\.loadBalancer\.ingress\[0\]\.ip: Invalid value: /);
  assert.match(balanced({ hostname: "203.0.113.1" })[0] ?? "", /must be a DNS name, not an IP address$/);
  assert.deepEqual(balanced({ hostname: "a", ipMode: "VIP" }), [
    "status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set",
  ]);
  assert.deepEqual(balanced({ hostname: "a" }, "ClusterIP"), [
    "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
  ]);
  assert.deepEqual(errorsOf(Service, { spec: { ports: [{ port: 80 }] } }), []);
  assert.deepEqual(errorsOf(Service, { spec: { clusterIP: "None" } }), []);
  assert.deepEqual(errorsOf(Service, {}), ["spec.ports: Required value"]);
  assert.deepEqual(errorsOf(Service, { spec: { clusterIP: "None", ipFamilies: ["IPv4", "IPv4", "IPv5"], trafficDistribution: "Far" } }), [
    'spec.ipFamilies[1]: Duplicate value: "IPv4"',
    'spec.ipFamilies[2]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
    'spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
  ]);
  assert.deepEqual(
    errorsOf(Service, {
      spec: {
        ports: [
          { port: 80, nodePort: 30000 },
          { port: 81, name: "b" },
        ],
      },
    }),
    ["spec.ports[0].name: Required value", "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  );
  assert.deepEqual(errorsOf(Service, { spec: { type: "ExternalName", clusterIP: "1.1.1.1" } }), [
    "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
    "spec.externalName: Required value",
  ]);
  const at = (ip: string) => ({ spec: { ports: [{ port: 80 }], clusterIP: ip, clusterIPs: [ip] } });
  assert.deepEqual(errorsOf(Service, at("10.0.0.2"), at("10.0.0.1")), [
    'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
  ]);
  assert.deepEqual(errorsOf(Service, at("10.0.0.256")), [
    'spec.clusterIPs[0]: Invalid value: "10.0.0.256": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ]);
});

test("PodTemplate", () => {
  const containers = [{ name: "c", image: "i" }];
  assert.deepEqual(errorsOf(PodTemplate, { template: { spec: { containers, restartPolicy: "Never" } } }), []);
  assert.deepEqual(errorsOf(PodTemplate, {}), ["template.spec.containers: Required value"]);
  assert.deepEqual(errorsOf(PodTemplate, { template: { spec: { containers, ephemeralContainers: [{ name: "d", image: "i" }] } } }), [
    "template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template",
  ]);
});

test("ConfigMap and Secret", () => {
  assert.deepEqual(errorsOf(ConfigMap, { data: { a: "1" }, binaryData: { a: "AA==" } }), [
    'data[a]: Invalid value: "a": duplicate of key present in binaryData',
  ]);
  assert.match(
    errorsOf(ConfigMap, { data: { "a/b": "1" } }).join(),
    /^data\[a\/b\]: Invalid value: "a\/b": a valid config key must consist of/,
  );
  assert.deepEqual(errorsOf(ConfigMap, { data: { a: "x".repeat(1024 * 1024) } }), []);
  assert.deepEqual(errorsOf(ConfigMap, { data: { a: "x".repeat(1024 * 1024 + 1) } }), ["[]: Too long: may not be more than 1048576 bytes"]);
  assert.deepEqual(errorsOf(ConfigMap, { data: { a: "2" } }, { immutable: true, data: { a: "1" } }), [
    "immutable: Forbidden: field is immutable when `immutable` is set",
    "data: Forbidden: field is immutable when `immutable` is set",
  ]);
  assert.deepEqual(errorsOf(Secret, { type: "kubernetes.io/tls", data: { "tls.crt": "" } }), ["data[tls.key]: Required value"]);
  assert.deepEqual(errorsOf(Secret, { type: "a" }, { type: "b" }), ['type: Invalid value: "a": field is immutable']);
});

test("Node, Endpoints and EndpointSlice", () => {
  const taint = { key: "a", effect: "NoSchedule" } as const;
  assert.deepEqual(errorsOf(Node, { spec: { taints: [taint, taint] } }), [
    'spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair',
  ]);
  assert.deepEqual(errorsOf(Node, { spec: { podCIDRs: ["10.1.0.0/24"] } }, { spec: { podCIDRs: ["10.2.0.0/24"] } }), [
    'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
  ]);
  assert.deepEqual(errorsOf(Endpoints, { subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ port: 0 }] }, {}] }), [
    'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
    "subsets[1]: Required value: must specify `addresses` or `notReadyAddresses`",
  ]);
  assert.deepEqual(errorsOf(EndpointSlice, { addressType: "IPv4", endpoints: [{ addresses: ["::1"] }], ports: [{}, {}] }), [
    'endpoints[0].addresses[0]: Invalid value: "::1": must be an IPv4 address',
    'ports[1].name: Duplicate value: ""',
  ]);
  assert.deepEqual(errorsOf(EndpointSlice, { addressType: "IPv6" }, { addressType: "IPv4" }), [
    'addressType: Invalid value: "IPv6": field is immutable',
  ]);
});

test("roles and bindings", () => {
  assert.deepEqual(
    errorsOf(Role, { metadata: { name: "system:a" }, rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }] }),
    [],
  );
  assert.deepEqual(errorsOf(Role, { rules: [{ verbs: [], nonResourceURLs: ["/metrics"] }] }), [
    "rules[0].verbs: Required value: verbs must contain at least one value",
    'rules[0].nonResourceURLs: Invalid value: ["/metrics"]: namespaced rules cannot apply to non-resource URLs',
  ]);
  const binding = { roleRef: { kind: "Role", name: "r" }, subjects: [{ kind: "ServiceAccount", name: "s" }] };
  assert.deepEqual(errorsOf(ClusterRoleBinding, binding, { roleRef: { kind: "ClusterRole", name: "r" } }), [
    'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    "subjects[0].namespace: Required value",
    'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"}: cannot change roleRef',
  ]);
});

test("small kinds", () => {
  assert.deepEqual(errorsOf(PriorityClass, { metadata: { name: "system-mine" }, value: 5 }), [
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only",
  ]);
  assert.deepEqual(errorsOf(PriorityClass, { metadata: { name: "system-node-critical" }, value: 2_000_001_000 }), []);
  assert.deepEqual(errorsOf(PriorityClass, { value: 2 }, { value: 1 }), ["value: Forbidden: may not be changed in an update."]);
  assert.match(
    errorsOf(PodDisruptionBudget, { spec: { minAvailable: 1, maxUnavailable: 1 } }).join(),
    /minAvailable and maxUnavailable cannot be both set/,
  );
  assert.deepEqual(errorsOf(Lease, { spec: { leaseDurationSeconds: 0 } }), [
    "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
  ]);
  assert.deepEqual(errorsOf(Event, { involvedObject: { kind: "Pod", namespace: "other" } }), [
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ]);
});

test("Binding names a Node", () => {
  assert.deepEqual(errorsOf(Binding, { target: { kind: "Node", name: "n" } }), []);
  assert.deepEqual(errorsOf(Binding, { target: { kind: "Pod" } }), [
    'target.kind: Unsupported value: "Pod": supported values: "<empty>", "Node"',
    "target.name: Required value",
  ]);
});

test("CertificateSigningRequest", () => {
  const request = btoa("-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n");
  const usages = ["client auth"];
  assert.deepEqual(errorsOf(CertificateSigningRequest, { spec: { request, usages, signerName: "kubernetes.io/kubelet-serving" } }), []);
  assert.deepEqual(errorsOf(CertificateSigningRequest, { spec: { request, usages, signerName: "kubernetes.io/legacy-unknown" } }), [
    'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
  ]);
  assert.deepEqual(errorsOf(CertificateSigningRequest, { spec: { request: "AAAA", signerName: "x", expirationSeconds: 5 } }), [
    'spec.request: Invalid value: "AAAA": PEM block type must be CERTIFICATE REQUEST',
    "spec.usages: Required value",
    "spec.signerName: Invalid value: \"x\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
    "spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds (10 minutes)",
  ]);
});

test("CustomResourceDefinition", () => {
  const version = {
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object" } } } },
  };
  const spec = { group: "example.com", scope: "Namespaced", names: { plural: "crontabs", kind: "CronTab" }, versions: [version] } as const;
  const metadata = { name: "crontabs.example.com" };
  assert.deepEqual(errorsOf(CustomResourceDefinition, { metadata, spec }), []);
  const { schema: _, ...bare } = version;
  assert.deepEqual(errorsOf(CustomResourceDefinition, { spec: { ...spec, versions: [{ ...bare, storage: false }] } }), [
    'metadata.name: Invalid value: "a": must be spec.names.plural+"."+spec.group',
    'spec.versions: Invalid value: ["v1"]: must have exactly one version marked as storage version',
    "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
  ]);
  const loose = { ...version, schema: { openAPIV3Schema: { type: "object", properties: { spec: {} } } } };
  assert.deepEqual(errorsOf(CustomResourceDefinition, { metadata, spec: { ...spec, versions: [loose] } }), [
    "spec.versions[0].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields",
  ]);
});

test("a claim says how much and how, and changes only where a volume can follow", () => {
  const resources = { requests: { storage: "2Gi" } };
  const spec = { accessModes: ["ReadWriteOnce"], resources, volumeName: "v" };
  assert.deepEqual(errorsOf(PersistentVolumeClaim, { spec }), []);
  assert.deepEqual(errorsOf(PersistentVolumeClaim, {}), [
    "spec.accessModes: Required value: at least 1 access mode is required",
    "spec.resources[storage]: Required value",
  ]);
  assert.deepEqual(errorsOf(PersistentVolumeClaim, { spec: { ...spec, accessModes: ["ReadWriteOncePod", "ReadWriteOnce", "Wrong"] } }), [
    'spec.accessModes: Unsupported value: "Wrong": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
    "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
  ]);
  const bound = { spec, status: { phase: "Bound", capacity: { storage: "2Gi" } } };
  const more = (storage: string) => ({ ...bound, spec: { ...spec, resources: { requests: { storage } } } });
  assert.deepEqual(errorsOf(PersistentVolumeClaim, more("3Gi"), bound), []);
  assert.deepEqual(errorsOf(PersistentVolumeClaim, more("1Gi"), bound), [
    "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
  ]);
  assert.match(
    errorsOf(PersistentVolumeClaim, more("3Gi"), { spec, status: { phase: "Pending" } })[0] ?? "",
    /^spec: Forbidden: spec is immutable after creation except resources\.requests and volumeAttributesClassName for bound claims\n/,
  );
});

test("a volume is one thing, for ever; a local one says where", () => {
  const spec = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/x" } };
  assert.deepEqual(errorsOf(PersistentVolume, { spec }), []);
  assert.deepEqual(errorsOf(PersistentVolume, { spec: { ...spec, hostPath: undefined } }), [
    "spec: Required value: must specify a volume type",
  ]);
  assert.deepEqual(errorsOf(PersistentVolume, { spec: { ...spec, nfs: { server: "s", path: "/p" } } }), [
    "spec.nfs: Forbidden: may not specify more than 1 volume type",
  ]);
  assert.deepEqual(errorsOf(PersistentVolume, { spec: { ...spec, hostPath: undefined, local: { path: "/a/../b" } } }), [
    "spec.local.path: Invalid value: \"/a/../b\": must not contain '..'",
    "metadata.annotations: Required value: Local volume requires node affinity",
  ]);
  assert.deepEqual(errorsOf(PersistentVolume, { spec: { ...spec, hostPath: { path: "/y" } } }, { spec }), [
    "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation",
  ]);
});
