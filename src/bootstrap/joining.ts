// What the cluster keeps for machines that are about to join: who it is, how a node is set up, and what a bootstrap token may do. Under
// kubeadm's names, so that its tools and habits hold here.
import { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import { ClusterRoleBinding } from "#api/rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import { RoleBinding } from "#api/rbac.authorization.k8s.io/role-binding/role-binding.ts";
import { Role } from "#api/rbac.authorization.k8s.io/role/role.ts";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { clusterInfo, joiningGroup } from "#api/core/secret/bootstrap-token.ts";
import { writeYaml } from "#wire/yaml/yaml.ts";
import type { AddOn } from "./add-ons.ts";
import { kubeletConfiguration } from "./kubeconfigs.ts";
import { apiPort, bracketed, type ClusterSettings } from "./layout.ts";

const rbac = "rbac.authorization.k8s.io";
const system = "kube-system";
export const clusterConfigName = "kubeadm-config";
export const kubeletConfigName = "kubelet-config";

const group = (name: string) => ({ kind: "Group", apiGroup: rbac, name });
const nodes = group("system:nodes");
const joining = group(joiningGroup);
type Subject = Readonly<Record<"kind" | "apiGroup" | "name", string>>;

/** In the order in which they are applied. */
export function joiningAddOns(settings: ClusterSettings, ca: string): readonly AddOn[] {
  const requests = "system:certificates.k8s.io:certificatesigningrequests";
  return [
    // Routes to other nodes' Pods are made by each kubelet's process, which has to know where those nodes are.
    ...clusterWide("keelson:pod-network", [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] }], nodes),
    // Kubelets may renew their own client certificates: the requests are approved without a hand.
    boundClusterWide("kubeadm:node-autoapprove-certificate-rotation", `${requests}:selfnodeclient`, nodes),
    boundClusterWide("kubeadm:node-autoapprove-bootstrap", `${requests}:nodeclient`, joining),
    boundClusterWide("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", joining),
    ...clusterWide("kubeadm:get-nodes", [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }], joining),
    ...readable("kubeadm:bootstrap-signer-clusterinfo", clusterInfo, { kind: "User", apiGroup: rbac, name: "system:anonymous" }),
    ...readable("kubeadm:nodes-kubeadm-config", { namespace: system, name: clusterConfigName }, nodes, joining),
    ...readable("kubeadm:kubelet-config", { namespace: system, name: kubeletConfigName }, nodes, joining),
    configMap(clusterInfo, { kubeconfig: clusterKubeconfig(settings, ca) }),
    configMap({ namespace: system, name: clusterConfigName }, { ClusterConfiguration: clusterConfiguration(settings) }),
    configMap({ namespace: system, name: kubeletConfigName }, { kubelet: kubeletConfiguration(settings, "issued") }),
  ];
}

/** Where the cluster is, and by what it is recognised; nobody is named in it. */
function clusterKubeconfig({ nodeAddress }: ClusterSettings, ca: string): string {
  return writeYaml({
    apiVersion: "v1",
    clusters: [{ cluster: { "certificate-authority-data": btoa(ca), server: `https://${bracketed(nodeAddress)}:${apiPort}` }, name: "" }],
    contexts: [],
    "current-context": "",
    kind: "Config",
    users: [],
  });
}

function clusterConfiguration({ nodeAddress, podRange, serviceRange, domain }: ClusterSettings): string {
  return writeYaml({
    apiVersion: "kubeadm.k8s.io/v1beta4",
    clusterName: "kubernetes",
    controlPlaneEndpoint: `${bracketed(nodeAddress)}:${apiPort}`,
    kind: "ClusterConfiguration",
    networking: { dnsDomain: domain, podSubnet: podRange, serviceSubnet: serviceRange },
  });
}

function clusterWide(name: string, rules: readonly object[], ...subjects: readonly Subject[]): readonly AddOn[] {
  return [{ kind: ClusterRole, object: { metadata: { name }, rules } }, boundClusterWide(name, name, ...subjects)];
}

function boundClusterWide(name: string, role: string, ...subjects: readonly Subject[]): AddOn {
  return {
    kind: ClusterRoleBinding,
    object: { metadata: { name }, roleRef: { apiGroup: rbac, kind: "ClusterRole", name: role }, subjects },
  };
}

/** One ConfigMap may be read by these. */
function readable(
  name: string,
  map: { readonly namespace: string; readonly name: string },
  ...subjects: readonly Subject[]
): readonly AddOn[] {
  const metadata = { name, namespace: map.namespace };
  const rules = [{ apiGroups: [""], resources: ["configmaps"], resourceNames: [map.name], verbs: ["get"] }];
  return [
    { kind: Role, object: { metadata, rules } },
    { kind: RoleBinding, object: { metadata, roleRef: { apiGroup: rbac, kind: "Role", name }, subjects } },
  ];
}

function configMap(metadata: { readonly namespace: string; readonly name: string }, data: Readonly<Record<string, string>>): AddOn {
  return { kind: ConfigMap, object: { metadata, data } };
}
