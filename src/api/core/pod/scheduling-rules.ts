// The rules of where a Pod may and would like to run.
import { forbidden, invalid, required } from "#schema/derive/field-error.ts";
import { dns1123LabelProblems, labelValueProblems, qualifiedNameProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import { selectorErrors } from "#api/meta/rules.ts";
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from "./scheduling.ts";
import { wholeNumber } from "./tolerations.ts";

export function tolerationErrors(tolerations: readonly Toleration[], path: string): readonly FieldError[] {
  return tolerations.flatMap((toleration, index) => {
    const at = `${path}[${index}]`;
    const { key, operator, value, effect, tolerationSeconds } = toleration;
    const errors: FieldError[] = [];
    if (key) errors.push(...keyErrors(key, `${at}.key`));
    else if (operator !== "Exists") {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(`${at}.operator`, operator ?? "", detail));
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      errors.push(invalid(`${at}.effect`, effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operator === "Exists") {
      if (value) errors.push(invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
    } else if (operator === "Gt" || operator === "Lt") {
      if (wholeNumber(value ?? "") === undefined) {
        errors.push(invalid(`${at}.value`, value ?? "", "must be a valid integer for numeric comparison operators"));
      }
    } else if (value) errors.push(...labelValueProblems(value).map((problem) => invalid(`${at}.operator`, value, problem)));
    return errors;
  });
}

export function affinityErrors({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (nodeAffinity !== undefined) {
    const at = `${path}.nodeAffinity`;
    const required = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    if (required !== undefined) errors.push(...nodeSelectorErrors(required, `${at}.requiredDuringSchedulingIgnoredDuringExecution`));
    for (const [index, { weight, preference }] of (nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const preferredAt = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      errors.push(...weightErrors(weight, `${preferredAt}.weight`), ...nodeTermErrors(preference, `${preferredAt}.preference`));
    }
  }
  if (podAffinity !== undefined) errors.push(...podAffinityErrors(podAffinity, `${path}.podAffinity`));
  if (podAntiAffinity !== undefined) errors.push(...podAffinityErrors(podAntiAffinity, `${path}.podAntiAffinity`));
  return errors;
}

export function nodeSelectorErrors({ nodeSelectorTerms }: NodeSelector, path: string): readonly FieldError[] {
  if (nodeSelectorTerms.length === 0) return [required(`${path}.nodeSelectorTerms`, "must have at least one node selector term")];
  return nodeSelectorTerms.flatMap((term, index) => nodeTermErrors(term, `${path}.nodeSelectorTerms[${index}]`));
}

function nodeTermErrors({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, path: string): readonly FieldError[] {
  return [
    ...matchExpressions.flatMap((requirement, index) => nodeRequirementErrors(requirement, `${path}.matchExpressions[${index}]`)),
    ...matchFields.flatMap((requirement, index) => nodeFieldErrors(requirement, `${path}.matchFields[${index}]`)),
  ];
}

function nodeRequirementErrors({ key, operator, values = [] }: NodeSelectorRequirement, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0) errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      break;
    case "Gt":
    case "Lt":
      if (values.length !== 1) errors.push(required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      break;
    default:
      errors.push(invalid(`${path}.operator`, operator, "not a valid selector operator"));
  }
  return [...errors, ...keyErrors(key, `${path}.key`)];
}

function nodeFieldErrors({ key, operator, values = [] }: NodeSelectorRequirement, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== "In" && operator !== "NotIn") errors.push(invalid(`${path}.operator`, operator, "not a valid selector operator"));
  else if (values.length !== 1)
    errors.push(required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  if (key !== "metadata.name") errors.push(invalid(`${path}.key`, key, "not a valid field selector key"));
  return errors;
}

function podAffinityErrors(affinity: PodAffinity, path: string): readonly FieldError[] {
  const { requiredDuringSchedulingIgnoredDuringExecution: hard = [], preferredDuringSchedulingIgnoredDuringExecution: soft = [] } =
    affinity;
  return [
    ...hard.flatMap((term, index) => podTermErrors(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`)),
    ...soft.flatMap(({ weight, podAffinityTerm }, index) => {
      const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      return [...weightErrors(weight, `${at}.weight`), ...podTermErrors(podAffinityTerm, `${at}.podAffinityTerm`)];
    }),
  ];
}

function podTermErrors(
  { labelSelector, namespaceSelector, namespaces = [], topologyKey }: PodAffinityTerm,
  path: string,
): readonly FieldError[] {
  return [
    ...(labelSelector === undefined ? [] : selectorErrors(labelSelector, `${path}.labelSelector`)),
    ...(namespaceSelector === undefined ? [] : selectorErrors(namespaceSelector, `${path}.namespaceSelector`)),
    ...namespaces.flatMap((name) => dns1123LabelProblems(name).map((problem) => invalid(`${path}.namespace`, name, problem))),
    ...keyErrors(topologyKey, `${path}.topologyKey`),
  ];
}

function weightErrors(weight: number, path: string): readonly FieldError[] {
  return weight >= 1 && weight <= 100 ? [] : [invalid(path, weight, "must be in the range 1-100")];
}

export function spreadErrors(constraints: readonly TopologySpreadConstraint[], path: string): readonly FieldError[] {
  return constraints.flatMap(({ maxSkew, topologyKey, minDomains, whenUnsatisfiable, labelSelector }, index) => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = [...keyErrors(topologyKey, `${at}.topologyKey`)];
    if (maxSkew <= 0) errors.push(invalid(`${at}.maxSkew`, maxSkew, "must be greater than zero"));
    if (minDomains !== undefined && minDomains <= 0) errors.push(invalid(`${at}.minDomains`, minDomains, "must be greater than zero"));
    if (minDomains !== undefined && whenUnsatisfiable !== "DoNotSchedule") {
      const detail = "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not whenUnsatisfiable=ScheduleAnyway";
      errors.push(invalid(`${at}.minDomains`, minDomains, detail));
    }
    if (labelSelector !== undefined) errors.push(...selectorErrors(labelSelector, `${at}.labelSelector`));
    return errors;
  });
}

/** Empty keys are the declaration's to report. */
function keyErrors(key: string, path: string): readonly FieldError[] {
  return key === "" ? [] : qualifiedNameProblems(key).map((problem) => invalid(path, key, problem));
}
