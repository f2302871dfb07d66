// The rules that Deployments, ReplicaSets and DaemonSets share.
import { invalid } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { templateErrors } from "#api/core/pod/pod-rules.ts";
import type { PodTemplateSpec } from "#api/core/pod/pod-template.ts";
import type { LabelSelector } from "#api/meta/label-selector.ts";
import { isEmptySelector, selectorErrors } from "#api/meta/rules.ts";

interface WorkloadSpec {
  readonly selector?: LabelSelector | undefined;
  readonly template: PodTemplateSpec;
}

/** A selector that selects something, and a template that it selects. */
export function workloadErrors({ selector, template }: WorkloadSpec, kind: string, emptySelector: string): readonly FieldError[] {
  return [
    ...(selector === undefined ? [] : selectorErrors(selector, "spec.selector")),
    ...(selector !== undefined && isEmptySelector(selector) ? [invalid("spec.selector", selector, emptySelector)] : []),
    ...templateErrors(template, selector, kind),
  ];
}
