import { rawObject, string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const WatchEvent = message(
  "WatchEvent",
  {
    type: string(1, { always: true, required: true, doc: "ADDED, MODIFIED, DELETED, BOOKMARK or ERROR." }),
    object: rawObject(2, { always: true, required: true, doc: "The object, or what went wrong." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent" },
);
export interface WatchEvent extends Infer<typeof WatchEvent> {}
