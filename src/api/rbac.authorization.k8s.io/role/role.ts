import { kind, type ObjectOf } from "#schema/kind.ts";
import { list } from "#schema/field.ts";
import { type Type } from "#schema/message.ts";
import { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import { createdColumn, nameColumn } from "#api/meta/columns.ts";
import { rulesErrors } from "#api/rbac.authorization.k8s.io/rbac-rules.ts";

const fields = {
  rules: list(2, (): Type<PolicyRule> => PolicyRule, { always: true, list: "atomic", doc: "What the role allows." }),
};

export interface Role extends ObjectOf<undefined, undefined, typeof fields> {}
export const Role = kind({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "Role",
  plural: "roles",
  doc: "Rights within one Namespace.",
  scope: "namespaced",
  validate: ({ rules }) => rulesErrors(rules, true),
  nameFormat: "path",
  allowCreateOnUpdate: true,
  columns: [nameColumn, createdColumn],
  openapi: "io.k8s.api.rbac.v1.Role",
  fields,
});
