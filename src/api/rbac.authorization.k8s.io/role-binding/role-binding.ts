import { kind, type ObjectOf } from "#schema/kind.ts";
import { list, one } from "#schema/field.ts";
import { type Type } from "#schema/message.ts";
import { RoleRef, Subject, withSubjectGroups } from "#api/rbac.authorization.k8s.io/subject.ts";
import { bindingColumns } from "#api/rbac.authorization.k8s.io/binding-columns.ts";
import { bindingErrors } from "#api/rbac.authorization.k8s.io/rbac-rules.ts";

const fields = {
  subjects: list(2, (): Type<Subject> => Subject, { list: "atomic", doc: "Who gets the role." }),
  roleRef: one(3, (): Type<RoleRef> => RoleRef, { required: true, doc: "The role that is given; cannot change." }),
};

export interface RoleBinding extends ObjectOf<undefined, undefined, typeof fields> {}
export const RoleBinding = kind({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "RoleBinding",
  plural: "rolebindings",
  doc: "Gives a role to users within one Namespace.",
  scope: "namespaced",
  validate: (binding, { old }) => bindingErrors(binding, old, ["ClusterRole", "Role"]),
  nameFormat: "path",
  allowCreateOnUpdate: true,
  columns: bindingColumns,
  openapi: "io.k8s.api.rbac.v1.RoleBinding",
  default: withSubjectGroups,
  fields,
});
