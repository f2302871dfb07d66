// What every kubelet may do; which objects among them the node authoriser and NodeRestriction narrow down.
import type { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import { rule } from "../policy-rules.ts";

export const nodeRules: readonly PolicyRule[] = [
  rule("create", "authentication.k8s.io", "tokenreviews"),
  rule("create", "authorization.k8s.io", "subjectaccessreviews localsubjectaccessreviews"),
  rule("get list watch", "core", "services"),
  rule("create get list watch", "core", "nodes"),
  rule("update patch", "core", "nodes/status"),
  rule("update patch", "core", "nodes"),
  rule("create patch update", "core events.k8s.io", "events"),
  rule("get list watch", "core", "pods"),
  rule("create delete", "core", "pods"),
  rule("update patch", "core", "pods/status"),
  rule("create", "core", "pods/eviction"),
  rule("get list watch", "core", "secrets configmaps"),
  rule("get", "core", "persistentvolumeclaims persistentvolumes"),
  rule("get", "core", "endpoints"),
  rule("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),
  rule("create delete get patch update", "coordination.k8s.io", "leases"),
  rule("get", "storage.k8s.io", "volumeattachments"),
  rule("create", "core", "serviceaccounts/token"),
  rule("get update patch", "core", "persistentvolumeclaims/status"),
  rule("get watch list", "storage.k8s.io", "csidrivers"),
  rule("create delete get patch update", "storage.k8s.io", "csinodes"),
  rule("get list watch", "node.k8s.io", "runtimeclasses"),
  rule("get", "resource.k8s.io", "resourceclaims"),
  rule("deletecollection", "resource.k8s.io", "resourceslices"),
];
