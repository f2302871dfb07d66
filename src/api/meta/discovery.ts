import { bool, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const GroupVersionForDiscovery = message(
  "GroupVersionForDiscovery",
  {
    groupVersion: string(1, { always: true, required: true, doc: "Group and version, such as apps/v1." }),
    version: string(2, { always: true, required: true, doc: "The version alone." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery" },
);
export interface GroupVersionForDiscovery extends Infer<typeof GroupVersionForDiscovery> {}

export const ServerAddressByClientCIDR = message(
  "ServerAddressByClientCIDR",
  {
    clientCIDR: string(1, { always: true, required: true, doc: "Range of client addresses." }),
    serverAddress: string(2, { always: true, required: true, doc: "Where these clients reach the server." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.ServerAddressByClientCIDR" },
);
export interface ServerAddressByClientCIDR extends Infer<typeof ServerAddressByClientCIDR> {}

export const APIGroup = message(
  "APIGroup",
  {
    apiVersion: string(0),
    kind: string(0),
    name: string(1, { always: true, required: true, doc: "Name of the group." }),
    versions: list(2, (): Type<GroupVersionForDiscovery> => GroupVersionForDiscovery, {
      always: true,
      required: true,
      list: "atomic",
      doc: "Versions of the group.",
    }),
    preferredVersion: one(3, (): Type<GroupVersionForDiscovery> => GroupVersionForDiscovery, { doc: "Version clients should use." }),
    serverAddressByClientCIDRs: list(4, (): Type<ServerAddressByClientCIDR> => ServerAddressByClientCIDR, {
      list: "atomic",
      doc: "Where clients reach the server.",
    }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup" },
);
export interface APIGroup extends Infer<typeof APIGroup> {}

export const APIGroupList = message(
  "APIGroupList",
  {
    apiVersion: string(0),
    kind: string(0),
    groups: list(1, (): Type<APIGroup> => APIGroup, { always: true, required: true, list: "atomic", doc: "The groups." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList" },
);
export interface APIGroupList extends Infer<typeof APIGroupList> {}

export const APIResource = message(
  "APIResource",
  {
    name: string(1, { always: true, required: true, doc: "Plural name of the resource." }),
    namespaced: bool(2, { always: true, required: true, doc: "Whether its objects live in namespaces." }),
    kind: string(3, { always: true, required: true, doc: "Kind of its objects." }),
    verbs: list(4, "string", { always: true, required: true, doc: "What may be done with it." }),
    shortNames: list(5, "string", { list: "atomic", doc: "Names for the command line." }),
    singularName: string(6, { always: true, required: true, doc: "Singular name of the resource." }),
    categories: list(7, "string", { list: "atomic", doc: "Names of lists it belongs to, such as all." }),
    group: string(8, { doc: "Group of the kind where it is another than the list's." }),
    version: string(9, { doc: "Version of the kind where it is another than the list's." }),
    storageVersionHash: string(10, { doc: "Hash of the version it is stored in." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.APIResource" },
);
export interface APIResource extends Infer<typeof APIResource> {}

export const APIResourceList = message(
  "APIResourceList",
  {
    apiVersion: string(0),
    kind: string(0),
    groupVersion: string(1, { always: true, required: true, doc: "Group and version of the resources." }),
    resources: list(2, (): Type<APIResource> => APIResource, { always: true, required: true, list: "atomic", doc: "The resources." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList" },
);
export interface APIResourceList extends Infer<typeof APIResourceList> {}

export const APIVersions = message(
  "APIVersions",
  {
    apiVersion: string(0),
    kind: string(0),
    versions: list(1, "string", { always: true, required: true, list: "atomic", doc: "Versions of the core group." }),
    serverAddressByClientCIDRs: list(2, (): Type<ServerAddressByClientCIDR> => ServerAddressByClientCIDR, {
      always: true,
      required: true,
      list: "atomic",
      doc: "Where clients reach the server.",
    }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions" },
);
export interface APIVersions extends Infer<typeof APIVersions> {}
