// The rules of Nodes.
import { deepEqual } from "#schema/derive/equal.ts";
import { duplicate, forbidden, invalid } from "#schema/derive/field-error.ts";
import { labelValueProblems, qualifiedNameProblems } from "#schema/derive/formats.ts";
import { parseCidr } from "#base/ip.ts";
import type { FieldError } from "#schema/kind.ts";
import type { Node, Taint } from "./node.ts";

export function nodeErrors(
  { spec }: Node,
  { old, subresource }: { readonly old?: Node; readonly subresource: string },
): readonly FieldError[] {
  if (subresource !== "") return [];
  return [
    ...taintErrors(spec.taints ?? []),
    ...rangeErrors(spec.podCIDRs ?? []),
    ...(old === undefined ? [] : changeErrors(spec, old.spec)),
  ];
}

function taintErrors(taints: readonly Taint[]): readonly FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, index) => {
    const { key, value = "", effect } = taint;
    const at = `spec.taints[${index}]`;
    const errors: FieldError[] = [];
    if (key !== "") errors.push(...qualifiedNameProblems(key).map((problem) => invalid(`${at}.key`, key, problem)));
    errors.push(...labelValueProblems(value).map((problem) => invalid(`${at}.value`, value, problem)));
    if (seen.has(`${key} ${effect}`)) errors.push({ ...duplicate(at, taint), detail: "taints must be unique by key and effect pair" });
    seen.add(`${key} ${effect}`);
    return errors;
  });
}

function rangeErrors(ranges: readonly string[]): readonly FieldError[] {
  return ranges.flatMap((range, index) =>
    parseCidr(range) === undefined
      ? [invalid(`spec.podCIDRs[${index}]`, range, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
      : [],
  );
}

/** What was settled when the Node got it. */
function changeErrors(spec: Node["spec"], old: Node["spec"]): readonly FieldError[] {
  const errors: FieldError[] = [];
  if ((old.podCIDRs ?? []).length > 0 && !deepEqual(old.podCIDRs, spec.podCIDRs)) {
    errors.push(forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.providerID && old.providerID !== spec.providerID) {
    errors.push(forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'));
  }
  return errors;
}
