import { list } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const PolicyRule = message(
  "PolicyRule",
  {
    verbs: list(1, "string", { always: true, required: true, list: "atomic", doc: "What may be done; * for anything." }),
    apiGroups: list(2, "string", { list: "atomic", doc: "API groups; empty text for the core group, * for all." }),
    resources: list(3, "string", { list: "atomic", doc: "Resources; * for all." }),
    resourceNames: list(4, "string", { list: "atomic", doc: "Names of objects; all when empty." }),
    nonResourceURLs: list(5, "string", { list: "atomic", doc: "Paths; a * at the end stands for anything." }),
  },
  { openapi: "io.k8s.api.rbac.v1.PolicyRule" },
);
export interface PolicyRule extends Infer<typeof PolicyRule> {}
