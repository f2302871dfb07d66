import { int64, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ShardInfo } from "./shard-info.ts";

export const ListMeta = message(
  "ListMeta",
  {
    selfLink: string(1),
    resourceVersion: string(2),
    continue: string(3),
    remainingItemCount: int64(4, { optional: true }),
    shardInfo: one(5, (): Type<ShardInfo> => ShardInfo, { optional: true }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta" },
);
export interface ListMeta extends Infer<typeof ListMeta> {}
