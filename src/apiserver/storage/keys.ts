// Where objects are kept, in upstream's layout: "/registry/pods/<namespace>/<name>". Groups that come with the server have no folder of
// their own; groups of custom resources do.
import type { Resource } from "../registry/resource.ts";

const builtInGroups: ReadonlySet<string> = new Set([
  "",
  "admissionregistration.k8s.io",
  "apps",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "extensions",
  "flowcontrol.apiserver.k8s.io",
  "internal.apiserver.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
  "storagemigration.k8s.io",
]);

/** Folders that do not carry the plural's name. */
const renamed: Readonly<Record<string, string>> = {
  "/endpoints": "services/endpoints",
  "/nodes": "minions",
  "/replicationcontrollers": "controllers",
  "/services": "services/specs",
  "networking.k8s.io/ingresses": "ingress",
};

/** "/registry/pods/": every object of the resource lies below. */
export function folderOf(resource: Pick<Resource, "kind" | "folder">): string {
  const { group, plural } = resource.kind;
  const folder = resource.folder ?? renamed[`${group}/${plural}`] ?? (builtInGroups.has(group) ? plural : `${group}/${plural}`);
  return `/registry/${folder}/`;
}

/** Where claims are kept: names only one object may hold, such as a cluster address. */
export const claimsFolder = "/registry/keelson.claims/";
