import { bool, int64, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const Preconditions = message(
  "Preconditions",
  {
    uid: string(1, { optional: true, doc: "Only if the object has this UID." }),
    resourceVersion: string(2, { optional: true, doc: "Only if the object has this version." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions" },
);
export interface Preconditions extends Infer<typeof Preconditions> {}

export const DeleteOptions = message(
  "DeleteOptions",
  {
    apiVersion: string(0),
    kind: string(0),
    gracePeriodSeconds: int64(1, { optional: true, doc: "Seconds the object may take to end; 0 is at once." }),
    preconditions: one(2, (): Type<Preconditions> => Preconditions, { optional: true, doc: "What must hold, or nothing is deleted." }),
    orphanDependents: bool(3, { optional: true, doc: "Old way of saying Orphan or Background." }),
    propagationPolicy: string(4, { optional: true, doc: "What becomes of dependents: Orphan, Background or Foreground." }),
    dryRun: list(5, "string", { list: "atomic", doc: "All: everything is done but the deleting." }),
    ignoreStoreReadErrorWithClusterBreakingPotential: bool(6, {
      optional: true,
      doc: "Whether an object that cannot be read is deleted all the same.",
    }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions" },
);
export interface DeleteOptions extends Infer<typeof DeleteOptions> {}
