// How tables show RoleBindings and ClusterRoleBindings.
import type { Column, KubernetesObject } from "#schema/kind.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import type { RoleRef, Subject } from "./subject.ts";

interface AnyBinding extends KubernetesObject {
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[] | undefined;
}

export const bindingColumns: readonly Column<AnyBinding>[] = [
  nameColumn,
  { name: "Role", doc: "The role that is given.", read: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
  ageColumn,
  { name: "Users", priority: 1, doc: "The users who get it.", read: (binding) => namesOf(binding, "User") },
  { name: "Groups", priority: 1, doc: "The groups that get it.", read: (binding) => namesOf(binding, "Group") },
  { name: "ServiceAccounts", priority: 1, doc: "The service accounts that get it.", read: (binding) => namesOf(binding, "ServiceAccount") },
];

function namesOf({ subjects = [] }: AnyBinding, kind: string): string {
  const named = subjects.filter((subject) => subject.kind === kind);
  return named.map(({ name, namespace }) => (kind === "ServiceAccount" ? `${namespace ?? ""}/${name}` : name)).join(", ");
}
