// What each signer puts its name to, and what a node may ask for itself.
import type { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import type { Node } from "#api/core/node/node.ts";
import type { ExtendedKeyUsage, KeyUsage, SigningRequest } from "#platform/crypto.ts";

export const kubeletClientSigner = "kubernetes.io/kube-apiserver-client-kubelet";
export const kubeletServingSigner = "kubernetes.io/kubelet-serving";
export const clientSigner = "kubernetes.io/kube-apiserver-client";
export const legacySigner = "kubernetes.io/legacy-unknown";

const keyUsages: readonly KeyUsage[] = ["digital signature", "key encipherment"];
const extendedUsages: readonly ExtendedKeyUsage[] = ["server auth", "client auth"];

/** Why the signer will not sign this; undefined when it will. Unknown signers are other programs' work: ask `isOurs` first. */
export function refusal({ spec }: CertificateSigningRequest, request: SigningRequest): string | undefined {
  const usages = spec.usages ?? [];
  switch (spec.signerName) {
    case kubeletClientSigner:
      return nodeSubjectFault(request) ?? clientNamesFault(request) ?? usagesFault(usages, "client auth", "exactly");
    case kubeletServingSigner:
      return nodeSubjectFault(request) ?? servingNamesFault(request) ?? usagesFault(usages, "server auth", "exactly");
    case clientSigner:
      return usagesFault(usages, "client auth", "at most");
    default: {
      const unknown = usages.find((usage) => !isKnown(usage));
      return unknown === undefined ? undefined : `usage "${unknown}" is not supported`;
    }
  }
}

export const isOurs = (signerName: string): boolean =>
  [kubeletClientSigner, kubeletServingSigner, clientSigner, legacySigner].includes(signerName);

/** The usages asked for, as certificates carry them. */
export function usagesOf({ spec: { usages = [] } }: CertificateSigningRequest): {
  readonly usages: readonly KeyUsage[];
  readonly extendedUsages: readonly ExtendedKeyUsage[];
} {
  return {
    usages: keyUsages.filter((usage) => usages.includes(usage)),
    extendedUsages: extendedUsages.filter((usage) => usages.includes(usage)),
  };
}

/** What names and addresses others have: a kubelet says itself what its Node has, and must not say that it is somebody else. */
export interface Others {
  readonly nodes: readonly Node[];
  /** Of the Service "kubernetes", behind which the API server is found. */
  readonly apiServerAddresses: readonly string[];
}

/** Whether every name and address in the request is the Node's, and nobody else's. */
export function isAboutNode(request: SigningRequest, node: Node, { nodes, apiServerAddresses }: Others): boolean {
  const addresses = node.status.addresses ?? [];
  const names = new Set([node.metadata.name, ...addresses.filter(({ type }) => !type.endsWith("IP")).map(({ address }) => address)]);
  const numbers = new Set(addresses.filter(({ type }) => type.endsWith("IP")).map(({ address }) => address));
  const taken = new Set(apiServerAddresses);
  for (const { metadata, status } of nodes) {
    if (metadata.name === node.metadata.name) continue;
    taken.add(metadata.name.toLowerCase());
    for (const { address } of status.addresses ?? []) taken.add(address.toLowerCase());
  }
  const isOwnName = (name: string) => names.has(name) && !taken.has(name.toLowerCase()) && !isOfServices(name.toLowerCase());
  return request.dnsNames.every(isOwnName) && request.ipAddresses.every((address) => numbers.has(address) && !taken.has(address));
}

/** Names that Services go by, and wildcards, which stand for anything. */
function isOfServices(name: string): boolean {
  return name === "kubernetes" || /^kubernetes\.|\.svc(?:\.|$)|\.cluster\.local\.?$|\*/.test(name);
}

function nodeSubjectFault({ subject }: SigningRequest): string | undefined {
  const { organizations = [], commonName } = subject;
  if (organizations.length !== 1 || organizations[0] !== "system:nodes") return "subject organization is not system:nodes";
  return commonName.startsWith("system:node:") ? undefined : "subject common name does not begin with system:node:";
}

function clientNamesFault({ dnsNames, ipAddresses, emailAddresses, uris }: SigningRequest): string | undefined {
  if (dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (ipAddresses.length > 0) return "IP subjectAltNames are not allowed";
  return otherNamesFault(emailAddresses, uris);
}

function servingNamesFault({ dnsNames, ipAddresses, emailAddresses, uris }: SigningRequest): string | undefined {
  if (dnsNames.length + ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
  return otherNamesFault(emailAddresses, uris);
}

function otherNamesFault(emailAddresses: readonly string[], uris: readonly string[]): string | undefined {
  if (emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  return uris.length > 0 ? "URI subjectAltNames are not allowed" : undefined;
}

function usagesFault(usages: readonly string[], purpose: ExtendedKeyUsage, how: "exactly" | "at most"): string | undefined {
  const allowed = new Set<string>([...keyUsages, purpose]);
  const needed = how === "exactly" ? ["digital signature", purpose] : [purpose];
  const fits = usages.every((usage) => allowed.has(usage)) && needed.every((usage) => usages.includes(usage));
  return fits ? undefined : `usages did not match [digital signature, key encipherment, ${purpose}]`;
}

const isKnown = (usage: string): boolean => [...keyUsages, ...extendedUsages].some((known) => known === usage);
