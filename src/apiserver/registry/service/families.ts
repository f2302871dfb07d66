// Which families of addresses a Service has: what its writer said, completed by what follows from the rest of it and from the cluster.
import { Service, type ServiceSpec } from "#api/core/service/service.ts";
import { hasClusterIP } from "#api/core/service/service-strategy.ts";
import type { FieldError } from "#schema/kind.ts";
import { invalid } from "../invalid.ts";
import { type AddressRange, type Family, familyOf } from "./address-range.ts";

type Policy = NonNullable<ServiceSpec["ipFamilyPolicy"]>;

/** Throws a StatusError for what this cluster cannot give. */
export function withFamilies(service: Service, old: Service | undefined, ranges: readonly AddressRange[]): Service {
  if (!hasClusterIP(service.spec)) return service;
  const spec = trimmed(service.spec, old?.spec);
  const isHeadless = (spec.clusterIPs?.[0] ?? spec.clusterIP) === "None";
  const isForOthers = isHeadless && Object.keys(spec.selector ?? {}).length === 0;
  const known = ranges.map(({ family }) => family);
  const asked = askedFamilies(spec);
  const policy = spec.ipFamilyPolicy ?? (asked.length === 2 || (isForOthers && asked.length === 0) ? "RequireDualStack" : "SingleStack");
  const errors = isForOthers ? [] : unknownFamilies(spec, policy, known);
  if ((spec.ipFamilies ?? []).length === 2 && policy === "SingleStack") {
    const detail = "must be RequireDualStack or PreferDualStack when multiple IP families are specified";
    errors.push({ type: "Invalid", field: "spec.ipFamilyPolicy", value: policy, detail });
  }
  if (old && hasClusterIP(old.spec) && old.spec.ipFamilies?.[0] && asked[0] && asked[0] !== old.spec.ipFamilies[0])
    errors.push({ type: "Invalid", field: "spec.ipFamilies[0]", value: asked[0], detail: "may not change once set" });
  if (errors.length > 0) throw invalid(Service, service.metadata.name, errors);

  const first = asked[0] ?? (known[0] as Family);
  const other: Family = first === "IPv4" ? "IPv6" : "IPv4";
  const hasBoth = policy !== "SingleStack" && (isForOthers || known.includes(other));
  const families = hasBoth ? [first, other] : [first];
  return { ...service, spec: { ...spec, ipFamilyPolicy: policy, ipFamilies: families } };
}

/** As far as the writer said: by families, or by addresses. */
function askedFamilies({ ipFamilies = [], clusterIPs = [], clusterIP }: ServiceSpec): readonly Family[] {
  const addresses = (clusterIPs.length > 0 ? clusterIPs : clusterIP ? [clusterIP] : []).filter((ip) => ip !== "None" && ip !== "");
  return ipFamilies.length >= addresses.length ? (ipFamilies as readonly Family[]) : addresses.map(familyOf);
}

function unknownFamilies({ ipFamilies = [], ipFamilyPolicy }: ServiceSpec, policy: Policy, known: readonly Family[]): FieldError[] {
  const errors: FieldError[] = [];
  if (ipFamilyPolicy === "RequireDualStack" && known.length < 2) {
    const detail = "this cluster is not configured for dual-stack services";
    errors.push({ type: "Invalid", field: "spec.ipFamilyPolicy", value: policy, detail });
  }
  for (const [index, family] of ipFamilies.entries())
    if (!known.includes(family as Family))
      errors.push({ type: "Invalid", field: `spec.ipFamilies[${index}]`, value: family, detail: "not configured on this cluster" });
  return errors;
}

/** Who asks for one family where there were two, and says nothing else, means the first. */
function trimmed(spec: ServiceSpec, old: ServiceSpec | undefined): ServiceSpec {
  const isDowngrade = old && spec.ipFamilyPolicy === "SingleStack" && old.ipFamilyPolicy !== "SingleStack";
  if (!isDowngrade) return spec;
  const same = (now: readonly string[] = [], before: readonly string[] = []) => now.join() === before.join();
  return {
    ...spec,
    ...(same(spec.clusterIPs, old.clusterIPs) && spec.clusterIPs && { clusterIPs: spec.clusterIPs.slice(0, 1) }),
    ...(same(spec.ipFamilies, old.ipFamilies) && spec.ipFamilies && { ipFamilies: spec.ipFamilies.slice(0, 1) }),
  };
}
