import { int64, string, time } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const Condition = message(
  "Condition",
  {
    type: string(1, { always: true, required: true }),
    status: string(2, { always: true, required: true }),
    observedGeneration: int64(3),
    lastTransitionTime: time(4, { always: true, required: true }),
    reason: string(5, { always: true, required: true }),
    message: string(6, { always: true, required: true }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.Condition" },
);
export interface Condition extends Infer<typeof Condition> {}
