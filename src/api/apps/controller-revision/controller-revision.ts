import { kind, type ObjectOf } from "#schema/kind.ts";
import { int64, rawObject } from "#schema/field.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { controllerOf } from "#api/meta/owner.ts";

const fields = {
  data: rawObject(2, { immutable: true, doc: "The state that this revision keeps." }),
  revision: int64(3, { always: true, required: true, doc: "Number of the revision; later ones are higher.", min: 0 }),
};

export interface ControllerRevision extends ObjectOf<undefined, undefined, typeof fields> {}
export const ControllerRevision = kind({
  group: "apps",
  version: "v1",
  name: "ControllerRevision",
  plural: "controllerrevisions",
  doc: "One earlier state of a controller's object, never changed.",
  scope: "namespaced",
  columns: [
    nameColumn,
    { name: "Controller", doc: "Whose revision it is.", read: controllerText },
    { name: "Revision", doc: "Its number.", read: ({ revision }) => Number(revision) },
    ageColumn,
  ],
  openapi: "io.k8s.api.apps.v1.ControllerRevision",
  fields,
});

function controllerText(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (owner === undefined) return "<none>";
  const group = owner.apiVersion.includes("/") ? `.${owner.apiVersion.split("/")[0]}` : "";
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}
