import { kind, type ObjectOf } from "#schema/kind.ts";
import { bytes, int32, list, map, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const CertificateSigningRequestSpec = message(
  "CertificateSigningRequestSpec",
  {
    request: bytes(1, { always: true, required: true }),
    username: string(2),
    uid: string(3),
    groups: list(4, "string", { list: "atomic" }),
    usages: list(5, "string", { list: "atomic" }),
    extra: map(6, "stringList"),
    signerName: string(7, { always: true, required: true }),
    expirationSeconds: int32(8, { optional: true }),
  },
  { openapi: "io.k8s.api.certificates.v1.CertificateSigningRequestSpec" },
);
export interface CertificateSigningRequestSpec extends Infer<typeof CertificateSigningRequestSpec> {}

export const CertificateSigningRequestCondition = message(
  "CertificateSigningRequestCondition",
  {
    type: string(1, { always: true, required: true }),
    reason: string(2),
    message: string(3),
    lastUpdateTime: time(4),
    lastTransitionTime: time(5),
    status: string(6, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.certificates.v1.CertificateSigningRequestCondition" },
);
export interface CertificateSigningRequestCondition extends Infer<typeof CertificateSigningRequestCondition> {}

export const CertificateSigningRequestStatus = message(
  "CertificateSigningRequestStatus",
  {
    conditions: list(1, (): Type<CertificateSigningRequestCondition> => CertificateSigningRequestCondition, {
      list: "map",
      keys: ["type"],
    }),
    certificate: bytes(2),
  },
  { openapi: "io.k8s.api.certificates.v1.CertificateSigningRequestStatus" },
);
export interface CertificateSigningRequestStatus extends Infer<typeof CertificateSigningRequestStatus> {}

export interface CertificateSigningRequest
  extends ObjectOf<typeof CertificateSigningRequestSpec, typeof CertificateSigningRequestStatus, {}> {}
export const CertificateSigningRequest = kind({
  group: "certificates.k8s.io",
  version: "v1",
  name: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  scope: "cluster",
  openapi: "io.k8s.api.certificates.v1.CertificateSigningRequest",
  spec: CertificateSigningRequestSpec,
  status: CertificateSigningRequestStatus,
  subresources: { status: true },
});
