// The rules of NetworkPolicies.
import { forbidden, invalid, notSupported, required } from "#schema/derive/field-error.ts";
import { portNameProblems } from "#schema/derive/formats.ts";
import { parseCidr } from "#base/ip.ts";
import type { FieldError } from "#schema/kind.ts";
import { portErrors, selectorErrors } from "#api/meta/rules.ts";
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "./network-policy.ts";

const protocols = ["SCTP", "TCP", "UDP"];
const policyTypes = ["Egress", "Ingress"];

export function networkPolicyErrors({ spec }: NetworkPolicy): readonly FieldError[] {
  const { podSelector, ingress = [], egress = [], policyTypes: types = [] } = spec;
  const errors: FieldError[] = [...selectorErrors(podSelector, "spec.podSelector")];
  for (const [index, { ports = [], from = [] }] of ingress.entries())
    errors.push(...ruleErrors(ports, from, `spec.ingress[${index}]`, "from"));
  for (const [index, { ports = [], to = [] }] of egress.entries()) errors.push(...ruleErrors(ports, to, `spec.egress[${index}]`, "to"));
  if (types.length > policyTypes.length)
    return [...errors, invalid("spec.policyTypes", types, "may not specify more than two policyTypes")];
  for (const [index, type] of types.entries())
    if (!policyTypes.includes(type)) errors.push(notSupported(`spec.policyTypes[${index}]`, type, policyTypes));
  return errors;
}

function ruleErrors(
  ports: readonly NetworkPolicyPort[],
  peers: readonly NetworkPolicyPeer[],
  path: string,
  side: "from" | "to",
): readonly FieldError[] {
  return [
    ...ports.flatMap((port, index) => policyPortErrors(port, `${path}.ports[${index}]`)),
    ...peers.flatMap((peer, index) => peerErrors(peer, `${path}.${side}[${index}]`)),
  ];
}

function policyPortErrors({ protocol, port, endPort }: NetworkPolicyPort, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (protocol !== undefined && !protocols.includes(protocol)) errors.push(notSupported(`${path}.protocol`, protocol, protocols));
  if (port === undefined) {
    if (endPort !== undefined) errors.push(invalid(`${path}.endPort`, endPort, "may not be specified when `port` is not specified"));
  } else if (typeof port === "string") {
    if (endPort !== undefined) errors.push(invalid(`${path}.endPort`, endPort, "may not be specified when `port` is non-numeric"));
    errors.push(...portNameProblems(port).map((problem) => invalid(`${path}.port`, port, problem)));
  } else {
    errors.push(...portErrors(port, `${path}.port`));
    if (endPort !== undefined) {
      if (endPort < port) errors.push(invalid(`${path}.endPort`, port, "must be greater than or equal to `port`"));
      errors.push(...portErrors(endPort, `${path}.endPort`));
    }
  }
  return errors;
}

function peerErrors({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (podSelector) errors.push(...selectorErrors(podSelector, `${path}.podSelector`));
  if (namespaceSelector) errors.push(...selectorErrors(namespaceSelector, `${path}.namespaceSelector`));
  if (ipBlock) errors.push(...blockErrors(ipBlock, `${path}.ipBlock`));
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(path, "must specify a peer"));
  if (ipBlock && (podSelector || namespaceSelector)) errors.push(forbidden(path, "may not specify both ipBlock and another peer"));
  return errors;
}

const wrongRange = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

function blockErrors({ cidr, except = [] }: IPBlock, path: string): readonly FieldError[] {
  if (cidr === "") return [required(`${path}.cidr`)];
  const whole = parseCidr(cidr);
  if (!whole) return [invalid(`${path}.cidr`, cidr, wrongRange)];
  return except.flatMap((text, index) => {
    const at = `${path}.except[${index}]`;
    const part = parseCidr(text);
    if (!part) return [invalid(at, text, wrongRange)];
    return isStrictlyWithin(part, whole) ? [] : [invalid(at, text, "must be a strict subset of `cidr`")];
  });
}

type Range = NonNullable<ReturnType<typeof parseCidr>>;

function isStrictlyWithin(part: Range, whole: Range): boolean {
  if (part.address.length !== whole.address.length || part.bits <= whole.bits) return false;
  return whole.address.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, whole.bits - index * 8));
    return byte >> (8 - bits) === (part.address[index] as number) >> (8 - bits);
  });
}
