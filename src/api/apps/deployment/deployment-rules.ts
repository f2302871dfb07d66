// The rules of Deployments.
import { forbidden, invalid, required } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { workloadErrors } from "#api/apps/workload-rules.ts";
import { countOrPercentErrors, isZeroCount, overAllErrors } from "#api/meta/rules.ts";
import type { Deployment, DeploymentStrategy } from "./deployment.ts";

export function deploymentErrors({ spec }: Deployment, { subresource }: { readonly subresource: string }): readonly FieldError[] {
  if (subresource !== "") return [];
  const errors = [
    ...workloadErrors(spec, "ReplicaSet", "empty selector is invalid for deployment"),
    ...strategyErrors(spec.strategy, "spec.strategy"),
  ];
  if (spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
    errors.push(invalid("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds, "must be greater than minReadySeconds"));
  }
  return errors;
}

function strategyErrors({ type, rollingUpdate }: DeploymentStrategy, path: string): readonly FieldError[] {
  const at = `${path}.rollingUpdate`;
  if (type === "Recreate") {
    return rollingUpdate === undefined ? [] : [forbidden(at, "may not be specified when strategy `type` is 'Recreate'")];
  }
  if (type !== "RollingUpdate") return [];
  if (rollingUpdate === undefined) return [required(at, "this should be defaulted and never be nil")];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const errors = [
    ...countOrPercentErrors(maxUnavailable, `${at}.maxUnavailable`),
    ...countOrPercentErrors(maxSurge, `${at}.maxSurge`),
    ...overAllErrors(maxUnavailable, `${at}.maxUnavailable`),
  ];
  if (isZeroCount(maxUnavailable) && isZeroCount(maxSurge)) {
    errors.push(invalid(`${at}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  }
  return errors;
}
