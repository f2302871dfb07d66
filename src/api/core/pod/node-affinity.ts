// Which Nodes a Pod asks for: its nodeSelector, and the required and preferred terms of its node affinity.
import type { Node } from "#api/core/node/node.ts";
import { labelOf, type Labels } from "#api/meta/selects.ts";
import type { Pod } from "./pod.ts";
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from "./scheduling.ts";
import { wholeNumber } from "./tolerations.ts";

/** What of a Node selectors look at. */
export interface SelectableNode {
  readonly metadata: Pick<Node["metadata"], "name" | "labels">;
}

/** Whether the Node is one that the Pod's nodeSelector and required node affinity allow. */
export function allowsNode(pod: { readonly spec: Pick<Pod["spec"], "nodeSelector" | "affinity"> }, node: SelectableNode): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labelOf(labels, key) === value)) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || selectsNode(required, node);
}

/** The sum of the weights of the preferred terms that select the Node. */
export function preferenceFor(pod: { readonly spec: Pick<Pod["spec"], "affinity"> }, node: SelectableNode): number {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.reduce((sum, { weight, preference }) => (termSelectsNode(preference, node) ? sum + weight : sum), 0);
}

/** Terms are alternatives. */
export function selectsNode(selector: NodeSelector, node: SelectableNode): boolean {
  return selector.nodeSelectorTerms.some((term) => termSelectsNode(term, node));
}

/** Requirements of one term all have to hold; a term without any selects nothing. */
export function termSelectsNode({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: SelectableNode): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => meets(node.metadata.labels ?? {}, requirement)) &&
    matchFields.every((requirement) => requirement.key === "metadata.name" && meets({ "metadata.name": node.metadata.name }, requirement))
  );
}

/** The only Nodes a Pod can go to by its matchFields, when all its required terms name one: DaemonSet Pods, mostly. */
export function namedNodes(pod: { readonly spec: Pick<Pod["spec"], "affinity"> }): readonly string[] | undefined {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const names = terms.map(({ matchFields = [] }) =>
    matchFields.filter(({ key, operator }) => key === "metadata.name" && operator === "In").map(({ values = [] }) => values),
  );
  if (names.some((lists) => lists.length === 0)) return undefined;
  return [...new Set(names.flatMap((lists) => lists.reduce((both, list) => both.filter((name) => list.includes(name)))))];
}

function meets(values: Labels, { key, operator, values: wanted = [] }: NodeSelectorRequirement): boolean {
  const value = labelOf(values, key);
  switch (operator) {
    case "In":
      return value !== undefined && wanted.includes(value);
    case "NotIn":
      return value === undefined || !wanted.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt": {
      const [left, right] = [wholeNumber(value ?? ""), wholeNumber(wanted[0] ?? "")];
      if (left === undefined || right === undefined || wanted.length !== 1) return false;
      return operator === "Gt" ? left > right : left < right;
    }
    default:
      return false;
  }
}
