import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import { complete } from "#schema/derive/defaults.ts";
import { ControllerRevision } from "./apps/controller-revision/controller-revision.ts";
import { DaemonSet } from "./apps/daemon-set/daemon-set.ts";
import { Deployment } from "./apps/deployment/deployment.ts";
import { CertificateSigningRequest } from "./certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { ConfigMap } from "./core/config-map/config-map.ts";
import { PodTemplate } from "./core/pod-template/pod-template.ts";
import { Endpoints } from "./core/endpoints/endpoints.ts";
import { Event } from "./core/event/event.ts";
import { Node } from "./core/node/node.ts";
import { PersistentVolume } from "./core/persistent-volume/persistent-volume.ts";
import { PersistentVolumeClaim } from "./core/persistent-volume-claim/persistent-volume-claim.ts";
import { Service } from "./core/service/service.ts";
import { EndpointSlice } from "./discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { Event as NewEvent } from "./events.k8s.io/event/event.ts";
import { PodDisruptionBudget } from "./policy/pod-disruption-budget/pod-disruption-budget.ts";
import { ClusterRoleBinding } from "./rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import { PriorityClass } from "./scheduling.k8s.io/priority-class/priority-class.ts";
import { CSIDriver } from "./storage.k8s.io/csi-driver/csi-driver.ts";
import { StorageClass } from "./storage.k8s.io/storage-class/storage-class.ts";

const now = Date.parse("2026-01-01T01:00:00Z");
const metadata = { name: "web", creationTimestamp: "2026-01-01T00:55:00Z" };

/** What `kubectl get` prints, without the headers and the wide columns, or with all. */
function row<T extends KubernetesObject>(kind: Kind<T>, draft: Draft<T>, wide = false): string {
  const object = complete(kind, { metadata, ...draft } as Draft<T>);
  const columns = (kind.columns ?? []).filter(({ priority = 0 }) => wide || priority === 0);
  return columns.map((column) => String(column.read(object as never, { now }))).join(" | ");
}

const template = {
  spec: {
    containers: [
      { name: "a", image: "x:1" },
      { name: "b", image: "y:2" },
    ],
    nodeSelector: { disk: "ssd" },
  },
};
const selector = { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "In", values: ["b", "a"] }] };

test("Deployment", () => {
  const status = { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 };
  assert.equal(
    row(Deployment, { spec: { replicas: 3, selector, template }, status }, true),
    "web | 1/3 | 2 | 1 | 5m | a,b | x:1,y:2 | app=web,tier in (a,b)",
  );
});

test("DaemonSet", () => {
  const status = { desiredNumberScheduled: 3, currentNumberScheduled: 2, numberReady: 1 };
  assert.equal(row(DaemonSet, { spec: { selector, template }, status }), "web | 3 | 2 | 1 | 0 | 0 | disk=ssd | 5m");
});

test("Node", () => {
  const labels = { "node-role.kubernetes.io/control-plane": "" };
  const node = {
    metadata: { ...metadata, labels },
    spec: { unschedulable: true },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  };
  assert.equal(row(Node, node), "web | Ready,SchedulingDisabled | control-plane | 5m | ");
  assert.equal(row(Node, {}, true), "web | Unknown | <none> | 5m |  | <none> | <none> | <unknown> | <unknown> | <unknown>");
});

test("Service", () => {
  const ports = [
    { port: 80, nodePort: 30080 },
    { port: 53, protocol: "UDP" as const },
  ];
  assert.equal(
    row(Service, { spec: { type: "NodePort", clusterIP: "10.96.0.1", ports } }),
    "web | NodePort | 10.96.0.1 | <none> | 80:30080/TCP,53/UDP | 5m",
  );
  assert.equal(row(Service, { spec: { type: "LoadBalancer" } }), "web | LoadBalancer | <none> | <pending> | <none> | 5m");
  assert.equal(
    row(Service, { spec: { type: "ExternalName", externalName: "example.com" } }),
    "web | ExternalName | <none> | example.com | <none> | 5m",
  );
  const balanced = {
    spec: { type: "LoadBalancer" as const, externalIPs: ["1.1.1.1"] },
    status: { loadBalancer: { ingress: [{ ip: "9.9.9.9" }] } },
  };
  assert.match(row(Service, balanced), /9\.9\.9\.9,1\.1\.1\.1/);
});

test("Endpoints and EndpointSlices show the first three", () => {
  const addresses = ["10.0.0.1", "10.0.0.2"].map((ip) => ({ ip }));
  assert.equal(row(Endpoints, { subsets: [{ addresses, ports: [{ port: 80 }] }] }), "web | 10.0.0.1:80,10.0.0.2:80 | 5m");
  assert.equal(
    row(Endpoints, { subsets: [{ addresses, ports: [{ port: 80 }, { port: 81 }] }] }),
    "web | 10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more... | 5m",
  );
  assert.equal(row(Endpoints, { subsets: [{ notReadyAddresses: addresses }] }), "web | <none> | 5m");
  const slice = {
    addressType: "IPv4" as const,
    endpoints: [1, 2, 3, 4].map((n) => ({ addresses: [`10.0.0.${n}`] })),
    ports: [{ port: 80 }],
  };
  assert.equal(row(EndpointSlice, slice), "web | IPv4 | 80 | 10.0.0.1,10.0.0.2,10.0.0.3 + 1 more... | 5m");
  assert.equal(row(EndpointSlice, { addressType: "IPv4" }), "web | IPv4 | <unset> | <unset> | 5m");
});

test("Events look the same in both groups", () => {
  const involvedObject = { kind: "Pod", name: "p" };
  const time = { firstTimestamp: "2026-01-01T00:58:00Z", lastTimestamp: "2026-01-01T00:59:00Z" };
  const event = {
    involvedObject,
    reason: "Pulled",
    message: "done\n",
    type: "Normal",
    source: { component: "kubelet", host: "n1" },
    ...time,
  };
  const seen = "60s | Normal | Pulled | pod/p |  | kubelet, n1 | done | 2m | 1 | web";
  assert.equal(row(Event, event, true), seen.replace("2m", "2m"));
  const fresh = {
    regarding: involvedObject,
    reason: "Pulled",
    note: "done",
    type: "Normal",
    eventTime: "2026-01-01T00:58:00.000000Z",
    series: { count: 4, lastObservedTime: "2026-01-01T00:59:00.000000Z" },
    reportingController: "kubelet",
    reportingInstance: "n1",
  };
  assert.equal(row(NewEvent, fresh, true), "60s | Normal | Pulled | pod/p |  | kubelet, n1 | done | 2m | 4 | web");
});

test("small kinds", () => {
  assert.equal(row(ConfigMap, { data: { a: "1" }, binaryData: { b: "Mg==" } }), "web | 2 | 5m");
  const template = {
    metadata: { labels: { app: "w" } },
    spec: {
      containers: [
        { name: "main", image: "x:1" },
        { name: "side", image: "y" },
      ],
    },
  };
  assert.equal(row(PodTemplate, { template }), "web | main,side | x:1,y | app=w");
  assert.equal(row(PriorityClass, { value: 5 }), "web | 5 | false | 5m | PreemptLowerPriority");
  assert.equal(row(PodDisruptionBudget, { spec: { minAvailable: 1 }, status: { disruptionsAllowed: 2 } }), "web | 1 | N/A | 2 | 5m");
  const subjects = [
    { kind: "ServiceAccount", name: "s", namespace: "n" },
    { kind: "User", name: "u" },
  ];
  assert.equal(
    row(ClusterRoleBinding, { roleRef: { kind: "ClusterRole", name: "view" }, subjects }, true),
    "web | ClusterRole/view | 5m | u |  | n/s",
  );
  const ownerReferences = [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "d", uid: "1", controller: true }];
  assert.equal(row(ControllerRevision, { metadata: { ...metadata, ownerReferences }, revision: 2 }), "web | daemonset.apps/d | 2 | 5m");
  const request = {
    spec: { signerName: "x/y", username: "u", expirationSeconds: 3600 },
    status: { conditions: [{ type: "Approved", status: "True" }], certificate: "AA==" },
  };
  assert.equal(row(CertificateSigningRequest, request), "web | 5m | x/y | u | 60m | Approved,Issued");
});

test("PersistentVolume and PersistentVolumeClaim", () => {
  const spec = {
    capacity: { storage: "5Gi" },
    accessModes: ["ReadWriteMany", "ReadWriteOnce"],
    storageClassName: "fast",
    claimRef: { namespace: "shop", name: "data" },
  };
  assert.equal(
    row(PersistentVolume, { spec, status: { phase: "Bound" } }, true),
    "web | 5Gi | RWO,RWX | Retain | Bound | shop/data | fast | <unset> |  | 5m | Filesystem",
  );
  assert.equal(row(PersistentVolumeClaim, { spec: { storageClassName: "fast" } }), "web | Pending |  |  |  | fast | <unset> | 5m");
  const bound = { phase: "Bound", capacity: { storage: "5Gi" }, accessModes: ["ReadWriteOnce"] };
  assert.equal(row(PersistentVolumeClaim, { spec: { volumeName: "v" }, status: bound }), "web | Bound | v | 5Gi | RWO |  | <unset> | 5m");
});

test("StorageClass and CSIDriver", () => {
  const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
  assert.equal(
    row(StorageClass, { metadata: { ...metadata, annotations }, provisioner: "p" }),
    "web (default) | p | Delete | Immediate | false | 5m",
  );
  assert.equal(
    row(CSIDriver, { spec: { tokenRequests: [{ audience: "a" }, { audience: "b" }] } }),
    "web | true | false | false | a,b | false | Persistent | 5m",
  );
});
