// Discovery in one answer: every group, version and resource (apidiscovery.k8s.io/v2).
import { list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ObjectMeta } from "#schema/object-meta.ts";
import { ListMeta } from "./list-meta.ts";

export const GroupVersionKind = message("GroupVersionKind", {
  group: string(1, { always: true, doc: "The group; empty for the core group." }),
  version: string(2, { always: true, doc: "The version." }),
  kind: string(3, { always: true, doc: "The kind." }),
});
export interface GroupVersionKind extends Infer<typeof GroupVersionKind> {}

export const APISubresourceDiscovery = message("APISubresourceDiscovery", {
  subresource: string(1, { always: true, doc: "Name of the subresource, such as status." }),
  responseKind: one(2, (): Type<GroupVersionKind> => GroupVersionKind, { optional: true, doc: "What it answers with." }),
  acceptedTypes: list(3, (): Type<GroupVersionKind> => GroupVersionKind, {
    list: "atomic",
    doc: "What it accepts where that is something else.",
  }),
  verbs: list(4, "string", { always: true, list: "set", doc: "What may be done with it." }),
});
export interface APISubresourceDiscovery extends Infer<typeof APISubresourceDiscovery> {}

export const APIResourceDiscovery = message("APIResourceDiscovery", {
  resource: string(1, { always: true, doc: "Plural name of the resource." }),
  responseKind: one(2, (): Type<GroupVersionKind> => GroupVersionKind, { optional: true, doc: "What it answers with." }),
  scope: string(3, { always: true, doc: "Cluster or Namespaced." }),
  singularResource: string(4, { always: true, doc: "Singular name of the resource." }),
  verbs: list(5, "string", { always: true, list: "set", doc: "What may be done with it." }),
  shortNames: list(6, "string", { list: "set", doc: "Names for the command line." }),
  categories: list(7, "string", { list: "set", doc: "Names of lists it belongs to, such as all." }),
  subresources: list(8, (): Type<APISubresourceDiscovery> => APISubresourceDiscovery, {
    list: "map",
    keys: ["subresource"],
    doc: "Its subresources.",
  }),
});
export interface APIResourceDiscovery extends Infer<typeof APIResourceDiscovery> {}

export const APIVersionDiscovery = message("APIVersionDiscovery", {
  version: string(1, { always: true, doc: "The version." }),
  resources: list(2, (): Type<APIResourceDiscovery> => APIResourceDiscovery, {
    list: "map",
    keys: ["resource"],
    doc: "Its resources.",
  }),
  freshness: string(3, { doc: "Current, or Stale where the server behind it did not answer." }),
});
export interface APIVersionDiscovery extends Infer<typeof APIVersionDiscovery> {}

export const APIGroupDiscovery = message("APIGroupDiscovery", {
  apiVersion: string(0),
  kind: string(0),
  metadata: one(1, (): Type<ObjectMeta> => ObjectMeta, { doc: "Its name is the group's." }),
  versions: list(2, (): Type<APIVersionDiscovery> => APIVersionDiscovery, {
    list: "map",
    keys: ["version"],
    doc: "The group's versions, the preferred one first.",
  }),
});
export interface APIGroupDiscovery extends Infer<typeof APIGroupDiscovery> {}

export const APIGroupDiscoveryList = message("APIGroupDiscoveryList", {
  apiVersion: string(0),
  kind: string(0),
  metadata: one(1, (): Type<ListMeta> => ListMeta, { doc: "The list's metadata." }),
  items: list(2, (): Type<APIGroupDiscovery> => APIGroupDiscovery, { always: true, doc: "The groups." }),
});
export interface APIGroupDiscoveryList extends Infer<typeof APIGroupDiscoveryList> {}
