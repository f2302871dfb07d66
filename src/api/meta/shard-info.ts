import { string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const ShardInfo = message(
  "ShardInfo",
  {
    selector: string(1, { always: true, required: true, doc: "Which shard, by a hash." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.ShardInfo" },
);
export interface ShardInfo extends Infer<typeof ShardInfo> {}
