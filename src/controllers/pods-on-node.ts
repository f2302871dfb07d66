// The Pods of a Node.
import type { Pod } from "#api/core/pod/pod.ts";
import type { Informer } from "#client/informer.ts";

const onNode = "on a node";

export function indexByNode(pods: Informer<Pod>): void {
  pods.addIndex(onNode, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));
}

export function podsOn(node: string, pods: Informer<Pod>): readonly Pod[] {
  return pods.byIndex(onNode, node);
}
