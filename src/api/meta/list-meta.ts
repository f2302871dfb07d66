import { int64, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ShardInfo } from "./shard-info.ts";

export const ListMeta = message(
  "ListMeta",
  {
    selfLink: string(1, { doc: "No longer filled in." }),
    resourceVersion: string(2, { doc: "Version the list was read at." }),
    continue: string(3, { doc: "How to ask for the rest." }),
    remainingItemCount: int64(4, { optional: true, doc: "How many objects are left." }),
    shardInfo: one(5, (): Type<ShardInfo> => ShardInfo, { optional: true, doc: "Which part of all objects this is." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta" },
);
export interface ListMeta extends Infer<typeof ListMeta> {}
