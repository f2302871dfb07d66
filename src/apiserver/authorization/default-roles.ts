// The roles every cluster has, as data. `reconcileDefaultRoles` writes them; what an administrator added to them stays.
import type { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import { rbacGroup, type Subject } from "#api/rbac.authorization.k8s.io/subject.ts";
import { rule, urlRule } from "./policy-rules.ts";
import { nodeRules } from "./node/node-rules.ts";

export interface DefaultClusterRole {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly labels?: Readonly<Record<string, string>>;
  /** The labels of the ClusterRoles this one gathers its rules from. */
  readonly aggregates?: Readonly<Record<string, string>>;
}

export interface DefaultRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}

export interface DefaultBinding {
  readonly name: string;
  /** Absent: for the whole cluster. */
  readonly namespace?: string;
  readonly role: { readonly kind: "ClusterRole" | "Role"; readonly name: string };
  readonly subjects: readonly Subject[];
}

export interface DefaultRoles {
  readonly clusterRoles: readonly DefaultClusterRole[];
  readonly roles: readonly DefaultRole[];
  readonly bindings: readonly DefaultBinding[];
}

/** What a controller is known to read and write: becomes system:controller:<name>, bound to kube-system's account of the same name. */
export interface ControllerRole {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}

const user = (name: string): Subject => ({ kind: "User", apiGroup: rbacGroup, name });
const group = (name: string): Subject => ({ kind: "Group", apiGroup: rbacGroup, name });
const account = (namespace: string, name: string): Subject => ({ kind: "ServiceAccount", name, namespace });

const aggregateTo = (...roles: readonly string[]) =>
  Object.fromEntries(roles.map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, "true"]));

const writes = "create delete deletecollection patch update";
const reads = "get list watch";
const discoveryUrls = "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/";

const editRules: readonly PolicyRule[] = [
  rule("create", "core", "serviceaccounts/token"),
  rule(reads, "core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
  rule("impersonate", "core", "serviceaccounts"),
  rule(writes, "core", "pods pods/attach pods/exec pods/portforward pods/proxy"),
  rule("create", "core", "pods/eviction"),
  rule(
    writes,
    "core",
    "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy",
  ),
  rule(
    writes,
    "apps",
    "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale",
  ),
  rule(writes, "autoscaling", "horizontalpodautoscalers"),
  rule(writes, "batch", "cronjobs jobs"),
  rule(
    writes,
    "extensions",
    "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale",
  ),
  rule(writes, "policy", "poddisruptionbudgets"),
  rule(writes, "networking.k8s.io", "ingresses networkpolicies"),
  rule(`${writes} ${reads}`, "coordination.k8s.io", "leases"),
];

const viewRules: readonly PolicyRule[] = [
  rule(
    reads,
    "core",
    "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
  ),
  rule(
    reads,
    "core",
    "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status",
  ),
  rule(reads, "core", "namespaces"),
  rule(reads, "discovery.k8s.io", "endpointslices"),
  rule(
    reads,
    "apps",
    "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
  ),
  rule(reads, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
  rule(reads, "batch", "cronjobs cronjobs/status jobs jobs/status"),
  rule(
    reads,
    "extensions",
    "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status",
  ),
  rule(reads, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
  rule(reads, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
];

const adminRules: readonly PolicyRule[] = [
  rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
  rule(`${writes} ${reads}`, rbacGroup, "rolebindings roles"),
];

const schedulerRules: readonly PolicyRule[] = [
  rule("create patch update", "core events.k8s.io", "events"),
  rule("create list watch", "coordination.k8s.io", "leases"),
  rule("get update", "coordination.k8s.io", "leases", ["kube-scheduler"]),
  rule("create", "coordination.k8s.io", "leasecandidates"),
  rule(reads, "core", "nodes"),
  rule(`delete ${reads}`, "core", "pods"),
  rule("create", "core", "bindings pods/binding"),
  rule("patch update", "core", "pods/status"),
  rule(reads, "core", "replicationcontrollers services"),
  rule(reads, "apps extensions", "replicasets"),
  rule(reads, "apps", "statefulsets"),
  rule(reads, "policy", "poddisruptionbudgets"),
  rule("get list watch update", "core", "persistentvolumeclaims"),
  rule("get list watch update", "core", "persistentvolumes"),
  rule("create", "authentication.k8s.io", "tokenreviews"),
  rule("create", "authorization.k8s.io", "subjectaccessreviews"),
  rule(reads, "storage.k8s.io", "csinodes csidrivers csistoragecapacities storageclasses volumeattachments"),
  rule("list watch", "core", "namespaces"),
  rule(reads, "resource.k8s.io", "deviceclasses resourceslices"),
  rule("get list watch patch update", "resource.k8s.io", "resourceclaims resourceclaims/status"),
  rule(reads, "scheduling.k8s.io", "priorityclasses"),
];

const controllerManagerRules: readonly PolicyRule[] = [
  rule("create patch update", "core events.k8s.io", "events"),
  rule("create list watch", "coordination.k8s.io", "leases"),
  rule("get update", "coordination.k8s.io", "leases", ["kube-controller-manager"]),
  rule("create", "core", "secrets serviceaccounts"),
  rule("delete", "core", "secrets"),
  rule("get", "core", "configmaps namespaces secrets serviceaccounts"),
  rule("update", "core", "secrets serviceaccounts"),
  rule("create", "authentication.k8s.io", "tokenreviews"),
  rule("create", "authorization.k8s.io", "subjectaccessreviews"),
  rule("list watch", "*", "*"),
  rule("create", "core", "serviceaccounts/token"),
];

const proxierRules: readonly PolicyRule[] = [
  rule("list watch", "core", "services endpoints"),
  rule("list watch get", "core", "nodes"),
  rule("create patch update", "core events.k8s.io", "events"),
  rule("list watch", "discovery.k8s.io", "endpointslices"),
  rule("list watch", "networking.k8s.io", "servicecidrs"),
];

const kubeletApiAdminRules: readonly PolicyRule[] = [
  rule(reads, "core", "nodes"),
  rule("proxy", "core", "nodes"),
  rule("*", "core", "nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats"),
];

/** system:certificates.k8s.io:<signer>-approver and its kin. */
function approverRole(name: string, resource: string): DefaultClusterRole {
  return {
    name: `system:certificates.k8s.io:certificatesigningrequests:${name}`,
    rules: [rule("create", "certificates.k8s.io", resource)],
  };
}

function signerApprover(name: string): DefaultClusterRole {
  return {
    name: `system:certificates.k8s.io:${name}-approver`,
    rules: [rule("approve", "certificates.k8s.io", "signers", [`kubernetes.io/${name}`])],
  };
}

const clusterRoles: readonly DefaultClusterRole[] = [
  { name: "cluster-admin", rules: [rule("*", "*", "*"), urlRule("*", "*")] },
  { name: "admin", rules: [], aggregates: aggregateTo("admin") },
  { name: "edit", rules: [], aggregates: aggregateTo("edit"), labels: aggregateTo("admin") },
  { name: "view", rules: [], aggregates: aggregateTo("view"), labels: aggregateTo("edit") },
  { name: "system:aggregate-to-admin", rules: adminRules, labels: aggregateTo("admin") },
  { name: "system:aggregate-to-edit", rules: editRules, labels: aggregateTo("edit") },
  { name: "system:aggregate-to-view", rules: viewRules, labels: aggregateTo("view") },
  {
    name: "system:basic-user",
    rules: [
      rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
      rule("create", "authentication.k8s.io", "selfsubjectreviews"),
    ],
  },
  { name: "system:discovery", rules: [urlRule("get", discoveryUrls)] },
  { name: "system:public-info-viewer", rules: [urlRule("get", "/healthz /livez /readyz /version /version/")] },
  {
    name: "system:monitoring",
    rules: [urlRule("get", "/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*")],
  },
  { name: "system:heapster", rules: [rule(reads, "core", "events namespaces nodes pods"), rule(reads, "extensions", "deployments")] },
  { name: "system:node", rules: nodeRules },
  { name: "system:node-proxier", rules: proxierRules },
  {
    name: "system:node-bootstrapper",
    rules: [rule("create get list watch", "certificates.k8s.io", "certificatesigningrequests")],
  },
  {
    name: "system:node-problem-detector",
    rules: [
      rule("get", "core", "nodes"),
      rule("patch", "core", "nodes/status"),
      rule("create patch update", "core events.k8s.io", "events"),
    ],
  },
  { name: "system:kubelet-api-admin", rules: kubeletApiAdminRules },
  { name: "system:kube-scheduler", rules: schedulerRules },
  { name: "system:kube-controller-manager", rules: controllerManagerRules },
  {
    name: "system:persistent-volume-provisioner",
    rules: [
      rule("create delete get list watch", "core", "persistentvolumes"),
      rule("get list update watch", "core", "persistentvolumeclaims"),
      rule(reads, "storage.k8s.io", "storageclasses"),
      rule("watch", "core", "events"),
      rule("create patch update", "core events.k8s.io", "events"),
    ],
  },
  {
    name: "system:volume-scheduler",
    rules: [
      rule("get list patch update watch", "core", "persistentvolumes"),
      rule(reads, "storage.k8s.io", "storageclasses"),
      rule("get list patch update watch", "core", "persistentvolumeclaims"),
    ],
  },
  {
    name: "system:kube-dns",
    rules: [rule("list watch", "core", "endpoints services"), rule("list watch", "discovery.k8s.io", "endpointslices")],
  },
  {
    name: "system:auth-delegator",
    rules: [rule("create", "authentication.k8s.io", "tokenreviews"), rule("create", "authorization.k8s.io", "subjectaccessreviews")],
  },
  {
    name: "system:service-account-issuer-discovery",
    rules: [urlRule("get", "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/")],
  },
  approverRole("nodeclient", "certificatesigningrequests/nodeclient"),
  approverRole("selfnodeclient", "certificatesigningrequests/selfnodeclient"),
  signerApprover("kube-apiserver-client"),
  signerApprover("kube-apiserver-client-kubelet"),
  signerApprover("kubelet-serving"),
  signerApprover("legacy-unknown"),
];

const everyone = [group("system:authenticated"), group("system:unauthenticated")];

function bound(name: string, ...subjects: readonly Subject[]): DefaultBinding {
  return { name, role: { kind: "ClusterRole", name }, subjects };
}

const clusterBindings: readonly DefaultBinding[] = [
  bound("cluster-admin", group("system:masters")),
  bound("system:monitoring", group("system:monitoring")),
  bound("system:discovery", group("system:authenticated")),
  bound("system:basic-user", group("system:authenticated")),
  bound("system:public-info-viewer", ...everyone),
  bound("system:node-proxier", user("system:kube-proxy")),
  bound("system:kube-controller-manager", user("system:kube-controller-manager")),
  bound("system:kube-dns", account("kube-system", "kube-dns")),
  bound("system:kube-scheduler", user("system:kube-scheduler")),
  bound("system:volume-scheduler", user("system:kube-scheduler")),
  bound("system:service-account-issuer-discovery", group("system:serviceaccounts")),
  // Nodes get their rights from the node authoriser; the role is there for who needs it otherwise.
  bound("system:node"),
];

const configReader = "extension-apiserver-authentication-reader";
const leaderOf = (component: string, configMap: string): DefaultRole => ({
  namespace: "kube-system",
  name: `system::leader-locking-${component}`,
  rules: [rule("watch", "core", "configmaps"), rule("get update", "core", "configmaps", [configMap])],
});

const roles: readonly DefaultRole[] = [
  {
    namespace: "kube-system",
    name: configReader,
    rules: [rule(reads, "core", "configmaps", ["extension-apiserver-authentication"])],
  },
  leaderOf("kube-controller-manager", "kube-controller-manager"),
  leaderOf("kube-scheduler", "kube-scheduler"),
  { namespace: "kube-system", name: "system:controller:bootstrap-signer", rules: [rule(reads, "core", "secrets")] },
  { namespace: "kube-system", name: "system:controller:token-cleaner", rules: [rule("get list watch delete", "core", "secrets")] },
  {
    namespace: "kube-public",
    name: "system:controller:bootstrap-signer",
    rules: [rule(reads, "core", "configmaps"), rule("update", "core", "configmaps", ["cluster-info"])],
  },
];

function boundIn(namespace: string, name: string, role: string, ...subjects: readonly Subject[]): DefaultBinding {
  return { namespace, name, role: { kind: "Role", name: role }, subjects };
}

const bindings: readonly DefaultBinding[] = [
  boundIn("kube-system", `system:${configReader}`, configReader, user("system:kube-controller-manager"), user("system:kube-scheduler")),
  boundIn(
    "kube-system",
    "system::leader-locking-kube-controller-manager",
    "system::leader-locking-kube-controller-manager",
    user("system:kube-controller-manager"),
    account("kube-system", "kube-controller-manager"),
  ),
  boundIn(
    "kube-system",
    "system::leader-locking-kube-scheduler",
    "system::leader-locking-kube-scheduler",
    user("system:kube-scheduler"),
    account("kube-system", "kube-scheduler"),
  ),
  boundIn(
    "kube-system",
    "system:controller:bootstrap-signer",
    "system:controller:bootstrap-signer",
    account("kube-system", "bootstrap-signer"),
  ),
  boundIn("kube-system", "system:controller:token-cleaner", "system:controller:token-cleaner", account("kube-system", "token-cleaner")),
  boundIn(
    "kube-public",
    "system:controller:bootstrap-signer",
    "system:controller:bootstrap-signer",
    account("kube-system", "bootstrap-signer"),
  ),
];

/** All of them, with one role and binding for each controller. */
export function defaultRoles(controllers: readonly ControllerRole[] = []): DefaultRoles {
  const nameOf = (controller: ControllerRole) => `system:controller:${controller.name}`;
  return {
    clusterRoles: [...clusterRoles, ...controllers.map((controller) => ({ name: nameOf(controller), rules: controller.rules }))],
    roles,
    bindings: [
      ...clusterBindings,
      ...controllers.map((controller) => bound(nameOf(controller), account("kube-system", controller.name))),
      ...bindings,
    ],
  };
}
