// The rules of RuntimeClasses: amounts, and which Nodes are chosen.
import { labelErrors } from "#schema/derive/metadata-validation.ts";
import type { FieldError } from "#schema/kind.ts";
import { resourceErrors } from "#api/core/pod/resource-rules.ts";
import { tolerationErrors } from "#api/core/pod/scheduling-rules.ts";
import type { RuntimeClass } from "./runtime-class.ts";

export function runtimeClassErrors({ overhead, scheduling }: RuntimeClass): readonly FieldError[] {
  return [
    ...(overhead?.podFixed ? resourceErrors({ limits: overhead.podFixed }, "overhead") : []),
    ...labelErrors(scheduling?.nodeSelector, "scheduling.nodeSelector"),
    ...tolerationErrors(scheduling?.tolerations ?? [], "scheduling.tolerations"),
  ];
}
