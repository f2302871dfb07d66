import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, int64, list, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { csiDriverErrors } from "./csi-driver-rules.ts";

export const TokenRequest = message(
  "TokenRequest",
  {
    audience: string(1, { always: true, required: true, doc: "Who the token is for; the API server when empty." }),
    expirationSeconds: int64(2, { optional: true, doc: "How long it is valid." }),
  },
  { openapi: "io.k8s.api.storage.v1.TokenRequest" },
);
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const CSIDriverSpec = message(
  "CSIDriverSpec",
  {
    attachRequired: bool(1, {
      optional: true,
      default: true,
      immutable: true,
      doc: "Whether volumes have to be attached to a Node before they are mounted.",
    }),
    podInfoOnMount: bool(2, { optional: true, default: false, doc: "Whether the driver is told of the Pod." }),
    volumeLifecycleModes: list(3, "string", {
      list: "set",
      doc: "Which volumes it has: Persistent, or Ephemeral ones written into Pods.",
    }),
    storageCapacity: bool(4, { optional: true, default: false, doc: "Whether the driver tells how much room there is." }),
    fsGroupPolicy: string(5, {
      optional: true,
      default: "ReadWriteOnceWithFSType",
      enum: ["File", "None", "ReadWriteOnceWithFSType"],
      doc: "Whether files are given to the Pod's fsGroup.",
    }),
    tokenRequests: list(6, (): Type<TokenRequest> => TokenRequest, {
      list: "atomic",
      doc: "Tokens of the Pod's ServiceAccount that the driver is given.",
    }),
    requiresRepublish: bool(7, { optional: true, default: false, doc: "Whether volumes are published again from time to time." }),
    seLinuxMount: bool(8, { optional: true, default: false, doc: "Whether volumes can be mounted with a SELinux label." }),
    nodeAllocatableUpdatePeriodSeconds: int64(9, {
      optional: true,
      doc: "How often the driver is asked how many volumes a Node may have.",
    }),
    serviceAccountTokenInSecrets: bool(10, { optional: true, doc: "Whether tokens are given with the secrets." }),
    preventPodSchedulingIfMissing: bool(11, { optional: true, doc: "Whether Pods keep away from Nodes without the driver." }),
  },
  { openapi: "io.k8s.api.storage.v1.CSIDriverSpec" },
);
export interface CSIDriverSpec extends Infer<typeof CSIDriverSpec> {}

export interface CSIDriver extends ObjectOf<typeof CSIDriverSpec, undefined, {}> {}
export const CSIDriver = kind({
  group: "storage.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "CSIDriver",
  plural: "csidrivers",
  doc: "Tells of a CSI driver that is installed in the cluster.",
  scope: "cluster",
  counted: false,
  validate: csiDriverErrors,
  default: withModes,
  columns: [
    nameColumn,
    {
      name: "AttachRequired",
      type: "boolean",
      doc: "Whether volumes are attached before they are mounted.",
      read: ({ spec }) => spec.attachRequired,
    },
    { name: "PodInfoOnMount", type: "boolean", doc: "Whether the driver is told of the Pod.", read: ({ spec }) => spec.podInfoOnMount },
    {
      name: "StorageCapacity",
      type: "boolean",
      doc: "Whether the driver tells how much room there is.",
      read: ({ spec }) => spec.storageCapacity,
    },
    {
      name: "TokenRequests",
      doc: "Audiences of the tokens it is given.",
      read: ({ spec: { tokenRequests } }) => tokenRequests?.map(({ audience }) => audience).join(",") ?? "<unset>",
    },
    {
      name: "RequiresRepublish",
      type: "boolean",
      doc: "Whether volumes are published again from time to time.",
      read: ({ spec }) => spec.requiresRepublish,
    },
    { name: "Modes", doc: "Which volumes it has.", read: ({ spec }) => spec.volumeLifecycleModes?.join(",") || "<none>" },
    ageColumn,
  ],
  openapi: "io.k8s.api.storage.v1.CSIDriver",
  spec: CSIDriverSpec,
});

function withModes(driver: CSIDriver): CSIDriver {
  if ((driver.spec.volumeLifecycleModes ?? []).length > 0) return driver;
  return { ...driver, spec: { ...driver.spec, volumeLifecycleModes: ["Persistent"] } };
}
