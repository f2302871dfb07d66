import { bool, int64, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const Preconditions = message(
  "Preconditions",
  {
    uid: string(1, { optional: true }),
    resourceVersion: string(2, { optional: true }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions" },
);
export interface Preconditions extends Infer<typeof Preconditions> {}

export const DeleteOptions = message(
  "DeleteOptions",
  {
    apiVersion: string(0),
    kind: string(0),
    gracePeriodSeconds: int64(1, { optional: true }),
    preconditions: one(2, (): Type<Preconditions> => Preconditions, { optional: true }),
    orphanDependents: bool(3, { optional: true }),
    propagationPolicy: string(4, { optional: true }),
    dryRun: list(5, "string", { list: "atomic" }),
    ignoreStoreReadErrorWithClusterBreakingPotential: bool(6, { optional: true }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions" },
);
export interface DeleteOptions extends Infer<typeof DeleteOptions> {}
