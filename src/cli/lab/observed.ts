// What a trial sees of the cluster: its Pods, and everything that must not be lost.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { Service } from "#api/core/service/service.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { DaemonSet } from "#api/apps/daemon-set/daemon-set.ts";
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import { ClusterRoleBinding } from "#api/rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import type { Client } from "#client/client.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";

const compared: readonly Kind[] = [
  Namespace,
  Node,
  ConfigMap,
  Secret,
  Service,
  ServiceAccount,
  Deployment,
  ReplicaSet,
  DaemonSet,
  ClusterRole,
  ClusterRoleBinding,
];

export async function readyPods(client: Client): Promise<readonly Pod[]> {
  try {
    const { items } = await client.list(Pod, { namespace: "default", labelSelector: "app=hello" });
    return items.filter(
      ({ metadata, status }) =>
        !metadata.deletionTimestamp && status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True"),
    );
  } catch {
    return [];
  }
}

export async function containerIds(client: Client): Promise<readonly string[]> {
  return containersOf(await readyPods(client));
}

export function containersOf(pods: readonly Pod[]): readonly string[] {
  return pods.flatMap(({ status }) => (status?.containerStatuses ?? []).flatMap(({ containerID }) => (containerID ? [containerID] : [])));
}

/** "Deployment default/hello uid": what there is, but for what comes and goes by itself. */
export async function objects(client: Client): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const kind of compared) {
    const { items } = await client.list(kind as Kind<KubernetesObject>);
    for (const { metadata } of items)
      found.add(`${kind.name} ${metadata.namespace ? `${metadata.namespace}/` : ""}${metadata.name} ${metadata.uid ?? ""}`);
  }
  return found;
}

export async function answers(client: Client): Promise<boolean> {
  try {
    await client.list(Namespace, { limit: 1 });
    return true;
  } catch {
    return false;
  }
}

export async function isNodeReady(client: Client, name: string): Promise<boolean> {
  try {
    const { status } = await client.get(Node, { name });
    return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
  } catch {
    return false;
  }
}
