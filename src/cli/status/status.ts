// keelson status: the four layers as a tree, each with what keeps it running, since when, and how often it was started again.
import { Pod } from "#api/core/pod/pod.ts";
import { Node } from "#api/core/node/node.ts";
import type { Scope } from "#base/scope.ts";
import { isNode } from "#bootstrap/down.ts";
import { adminKubeconfigPath } from "#bootstrap/kubeconfigs.ts";
import { kubeletKubeconfigPath } from "#bootstrap/layout.ts";
import { readRecord } from "#bootstrap/record.ts";
import { clientFor } from "#component/cluster-client.ts";
import { readKubeconfig } from "#component/kubeconfig.ts";
import type { World } from "#platform/world.ts";
import { command, flagsOnly, UserError } from "../command.ts";
import { servicesOf } from "../services.ts";
import { type Branch, drawTree, spanText } from "./tree.ts";

const flags = [] as const;
const units = ["containerd.service", "kubelet.service", "keelson-network.service"];

export const status = command({
  name: "status",
  doc: "The four layers as a tree: who watches whom, since when, restarts.",
  usage: "",
  flags,
  async run(scope, world, arguments_) {
    flagsOnly("status", flags, arguments_);
    if (!(await isNode(world))) throw new UserError("this machine is no node", "Make it one with keelson up, as root.");
    const { branches, isWhole } = await layers(scope, world);
    world.processes.self.writeOut(drawTree(branches));
    return isWhole ? 0 : 1;
  },
});

async function layers(scope: Scope, world: World): Promise<{ branches: readonly Branch[]; isWhole: boolean }> {
  const services = await servicesOf(world);
  const now = world.clock.now();
  const states = await services.state(units);
  const unit = (name: string) => states.find((state) => state.name === name);
  const words = (name: string) => {
    const state = unit(name);
    if (!state) return "not running";
    return `${state.active}${state.mainId === undefined ? "" : `, process ${state.mainId}`}, for ${spanText(now - state.since)}, ${restarts(state.restarts)}`;
  };
  const pods = await podsOf(scope, world, now);
  const kubelet: Branch = {
    text: `layer 2  kubelet: ${words("kubelet.service")}`,
    below: [
      {
        text: "layer 3  static Pods, kept running by the kubelet",
        below: typeof pods === "string" ? [{ text: pods }] : pods.controlPlane,
      },
      {
        text: "layer 4  workloads, kept by controllers and the kubelet",
        below: typeof pods === "string" ? [{ text: "not known while the API server does not answer" }] : pods.workloads,
      },
    ],
  };
  const root: Branch = {
    text: `layer 1  ${services.name}${states.length === 0 ? ": not running" : ""}`,
    below: [{ text: `containerd: ${words("containerd.service")}` }, kubelet],
  };
  const isWhole =
    ["containerd.service", "kubelet.service"].every((name) => unit(name)?.active === "active") && typeof pods !== "string" && pods.isWhole;
  return { branches: [root], isWhole };
}

async function podsOf(
  scope: Scope,
  world: World,
  now: number,
): Promise<string | { controlPlane: readonly Branch[]; workloads: readonly Branch[]; isWhole: boolean }> {
  try {
    // A worker has the rights of its kubelet, which sees its own Pods.
    const { role, nodeName } = (await readRecord(world)) ?? {};
    const isWorker = role === "worker" && nodeName !== undefined;
    const client = clientFor(scope, world, await readKubeconfig(world, isWorker ? kubeletKubeconfigPath : adminKubeconfigPath), "keelson");
    const [{ items }, nodes] = await Promise.all([
      client.list(Pod, isWorker ? { fieldSelector: `spec.nodeName=${nodeName}` } : {}),
      client.list(Node),
    ]);
    const branch = ({ metadata, status: state }: (typeof items)[number]): Branch => {
      const isReady = state?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
      const container = state?.containerStatuses?.[0];
      const since = container?.state?.running?.startedAt;
      const count = (state?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + Number(restartCount ?? 0), 0);
      const why = container?.state?.waiting?.reason ?? state?.phase ?? "unknown";
      const age = since === undefined ? "" : `, for ${spanText(now - Date.parse(String(since)))}`;
      const owner = metadata.ownerReferences?.find(({ controller }) => controller);
      const kept = owner && owner.kind !== "Node" ? `, kept by ${owner.kind} ${owner.name}` : "";
      return { text: `${metadata.namespace}/${metadata.name}: ${isReady ? "ready" : why}${age}, ${restarts(count)}${kept}` };
    };
    const isStatic = ({ metadata }: (typeof items)[number]) => metadata.annotations?.["kubernetes.io/config.source"] === "file";
    const nodeLines = nodes.items.map(({ metadata, status: state }) => {
      const ready = state?.conditions?.find(({ type }) => type === "Ready");
      return {
        text: `Node ${metadata.name}: ${ready?.status === "True" ? "Ready" : `not Ready (${ready?.message ?? "it never reported"})`}`,
      };
    });
    return {
      controlPlane: [...nodeLines, ...items.filter(isStatic).map(branch)],
      workloads: items.filter((pod) => !isStatic(pod)).map(branch),
      isWhole:
        nodes.items.length > 0 &&
        nodes.items.every(({ status: state }) =>
          state?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True"),
        ),
    };
  } catch (error) {
    return `the API server does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function restarts(count: number): string {
  return count === 0 ? "never restarted" : count === 1 ? "restarted once" : `restarted ${count} times`;
}
