// The rules of DaemonSets.
import { invalid, required } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { workloadErrors } from "#api/apps/workload-rules.ts";
import { countOrPercentErrors, isZeroCount, overAllErrors } from "#api/meta/rules.ts";
import type { DaemonSet, DaemonSetUpdateStrategy } from "./daemon-set.ts";

export function daemonSetErrors({ spec }: DaemonSet, { subresource }: { readonly subresource: string }): readonly FieldError[] {
  if (subresource !== "") return [];
  return [
    ...workloadErrors(spec, "DaemonSet", "empty selector is invalid for daemonset"),
    ...strategyErrors(spec.updateStrategy, "spec.updateStrategy.rollingUpdate"),
  ];
}

function strategyErrors({ type, rollingUpdate }: DaemonSetUpdateStrategy, path: string): readonly FieldError[] {
  if (type !== "RollingUpdate") return [];
  if (rollingUpdate === undefined) return [required(path)];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const errors = [maxUnavailable, maxSurge].flatMap((count, index) => {
    const at = `${path}.${index === 0 ? "maxUnavailable" : "maxSurge"}`;
    return [...countOrPercentErrors(count, at), ...overAllErrors(count, at)];
  });
  const [stays, comes] = [isZeroCount(maxUnavailable), isZeroCount(maxSurge)];
  if (!stays && !comes) errors.push(invalid(`${path}.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  if (stays && comes) errors.push(required(`${path}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  return errors;
}
