// One decision: which Node a Pod goes to, or why none will do. Pure: state in, answer out.
import type { Pod } from "#api/core/pod/pod.ts";
import type { NodeState } from "./cache.ts";
import { type ClusterVolumes, noVolumes } from "./cluster-volumes.ts";
import type { Plugin } from "./plugin.ts";
import { needsOf } from "./pod-needs.ts";

export interface CycleInput {
  readonly pod: Pod;
  readonly nodes: ReadonlyMap<string, NodeState>;
  readonly plugins: readonly Plugin[];
  /** At least 0, below 1: decides between equals. */
  readonly chance: number;
  /** Default: none. */
  readonly volumes?: ClusterVolumes;
}

export type CycleResult =
  | { readonly node: string; readonly evaluated: number; readonly feasible: number }
  /** `message` is upstream's; `refusedBy` names the plugins whose wakes can help. */
  | { readonly node?: undefined; readonly message: string; readonly refusedBy: readonly string[] };

export function schedule({ pod, nodes, plugins, chance, volumes = noVolumes }: CycleInput): CycleResult {
  if (nodes.size === 0) return { message: "no nodes available to schedule pods", refusedBy: plugins.map(({ name }) => name) };
  for (const { name, admits } of plugins) {
    const verdict = admits?.(pod, volumes) ?? "fits";
    if (verdict !== "fits") return { message: notYet(pod, nodes.size, verdict.reasons), refusedBy: [name] };
  }
  const needs = needsOf(pod);
  const feasible: NodeState[] = [];
  const reasons = new Map<string, number>();
  const refusedBy = new Set<string>();
  const candidates = worthLooking(pod, nodes, plugins);
  const priority = pod.spec.priority ?? 0;
  /** Nodes on which fewer Pods would help, and whether there are Pods that a more important one may push aside. */
  let crowded = 0;
  let hasVictims = false;

  for (const state of candidates.states) {
    const verdict = firstRefusal(pod, state, needs, plugins, volumes);
    if (!verdict) feasible.push(state);
    else {
      refusedBy.add(verdict.plugin);
      if (!verdict.unresolvable) {
        crowded += 1;
        hasVictims ||= hasLesser(state, priority);
      }
      for (const reason of verdict.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  }
  if (feasible.length === 0) {
    for (const name of candidates.by) refusedBy.add(name);
    if (candidates.left > 0) reasons.set(`node(s) didn't satisfy plugin(s) [${candidates.by.join(" ")}]`, candidates.left);
    const none = `0/${nodes.size} nodes are available`;
    const message = `${none}${spelled(reasons)}${preemption()}`;
    return { message, refusedBy: [...refusedBy] };

    function preemption(): string {
      if (pod.spec.preemptionPolicy === "Never") return " preemption: not eligible due to preemptionPolicy=Never.";
      return hasVictims ? "" : ` preemption: ${none}${unhelpful(crowded, nodes.size)}`;
    }
  }
  const best = feasible.length === 1 ? (feasible[0] as NodeState) : choose(pod, feasible, plugins, chance);
  return { node: best.node.metadata.name, evaluated: candidates.states.length, feasible: feasible.length };
}

/** Plugins that know the only possible Nodes by name spare us the others. */
function worthLooking(pod: Pod, nodes: ReadonlyMap<string, NodeState>, plugins: readonly Plugin[]) {
  const by: string[] = [];
  let names: readonly string[] | undefined;
  for (const plugin of plugins) {
    const only = plugin.only?.(pod);
    if (!only) continue;
    by.push(plugin.name);
    names = names ? names.filter((name) => only.includes(name)) : only;
  }
  const states = names ? names.flatMap((name) => nodes.get(name) ?? []) : [...nodes.values()];
  return { states, by, left: nodes.size - states.length };
}

/** The Pod waits for something that no Node can give. */
function notYet(pod: Pod, all: number, reasons: readonly string[]): string {
  const message = `0/${all} nodes are available: ${reasons.join(", ")}.`;
  if (pod.spec.preemptionPolicy === "Never") return `${message} preemption: not eligible due to preemptionPolicy=Never.`;
  return `${message} preemption: 0/${all} nodes are available${unhelpful(0, all)}`;
}

function firstRefusal(pod: Pod, state: NodeState, needs: ReturnType<typeof needsOf>, plugins: readonly Plugin[], volumes: ClusterVolumes) {
  for (const { name, filter } of plugins) {
    const verdict = filter?.(pod, state, needs, volumes);
    if (verdict !== undefined && verdict !== "fits") return { plugin: name, reasons: verdict.reasons, unresolvable: verdict.unresolvable };
  }
  return undefined;
}

/** ": 1 Insufficient cpu, 2 node(s) had ….", in the order of the words. */
function spelled(reasons: ReadonlyMap<string, number>): string {
  const texts = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return texts.length === 0 ? ":" : `: ${texts.join(", ")}.`;
}

/** Why pushing others aside does not help: said only where it is so. Nobody is pushed aside yet. */
function unhelpful(crowded: number, all: number): string {
  return spelled(
    new Map(
      [
        ["No preemption victims found for incoming pod", crowded] as const,
        ["Preemption is not helpful for scheduling", all - crowded] as const,
      ].filter(([, count]) => count > 0),
    ),
  );
}

function hasLesser({ pods }: NodeState, priority: number): boolean {
  for (const { spec } of pods.values()) if ((spec.priority ?? 0) < priority) return true;
  return false;
}

function choose(pod: Pod, states: readonly NodeState[], plugins: readonly Plugin[], chance: number): NodeState {
  const needs = needsOf(pod);
  const totals = new Float64Array(states.length);
  for (const { score, scale = "as is", weight = 1 } of plugins) {
    if (!score) continue;
    const raw = states.map((state) => score(pod, state, needs));
    const highest = Math.max(...raw);
    // Not rounded: on large Nodes a single Pod makes less than one point of difference, and replicas would gather by chance.
    for (let at = 0; at < raw.length; at += 1) {
      let value = raw[at] as number;
      if (scale === "higher is better") value = highest === 0 ? 0 : (value * 100) / highest;
      else if (scale === "lower is better") value = highest === 0 ? 100 : 100 - (value * 100) / highest;
      totals[at] = (totals[at] as number) + weight * value;
    }
  }
  const best = Math.max(...totals);
  const equals = states.filter((_, at) => totals[at] === best);
  return equals[Math.floor(chance * equals.length)] as NodeState;
}
