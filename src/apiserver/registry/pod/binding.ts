// pods/binding: what the scheduler says.
import { Binding } from "#api/core/binding/binding.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { formatTime } from "#schema/time.ts";
import { conflict } from "../errors.ts";
import { invalid } from "../invalid.ts";
import type { Answer, Call, CustomSubresource } from "../resource.ts";

export const binding: CustomSubresource = {
  type: "custom",
  verbs: ["create"],
  takes: { group: "", version: "v1", kind: "Binding" },
  handle: async (call) => bind(call, await call.read(Binding)),
};

/** Puts the Pod on the node the Binding names. */
export async function bind(call: Call, sent: Binding): Promise<Answer> {
  const { info, user } = call.request;
  const name = info.name || sent.metadata.name;
  checkTarget(sent, name);
  const admitted = (await call.admit("CREATE", sent)) ?? sent;
  const { uid, resourceVersion, annotations } = admitted.metadata;
  const node = admitted.target.name as string;
  const now = formatTime(call.world.clock.now());
  await call.registry.of(Pod).update(
    info.namespace,
    name,
    (pod) => {
      if (uid && uid !== pod.metadata.uid) {
        throw conflict(Pod, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`);
      }
      if (resourceVersion && resourceVersion !== pod.metadata.resourceVersion) {
        throw conflict(Pod, name, "Precondition failed: the ResourceVersion does not match");
      }
      if (pod.metadata.deletionTimestamp) throw conflict(Pod, name, `pod ${name} is being deleted, cannot be assigned to a host`);
      if (pod.spec.nodeName) throw conflict(Pod, name, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
      if (pod.spec.schedulingGates?.length) throw conflict(Pod, name, `pod ${name} has non-empty .spec.schedulingGates`);
      const conditions = (pod.status.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
      const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: now, observedGeneration: pod.metadata.generation };
      return {
        ...pod,
        metadata: annotations ? { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } } : pod.metadata,
        spec: { ...pod.spec, nodeName: node },
        status: { ...pod.status, conditions: [...conditions, scheduled] },
      } as Pod;
    },
    { user, dryRun: call.dryRun, fieldManager: call.request.query.get("fieldManager") ?? "kube-scheduler", subresource: "binding" },
  );
  return { object: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 }, status: 201 };
}

function checkTarget({ target }: Binding, name: string): void {
  if (target.kind && target.kind !== "Node") {
    const detail = `supported values: "Node", "<empty>"`;
    throw invalid(Binding, name, [{ type: "NotSupported", field: "target.kind", value: target.kind, detail }]);
  }
  if (!target.name) throw invalid(Binding, name, [{ type: "Required", field: "target.name", detail: "" }]);
}
