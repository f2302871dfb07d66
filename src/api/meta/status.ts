import { int32, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ListMeta } from "./list-meta.ts";

export const StatusCause = message(
  "StatusCause",
  {
    reason: string(1, { doc: "What kind of problem, in one word." }),
    message: string(2, { doc: "What the problem is, for people." }),
    field: string(3, { doc: "Field that has the problem." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause" },
);
export interface StatusCause extends Infer<typeof StatusCause> {}

export const StatusDetails = message(
  "StatusDetails",
  {
    name: string(1, { doc: "Name of the object." }),
    group: string(2, { doc: "API group of the object." }),
    kind: string(3, { doc: "Kind or resource of the object." }),
    causes: list(4, (): Type<StatusCause> => StatusCause, { list: "atomic", doc: "Each single problem." }),
    retryAfterSeconds: int32(5, { doc: "When to try again." }),
    uid: string(6, { doc: "UID of the object." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails" },
);
export interface StatusDetails extends Infer<typeof StatusDetails> {}

export const Status = message(
  "Status",
  {
    apiVersion: string(0),
    kind: string(0),
    metadata: one(1, (): Type<ListMeta> => ListMeta, { doc: "Standard list metadata." }),
    status: string(2, { doc: "Success or Failure." }),
    message: string(3, { doc: "What happened, for people." }),
    reason: string(4, { doc: "What happened, in one word." }),
    details: one(5, (): Type<StatusDetails> => StatusDetails, { optional: true, doc: "More about it, for programs." }),
    code: int32(6, { doc: "HTTP status code." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.Status" },
);
export interface Status extends Infer<typeof Status> {}
