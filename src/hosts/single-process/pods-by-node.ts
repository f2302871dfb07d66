// One informer of all Pods shown to every node of the process as if it were its own: a change reaches the node it is about, no other.
import type { Pod } from "#api/core/pod/pod.ts";
import type { Change, Informer } from "#client/informer.ts";
import type { NodePods } from "#kubelet/node-pods.ts";

type Handler = (change: Change<Pod>) => void;

export function podsByNode(pods: Informer<Pod>): (nodeName: string) => NodePods {
  const handlers = new Map<string, Set<Handler>>();
  pods.addIndex(indexName, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));
  pods.onChange((change) => {
    const before = change.old?.spec.nodeName;
    const { nodeName } = change.object.spec;
    // A node sees a Pod from when it is bound: to it, a change that binds adds.
    for (const handler of handlers.get(nodeName ?? "") ?? [])
      handler(change.type === "changed" && before !== nodeName ? { type: "added", object: change.object } : change);
  });

  return (nodeName) => ({
    synced: pods.synced,
    get isSynced() {
      return pods.isSynced;
    },
    get(key) {
      const pod = pods.get(key);
      return pod?.spec.nodeName === nodeName ? pod : undefined;
    },
    observe: (pod) => pods.observe(pod),
    observeDeleted: (pod) => pods.observeDeleted(pod),
    onChange(handler) {
      const own = handlers.get(nodeName) ?? new Set();
      handlers.set(nodeName, own.add(handler));
      for (const object of pods.byIndex(indexName, nodeName)) handler({ type: "added", object });
      return () => {
        own.delete(handler);
        if (own.size === 0) handlers.delete(nodeName);
      };
    },
  });
}

const indexName = "single-process/node";
