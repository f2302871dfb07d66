import { int64, string, time } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const Condition = message(
  "Condition",
  {
    type: string(1, { always: true, required: true, doc: "What the condition tells." }),
    status: string(2, { always: true, required: true, doc: "True, False or Unknown." }),
    observedGeneration: int64(3, { doc: "Generation of the object this was told for." }),
    lastTransitionTime: time(4, { always: true, required: true, doc: "When the status last changed." }),
    reason: string(5, { always: true, required: true, doc: "Why, in one word." }),
    message: string(6, { always: true, required: true, doc: "Why, for people." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.Condition" },
);
export interface Condition extends Infer<typeof Condition> {}
