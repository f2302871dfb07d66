// Gives Pods of a RuntimeClass what the class costs and where it can run.
import { Pod } from "#api/core/pod/pod.ts";
import type { Toleration } from "#api/core/pod/scheduling.ts";
import { RuntimeClass } from "#api/node.k8s.io/runtime-class/runtime-class.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { compareQuantities } from "#schema/quantity.ts";
import { forbidden } from "../../registry/errors.ts";
import { lookUp } from "../newest.ts";
import { type AdmissionNeeds, admissionPlugin, type AdmissionRequest } from "../plugin.ts";

type Amounts = Readonly<Record<string, string>>;

export const runtimeClass = admissionPlugin({
  name: "RuntimeClass",
  operations: ["CREATE"],
  resources: ["pods"],
  async mutate(request, needs) {
    if (request.subresource !== "") return undefined;
    const pod = request.object as Pod;
    const found = await classOf(pod, request, needs);
    if (!found) return undefined;
    const { overhead, scheduling } = found;
    const { nodeSelector = {}, tolerations = [] } = scheduling ?? {};
    if (overhead?.podFixed && pod.spec.overhead && !sameAmounts(overhead.podFixed, pod.spec.overhead)) throw mismatch(request);
    const added = tolerations.filter((one) => !(pod.spec.tolerations ?? []).some((other) => deepEqual(one, other)));
    return {
      ...pod,
      spec: {
        ...pod.spec,
        ...(overhead?.podFixed && { overhead: overhead.podFixed }),
        ...(Object.keys(nodeSelector).length > 0 && { nodeSelector: merged(request, nodeSelector, pod.spec.nodeSelector ?? {}) }),
        ...(added.length > 0 && { tolerations: [...(pod.spec.tolerations ?? []), ...(added as Toleration[])] }),
      },
    } as Pod;
  },
  async validate(request, needs) {
    if (request.subresource !== "") return;
    const pod = request.object as Pod;
    const fixed = (await classOf(pod, request, needs))?.overhead?.podFixed;
    if (fixed) {
      if (!sameAmounts(fixed, pod.spec.overhead ?? {})) throw mismatch(request);
    } else if (Object.keys(pod.spec.overhead ?? {}).length > 0) {
      throw rejected(request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    }
  },
});

async function classOf(pod: Pod, request: AdmissionRequest, needs: AdmissionNeeds): Promise<RuntimeClass | undefined> {
  const { runtimeClassName } = pod.spec;
  if (runtimeClassName === undefined) return undefined;
  const found = await lookUp(needs, RuntimeClass, "", runtimeClassName);
  if (!found) throw rejected(request, `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`);
  return found;
}

function merged(request: AdmissionRequest, ofClass: Amounts, ofPod: Amounts): Amounts {
  for (const [key, value] of Object.entries(ofClass)) {
    if (!Object.hasOwn(ofPod, key) || ofPod[key] === value) continue;
    const detail = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}, pod.spec.nodeSelector[${key}] = ${ofPod[key]}`;
    throw rejected(request, detail);
  }
  return { ...ofPod, ...ofClass };
}

function sameAmounts(one: Amounts, other: Amounts): boolean {
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => Object.hasOwn(other, name) && compareQuantities(one[name] as string, other[name] as string) === 0);
}

function mismatch(request: AdmissionRequest) {
  return rejected(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
}

function rejected(request: AdmissionRequest, why: string) {
  return forbidden(Pod, request.name, why);
}
