import { list } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const PolicyRule = message(
  "PolicyRule",
  {
    verbs: list(1, "string", { always: true, required: true, list: "atomic" }),
    apiGroups: list(2, "string", { list: "atomic" }),
    resources: list(3, "string", { list: "atomic" }),
    resourceNames: list(4, "string", { list: "atomic" }),
    nonResourceURLs: list(5, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.rbac.v1.PolicyRule" },
);
export interface PolicyRule extends Infer<typeof PolicyRule> {}
