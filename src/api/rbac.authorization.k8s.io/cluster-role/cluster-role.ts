import { kind, type ObjectOf } from "#schema/kind.ts";
import { list, one } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";
import { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import { createdColumn, nameColumn } from "#api/meta/columns.ts";
import { rulesErrors } from "#api/rbac.authorization.k8s.io/rbac-rules.ts";
import { required } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { selectorErrors } from "#api/meta/rules.ts";

export const AggregationRule = message(
  "AggregationRule",
  {
    clusterRoleSelectors: list(1, (): Type<LabelSelector> => LabelSelector, {
      list: "atomic",
      doc: "ClusterRoles whose rules are taken together.",
    }),
  },
  { openapi: "io.k8s.api.rbac.v1.AggregationRule" },
);
export interface AggregationRule extends Infer<typeof AggregationRule> {}

const fields = {
  rules: list(2, (): Type<PolicyRule> => PolicyRule, { always: true, list: "atomic", doc: "What the role allows." }),
  aggregationRule: one(3, (): Type<AggregationRule> => AggregationRule, { optional: true, doc: "Where the rules are taken from." }),
};

export interface ClusterRole extends ObjectOf<undefined, undefined, typeof fields> {}
export const ClusterRole = kind({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "ClusterRole",
  plural: "clusterroles",
  doc: "Rights in the whole cluster, or to be given in a Namespace.",
  scope: "cluster",
  validate: ({ rules, aggregationRule }) => [...rulesErrors(rules, false), ...aggregationErrors(aggregationRule)],
  nameFormat: "path",
  allowCreateOnUpdate: true,
  columns: [nameColumn, createdColumn],
  openapi: "io.k8s.api.rbac.v1.ClusterRole",
  fields,
});

function aggregationErrors(rule: AggregationRule | undefined): readonly FieldError[] {
  if (rule === undefined) return [];
  const { clusterRoleSelectors = [] } = rule;
  const path = "aggregationRule.clusterRoleSelectors";
  if (clusterRoleSelectors.length === 0) return [required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")];
  return clusterRoleSelectors.flatMap((selector, index) => selectorErrors(selector, `${path}[${index}]`));
}
