import { bool, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const GroupVersionForDiscovery = message(
  "GroupVersionForDiscovery",
  {
    groupVersion: string(1, { always: true, required: true }),
    version: string(2, { always: true, required: true }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery" },
);
export interface GroupVersionForDiscovery extends Infer<typeof GroupVersionForDiscovery> {}

export const ServerAddressByClientCIDR = message(
  "ServerAddressByClientCIDR",
  {
    clientCIDR: string(1, { always: true, required: true }),
    serverAddress: string(2, { always: true, required: true }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.ServerAddressByClientCIDR" },
);
export interface ServerAddressByClientCIDR extends Infer<typeof ServerAddressByClientCIDR> {}

export const APIGroup = message(
  "APIGroup",
  {
    apiVersion: string(0),
    kind: string(0),
    name: string(1, { always: true, required: true }),
    versions: list(2, (): Type<GroupVersionForDiscovery> => GroupVersionForDiscovery, { always: true, required: true, list: "atomic" }),
    preferredVersion: one(3, (): Type<GroupVersionForDiscovery> => GroupVersionForDiscovery),
    serverAddressByClientCIDRs: list(4, (): Type<ServerAddressByClientCIDR> => ServerAddressByClientCIDR, { list: "atomic" }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup" },
);
export interface APIGroup extends Infer<typeof APIGroup> {}

export const APIGroupList = message(
  "APIGroupList",
  {
    apiVersion: string(0),
    kind: string(0),
    groups: list(1, (): Type<APIGroup> => APIGroup, { always: true, required: true, list: "atomic" }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList" },
);
export interface APIGroupList extends Infer<typeof APIGroupList> {}

export const APIResource = message(
  "APIResource",
  {
    name: string(1, { always: true, required: true }),
    namespaced: bool(2, { always: true, required: true }),
    kind: string(3, { always: true, required: true }),
    verbs: list(4, "string", { always: true, required: true }),
    shortNames: list(5, "string", { list: "atomic" }),
    singularName: string(6, { always: true, required: true }),
    categories: list(7, "string", { list: "atomic" }),
    group: string(8),
    version: string(9),
    storageVersionHash: string(10),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.APIResource" },
);
export interface APIResource extends Infer<typeof APIResource> {}

export const APIResourceList = message(
  "APIResourceList",
  {
    apiVersion: string(0),
    kind: string(0),
    groupVersion: string(1, { always: true, required: true }),
    resources: list(2, (): Type<APIResource> => APIResource, { always: true, required: true, list: "atomic" }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList" },
);
export interface APIResourceList extends Infer<typeof APIResourceList> {}

export const APIVersions = message(
  "APIVersions",
  {
    apiVersion: string(0),
    kind: string(0),
    versions: list(1, "string", { always: true, required: true, list: "atomic" }),
    serverAddressByClientCIDRs: list(2, (): Type<ServerAddressByClientCIDR> => ServerAddressByClientCIDR, {
      always: true,
      required: true,
      list: "atomic",
    }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions" },
);
export interface APIVersions extends Infer<typeof APIVersions> {}
