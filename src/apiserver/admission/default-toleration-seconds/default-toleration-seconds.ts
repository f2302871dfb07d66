// Pods stay for five minutes on a node that is not ready or cannot be reached, unless they say otherwise.
import type { Pod } from "#api/core/pod/pod.ts";
import type { Toleration } from "#api/core/pod/scheduling.ts";
import { admissionPlugin } from "../plugin.ts";

const defaultSeconds = 300;
const keys = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] as const;

export const defaultTolerationSeconds = admissionPlugin({
  name: "DefaultTolerationSeconds",
  operations: ["CREATE", "UPDATE"],
  resources: ["pods"],
  mutate({ object, subresource }) {
    if (subresource !== "") return undefined;
    const pod = object as Pod;
    const tolerations = pod.spec.tolerations ?? [];
    const missing = keys.filter((key) => !tolerations.some((toleration) => isAbout(toleration, key)));
    if (missing.length === 0) return undefined;
    const added = missing.map((key) => ({
      key,
      operator: "Exists" as const,
      effect: "NoExecute" as const,
      tolerationSeconds: defaultSeconds,
    }));
    return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } } as Pod;
  },
});

function isAbout({ key, effect }: Toleration, taint: string): boolean {
  return (!key || key === taint) && (!effect || effect === "NoExecute");
}
