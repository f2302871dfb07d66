// Objects reduced to their metadata, for clients that need no more.
import { list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ObjectMeta } from "#schema/object-meta.ts";
import { ListMeta } from "./list-meta.ts";

export const PartialObjectMetadata = message(
  "PartialObjectMetadata",
  {
    apiVersion: string(0),
    kind: string(0),
    metadata: one(1, (): Type<ObjectMeta> => ObjectMeta, { doc: "The object's metadata." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata" },
);
export interface PartialObjectMetadata extends Infer<typeof PartialObjectMetadata> {}

export const PartialObjectMetadataList = message(
  "PartialObjectMetadataList",
  {
    apiVersion: string(0),
    kind: string(0),
    metadata: one(1, (): Type<ListMeta> => ListMeta, { doc: "The list's metadata." }),
    items: list(2, (): Type<PartialObjectMetadata> => PartialObjectMetadata, { always: true, doc: "The metadata of each object." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList" },
);
export interface PartialObjectMetadataList extends Infer<typeof PartialObjectMetadataList> {}
