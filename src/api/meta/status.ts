import { int32, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ListMeta } from "./list-meta.ts";

export const StatusCause = message(
  "StatusCause",
  {
    reason: string(1),
    message: string(2),
    field: string(3),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause" },
);
export interface StatusCause extends Infer<typeof StatusCause> {}

export const StatusDetails = message(
  "StatusDetails",
  {
    name: string(1),
    group: string(2),
    kind: string(3),
    causes: list(4, (): Type<StatusCause> => StatusCause, { list: "atomic" }),
    retryAfterSeconds: int32(5),
    uid: string(6),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails" },
);
export interface StatusDetails extends Infer<typeof StatusDetails> {}

export const Status = message(
  "Status",
  {
    apiVersion: string(0),
    kind: string(0),
    metadata: one(1, (): Type<ListMeta> => ListMeta),
    status: string(2),
    message: string(3),
    reason: string(4),
    details: one(5, (): Type<StatusDetails> => StatusDetails, { optional: true }),
    code: int32(6),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.Status" },
);
export interface Status extends Infer<typeof Status> {}
