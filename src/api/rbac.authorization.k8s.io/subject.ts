import { string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const RoleRef = message(
  "RoleRef",
  {
    apiGroup: string(1, { always: true, default: "rbac.authorization.k8s.io", doc: "API group of the role." }),
    kind: string(2, { always: true, required: true, doc: "Role or ClusterRole." }),
    name: string(3, { always: true, required: true, doc: "Name of the role." }),
  },
  { openapi: "io.k8s.api.rbac.v1.RoleRef", atomic: true },
);
export interface RoleRef extends Infer<typeof RoleRef> {}

export const Subject = message(
  "Subject",
  {
    kind: string(1, { always: true, required: true, doc: "User, Group or ServiceAccount." }),
    apiGroup: string(2, { doc: "API group of the subject; empty for ServiceAccounts." }),
    name: string(3, { always: true, required: true, doc: "Name of the subject." }),
    namespace: string(4, { doc: "Namespace of a ServiceAccount." }),
  },
  { openapi: "io.k8s.api.rbac.v1.Subject", atomic: true },
);
export interface Subject extends Infer<typeof Subject> {}

export const rbacGroup = "rbac.authorization.k8s.io";

/** The group of a subject follows from its kind. */
export function withSubjectGroups<B extends { readonly subjects?: readonly Subject[] | undefined }>(binding: B): B {
  const { subjects } = binding;
  if (!subjects?.some(lacksGroup)) return binding;
  return { ...binding, subjects: subjects.map((subject) => (lacksGroup(subject) ? { ...subject, apiGroup: rbacGroup } : subject)) };
}

function lacksGroup({ apiGroup, kind }: Subject): boolean {
  return !apiGroup && (kind === "User" || kind === "Group");
}
