import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, bytes, int32, list, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { apiServiceErrors } from "./api-service-rules.ts";

export const ServiceReference = message(
  "ServiceReference",
  {
    namespace: string(1, { doc: "Namespace of the Service." }),
    name: string(2, { doc: "Name of the Service." }),
    port: int32(3, { optional: true, default: 443, doc: "Port of the Service." }),
  },
  { openapi: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference" },
);
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const APIServiceSpec = message(
  "APIServiceSpec",
  {
    service: one(1, (): Type<ServiceReference> => ServiceReference, {
      optional: true,
      doc: "Who serves the version; this server itself where nobody is named.",
    }),
    group: string(2, { doc: "The API group." }),
    version: string(3, { doc: "The version of the group." }),
    insecureSkipTLSVerify: bool(4, { doc: "Whether the server's certificate is taken unseen." }),
    caBundle: bytes(5, { list: "atomic", doc: "Certificates to check the server's by, in PEM." }),
    groupPriorityMinimum: int32(7, { always: true, required: true, doc: "How early clients should look into the group; more is earlier." }),
    versionPriority: int32(8, { always: true, required: true, doc: "Which version of the group clients should prefer; more is earlier." }),
  },
  { openapi: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec" },
);
export interface APIServiceSpec extends Infer<typeof APIServiceSpec> {}

export const APIServiceCondition = message(
  "APIServiceCondition",
  {
    type: string(1, { always: true, required: true, doc: "What the condition tells: Available." }),
    status: string(2, { always: true, required: true, doc: "True, False or Unknown." }),
    lastTransitionTime: time(3, { doc: "When the status last changed." }),
    reason: string(4, { doc: "Why, in one word." }),
    message: string(5, { doc: "Why, for people." }),
  },
  { openapi: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceCondition" },
);
export interface APIServiceCondition extends Infer<typeof APIServiceCondition> {}

export const APIServiceStatus = message(
  "APIServiceStatus",
  {
    conditions: list(1, (): Type<APIServiceCondition> => APIServiceCondition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "Whether the version can be reached.",
    }),
  },
  { openapi: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceStatus" },
);
export interface APIServiceStatus extends Infer<typeof APIServiceStatus> {}

function shownAvailability({ status }: APIService): string {
  const available = conditionOf(status.conditions, "Available");
  if (available?.status === "True") return "True";
  return `${available?.status ?? "Unknown"}${available?.reason ? ` (${available.reason})` : ""}`;
}

export interface APIService extends ObjectOf<typeof APIServiceSpec, typeof APIServiceStatus, {}> {}
export const APIService = kind({
  group: "apiregistration.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "APIService",
  plural: "apiservices",
  doc: "A version of an API group, and who serves it.",
  scope: "cluster",
  nameFormat: "path",
  validate: apiServiceErrors,
  categories: ["api-extensions"],
  columns: [
    nameColumn,
    {
      name: "Service",
      doc: "The Service that serves it, or Local.",
      read: ({ spec: { service } }) => (service ? `${service.namespace}/${service.name}` : "Local"),
    },
    { name: "Available", doc: "Whether it can be reached, and why not.", read: shownAvailability },
    ageColumn,
  ],
  openapi: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
  spec: APIServiceSpec,
  status: APIServiceStatus,
  subresources: { status: true },
});
