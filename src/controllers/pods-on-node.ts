// The Pods of a Node.
import type { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { Informer } from "#client/informer.ts";
import type { Related } from "./controller.ts";

const onNode = "on a node";

export function indexByNode(pods: Informer<Pod>): void {
  pods.addIndex(onNode, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));
}

export function podsOn(node: string, pods: Informer<Pod>): readonly Pod[] {
  return pods.byIndex(onNode, node);
}

/** A change of a Pod wakes its Node where `concerns` says so; coming and going always does. */
export function podsOnNode(concerns: (pod: Pod, old: Pod) => boolean): Related<Node, Pod> {
  return {
    kind: Pod,
    prepare: indexByNode,
    find: ({ metadata }, pods) => podsOn(metadata.name, pods),
    wakes: ({ object, old, type }) => {
      const { nodeName } = object.spec;
      if (!nodeName || (type === "changed" && old.spec.nodeName === nodeName && !concerns(object, old))) return [];
      return [nodeName];
    },
  };
}
