import { kind, type ObjectOf } from "#schema/kind.ts";
import { int64, list, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const BoundObjectReference = message(
  "BoundObjectReference",
  {
    kind: string(1, { doc: "Kind of the object: Pod, Secret or Node." }),
    apiVersion: string(2, { doc: "API version of the object." }),
    name: string(3, { doc: "Name of the object." }),
    uid: string(4, { doc: "UID of the object." }),
  },
  { openapi: "io.k8s.api.authentication.v1.BoundObjectReference" },
);
export interface BoundObjectReference extends Infer<typeof BoundObjectReference> {}

export const TokenRequestSpec = message(
  "TokenRequestSpec",
  {
    audiences: list(1, "string", { always: true, list: "atomic", doc: "For whom the token is; the API server when empty." }),
    boundObjectRef: one(3, (): Type<BoundObjectReference> => BoundObjectReference, {
      optional: true,
      doc: "Object whose deletion ends the token.",
    }),
    expirationSeconds: int64(4, { optional: true, always: true, default: 3600, doc: "How long the token should be valid." }),
  },
  { openapi: "io.k8s.api.authentication.v1.TokenRequestSpec" },
);
export interface TokenRequestSpec extends Infer<typeof TokenRequestSpec> {}

export const TokenRequestStatus = message(
  "TokenRequestStatus",
  {
    token: string(1, { always: true, doc: "The token." }),
    expirationTimestamp: time(2, { always: true, doc: "When the token ends." }),
  },
  { openapi: "io.k8s.api.authentication.v1.TokenRequestStatus" },
);
export interface TokenRequestStatus extends Infer<typeof TokenRequestStatus> {}

export interface TokenRequest extends ObjectOf<typeof TokenRequestSpec, typeof TokenRequestStatus, {}> {}
export const TokenRequest = kind({
  group: "authentication.k8s.io",
  version: "v1",
  name: "TokenRequest",
  plural: "tokenrequests",
  doc: "Asks for a token of a ServiceAccount.",
  scope: "namespaced",
  verbs: [],
  openapi: "io.k8s.api.authentication.v1.TokenRequest",
  spec: TokenRequestSpec,
  status: TokenRequestStatus,
});
