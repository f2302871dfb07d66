// Which labels of its own Node a kubelet may set: those outside kubernetes.io, and a few within.
const kubeletLabels: ReadonlySet<string> = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/arch",
  "kubernetes.io/os",
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/instance-type",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "node.kubernetes.io/instance-type",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
]);

type Labels = Readonly<Record<string, string>>;

/** Labels that were added, changed or taken away and are not the kubelet's to touch, in order. */
export function forbiddenLabels(before: Labels, after: Labels): readonly string[] {
  const touched = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...touched].filter((key) => valueOf(before, key) !== valueOf(after, key) && isForbidden(key)).sort();
}

function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function isForbidden(key: string): boolean {
  const domain = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
  if (isWithin(domain, "node-restriction.kubernetes.io")) return true;
  if (!isWithin(domain, "kubernetes.io") && !isWithin(domain, "k8s.io")) return false;
  return !(kubeletLabels.has(key) || isWithin(domain, "kubelet.kubernetes.io") || isWithin(domain, "node.kubernetes.io"));
}

function isWithin(domain: string, parent: string): boolean {
  return domain === parent || domain.endsWith(`.${parent}`);
}
