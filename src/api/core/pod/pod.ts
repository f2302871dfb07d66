import { kind, type ObjectOf } from "#schema/kind.ts";
import { PodSpec } from "./pod-spec.ts";
import { PodStatus } from "./pod-status.ts";
import { podErrors } from "./pod-rules.ts";
import { completePod } from "./pod-defaults.ts";
import { podColumns } from "./pod-columns.ts";
import { graceSeconds, preparePod } from "./pod-strategy.ts";

export interface Pod extends ObjectOf<typeof PodSpec, typeof PodStatus, {}> {}
export const Pod = kind({
  group: "",
  version: "v1",
  name: "Pod",
  plural: "pods",
  doc: "Containers that run together on one Node.",
  scope: "namespaced",
  shortNames: ["po"],
  categories: ["all"],
  columns: podColumns,
  selectable: {
    "spec.nodeName": ({ spec }) => spec.nodeName ?? "",
    "spec.restartPolicy": ({ spec }) => spec.restartPolicy,
    "spec.schedulerName": ({ spec }) => spec.schedulerName,
    "spec.serviceAccountName": ({ spec }) => spec.serviceAccountName ?? "",
    "spec.hostNetwork": ({ spec }) => String(spec.hostNetwork ?? false),
    "status.phase": ({ status }) => status.phase ?? "",
    "status.podIP": ({ status }) => status.podIPs?.[0]?.ip ?? status.podIP ?? "",
    "status.nominatedNodeName": ({ status }) => status.nominatedNodeName ?? "",
  },
  graceSeconds,
  prepare: preparePod,
  openapi: "io.k8s.api.core.v1.Pod",
  spec: PodSpec,
  status: PodStatus,
  subresources: { status: true },
  default: completePod,
  validate: podErrors,
});
