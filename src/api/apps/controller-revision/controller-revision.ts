import { kind, type ObjectOf } from "#schema/kind.ts";
import { int64, rawObject } from "#schema/field.ts";

const fields = {
  data: rawObject(2),
  revision: int64(3, { always: true, required: true }),
};

export interface ControllerRevision extends ObjectOf<undefined, undefined, typeof fields> {}
export const ControllerRevision = kind({
  group: "apps",
  version: "v1",
  name: "ControllerRevision",
  plural: "controllerrevisions",
  scope: "namespaced",
  openapi: "io.k8s.api.apps.v1.ControllerRevision",
  fields,
});
