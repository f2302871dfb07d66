// Which Nodes a DaemonSet's Pods belong on, and the Pod made for one of them.
import type { DaemonSet } from "#api/apps/daemon-set/daemon-set.ts";
import type { Node } from "#api/core/node/node.ts";
import { allowsNode } from "#api/core/pod/node-affinity.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Toleration } from "#api/core/pod/scheduling.ts";
import { untolerated } from "#api/core/pod/tolerations.ts";
import { labelOf } from "#api/meta/selects.ts";
import type { Draft } from "#schema/message.ts";
import { podFromTemplate } from "../pod-from-template.ts";

export const hashLabel = "controller-revision-hash";
const generationLabel = "pod-template-generation";
const generationAnnotation = "deprecated.daemonset.template.generation";

export interface Placement {
  readonly shouldRun: boolean;
  /** Whether a Pod that is there may stay. */
  readonly mayStay: boolean;
}

export function placementOn(node: Node, { spec }: DaemonSet): Placement {
  const { spec: template } = spec.template;
  const isMeant = (!template.nodeName || template.nodeName === node.metadata.name) && allowsNode({ spec: template }, node);
  if (!isMeant) return { shouldRun: false, mayStay: false };
  const blocking = untolerated(tolerationsOf(template), node.spec.taints).filter(({ effect }) => effect !== "PreferNoSchedule");
  return { shouldRun: blocking.length === 0, mayStay: !blocking.some(({ effect }) => effect === "NoExecute") };
}

/** What ails a Node does not drive its daemons away: they may be what heals it. */
const daemonTolerations: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
const hostNetworkToleration: Toleration = { key: "node.kubernetes.io/network-unavailable", operator: "Exists", effect: "NoSchedule" };

function tolerationsOf({ tolerations = [], hostNetwork }: Pod["spec"]): readonly Toleration[] {
  const added = hostNetwork ? [...daemonTolerations, hostNetworkToleration] : daemonTolerations;
  const same = (left: Toleration, right: Toleration) =>
    left.key === right.key && left.effect === right.effect && left.operator === right.operator && left.value === right.value;
  return [
    ...tolerations,
    ...added.filter((one) => !tolerations.some((other) => same(one, other) && other.tolerationSeconds === undefined)),
  ];
}

/** The Pod for one Node; the scheduler binds it there and nowhere else. */
export function podFor(set: DaemonSet, nodeName: string, hash: string): Draft<Pod> {
  const { metadata, spec } = podFromTemplate(set, set.spec.template);
  const { template } = set.spec;
  const generation = labelOf(set.metadata.annotations ?? {}, generationAnnotation);
  const onlyHere = { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In" as const, values: [nodeName] }] }] };
  return {
    metadata: { ...metadata, labels: { ...metadata?.labels, [hashLabel]: hash, ...(generation && { [generationLabel]: generation }) } },
    spec: {
      ...spec,
      tolerations: tolerationsOf(template.spec),
      affinity: {
        ...template.spec.affinity,
        nodeAffinity: { ...template.spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: onlyHere },
      },
    },
  };
}

/** The Node a Pod is on, or is meant for. */
export function nodeOf({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const fields = terms.flatMap(({ matchFields = [] }) => matchFields);
  return fields.find(({ key, operator, values }) => key === "metadata.name" && operator === "In" && values?.length === 1)?.values?.[0];
}
