// A new Node takes no Pods until it was seen to be ready.
import type { Node } from "#api/core/node/node.ts";
import { admissionPlugin } from "../plugin.ts";

const notReady = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" } as const;

export const taintNodesByCondition = admissionPlugin({
  name: "TaintNodesByCondition",
  operations: ["CREATE"],
  resources: ["nodes"],
  mutate({ object, subresource }) {
    if (subresource !== "") return undefined;
    const node = object as Node;
    const taints = node.spec.taints ?? [];
    if (taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)) return undefined;
    return { ...node, spec: { ...node.spec, taints: [...taints, notReady] } };
  },
});
