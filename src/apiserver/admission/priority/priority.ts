// Turns the name of a PriorityClass into the number the scheduler and the kubelet go by.
import { Pod } from "#api/core/pod/pod.ts";
import { PriorityClass } from "#api/scheduling.k8s.io/priority-class/priority-class.ts";
import { forbidden } from "../../registry/errors.ts";
import { invalid } from "../../registry/invalid.ts";
import { lookUp } from "../newest.ts";
import { type AdmissionNeeds, admissionPlugin } from "../plugin.ts";

/** Classes of the system exist from the start; they count even before they are stored. */
const systemClasses: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

interface Chosen {
  readonly name: string;
  readonly value: number;
  readonly preemptionPolicy: string;
}

export const priority = admissionPlugin({
  name: "Priority",
  operations: ["CREATE", "UPDATE"],
  resources: ["pods", "scheduling.k8s.io/priorityclasses"],
  async mutate(request, needs) {
    if (request.operation !== "CREATE" || request.resource !== "pods" || request.subresource !== "") return undefined;
    const pod = request.object as Pod;
    const { priorityClassName = "", priority: sent, preemptionPolicy: sentPolicy } = pod.spec;
    const chosen = priorityClassName === "" ? await defaultClass(needs) : await namedClass(needs, priorityClassName);
    if (!chosen) throw forbidden(Pod, request.name, `no PriorityClass with name ${priorityClassName} was found`);
    if (sent !== undefined && sent !== chosen.value) {
      const why = `the integer value of priority (${sent}) must not be provided in pod spec; priority admission controller computed ${chosen.value} from the given PriorityClass name`;
      throw forbidden(Pod, request.name, why);
    }
    if (sentPolicy !== undefined && sentPolicy !== chosen.preemptionPolicy) {
      const why = `the string value of PreemptionPolicy (${sentPolicy}) must not be provided in pod spec; priority admission controller computed ${chosen.preemptionPolicy} from the given PriorityClass name`;
      throw forbidden(Pod, request.name, why);
    }
    return {
      ...pod,
      spec: {
        ...pod.spec,
        ...(chosen.name !== "" && { priorityClassName: chosen.name }),
        priority: chosen.value,
        preemptionPolicy: chosen.preemptionPolicy,
      },
    } as Pod;
  },
  async validate(request, needs) {
    if (request.resource !== "priorityclasses" || request.subresource !== "") return;
    const wanted = request.object as PriorityClass;
    if (!wanted.globalDefault || (request.old as PriorityClass | undefined)?.globalDefault) return;
    const { items } = await needs.registry.of(PriorityClass).list("");
    const other = items.find((one) => one.globalDefault && one.metadata.name !== wanted.metadata.name);
    if (!other) return;
    const detail = `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`;
    throw invalid(PriorityClass, wanted.metadata.name, [{ type: "Forbidden", field: "globalDefault", detail }]);
  },
});

async function namedClass(needs: AdmissionNeeds, name: string): Promise<Chosen | undefined> {
  const found = await lookUp(needs, PriorityClass, "", name);
  if (found) return { name, value: found.value, preemptionPolicy: found.preemptionPolicy };
  const value = Object.hasOwn(systemClasses, name) ? systemClasses[name] : undefined;
  return value === undefined ? undefined : { name, value, preemptionPolicy: "PreemptLowerPriority" };
}

/** The lowest of the classes marked as the default. */
async function defaultClass({ registry }: AdmissionNeeds): Promise<Chosen> {
  const items = await registry.of(PriorityClass).peekList("");
  let lowest: PriorityClass | undefined;
  for (const one of items) if (one.globalDefault && (!lowest || one.value < lowest.value)) lowest = one;
  if (!lowest) return { name: "", value: 0, preemptionPolicy: "PreemptLowerPriority" };
  return { name: lowest.metadata.name, value: lowest.value, preemptionPolicy: lowest.preemptionPolicy };
}
