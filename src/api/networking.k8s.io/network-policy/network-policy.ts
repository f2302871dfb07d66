import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, intOrString, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";
import { ageColumn, formatSelector, nameColumn } from "#api/meta/columns.ts";
import { networkPolicyErrors } from "./network-policy-rules.ts";

export const NetworkPolicyPort = message(
  "NetworkPolicyPort",
  {
    protocol: string(1, { optional: true, default: "TCP", doc: "TCP, UDP or SCTP." }),
    port: intOrString(2, { optional: true, doc: "Port of the Pod, by number or name; every port when absent." }),
    endPort: int32(3, { optional: true, doc: "Last port of a range that begins with `port`." }),
  },
  { openapi: "io.k8s.api.networking.v1.NetworkPolicyPort" },
);
export interface NetworkPolicyPort extends Infer<typeof NetworkPolicyPort> {}

export const IPBlock = message(
  "IPBlock",
  {
    cidr: string(1, { always: true, required: true, minLength: 0, doc: "Range of addresses." }),
    except: list(2, "string", { list: "atomic", doc: "Ranges within it that are left out." }),
  },
  { openapi: "io.k8s.api.networking.v1.IPBlock" },
);
export interface IPBlock extends Infer<typeof IPBlock> {}

export const NetworkPolicyPeer = message(
  "NetworkPolicyPeer",
  {
    podSelector: one(1, (): Type<LabelSelector> => LabelSelector, { optional: true, doc: "Which Pods, in the namespaces meant." }),
    namespaceSelector: one(2, (): Type<LabelSelector> => LabelSelector, {
      optional: true,
      doc: "Which namespaces; the policy's own when absent.",
    }),
    ipBlock: one(3, (): Type<IPBlock> => IPBlock, { optional: true, doc: "Which addresses." }),
  },
  { openapi: "io.k8s.api.networking.v1.NetworkPolicyPeer" },
);
export interface NetworkPolicyPeer extends Infer<typeof NetworkPolicyPeer> {}

export const NetworkPolicyIngressRule = message(
  "NetworkPolicyIngressRule",
  {
    ports: list(1, (): Type<NetworkPolicyPort> => NetworkPolicyPort, { list: "atomic", doc: "Ports let in; all when empty." }),
    from: list(2, (): Type<NetworkPolicyPeer> => NetworkPolicyPeer, { list: "atomic", doc: "Who is let in; everybody when empty." }),
  },
  { openapi: "io.k8s.api.networking.v1.NetworkPolicyIngressRule" },
);
export interface NetworkPolicyIngressRule extends Infer<typeof NetworkPolicyIngressRule> {}

export const NetworkPolicyEgressRule = message(
  "NetworkPolicyEgressRule",
  {
    ports: list(1, (): Type<NetworkPolicyPort> => NetworkPolicyPort, { list: "atomic", doc: "Ports let out to; all when empty." }),
    to: list(2, (): Type<NetworkPolicyPeer> => NetworkPolicyPeer, { list: "atomic", doc: "Who may be reached; everybody when empty." }),
  },
  { openapi: "io.k8s.api.networking.v1.NetworkPolicyEgressRule" },
);
export interface NetworkPolicyEgressRule extends Infer<typeof NetworkPolicyEgressRule> {}

export const NetworkPolicySpec = message(
  "NetworkPolicySpec",
  {
    podSelector: one(1, (): Type<LabelSelector> => LabelSelector, { doc: "Which Pods of the namespace are isolated." }),
    ingress: list(2, (): Type<NetworkPolicyIngressRule> => NetworkPolicyIngressRule, { list: "atomic", doc: "What is let in." }),
    egress: list(3, (): Type<NetworkPolicyEgressRule> => NetworkPolicyEgressRule, { list: "atomic", doc: "What is let out." }),
    policyTypes: list(4, "string", { list: "atomic", doc: "What is limited: Ingress, Egress or both." }),
  },
  { openapi: "io.k8s.api.networking.v1.NetworkPolicySpec" },
);
export interface NetworkPolicySpec extends Infer<typeof NetworkPolicySpec> {}

export interface NetworkPolicy extends ObjectOf<typeof NetworkPolicySpec, undefined, {}> {}
export const NetworkPolicy = kind({
  group: "networking.k8s.io",
  version: "v1",
  name: "NetworkPolicy",
  plural: "networkpolicies",
  doc: "Says which connections Pods may have.",
  scope: "namespaced",
  validate: networkPolicyErrors,
  default: withPolicyTypes,
  shortNames: ["netpol"],
  columns: [
    nameColumn,
    { name: "Pod-Selector", doc: "Which Pods are isolated.", read: ({ spec }) => formatSelector(spec.podSelector) },
    ageColumn,
  ],
  openapi: "io.k8s.api.networking.v1.NetworkPolicy",
  spec: NetworkPolicySpec,
});

function withPolicyTypes(policy: NetworkPolicy): NetworkPolicy {
  const { spec } = policy;
  if ((spec.policyTypes ?? []).length > 0) return policy;
  return { ...policy, spec: { ...spec, policyTypes: (spec.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"] } };
}
