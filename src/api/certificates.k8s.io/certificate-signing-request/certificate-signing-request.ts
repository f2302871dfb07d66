import { kind, type ObjectOf } from "#schema/kind.ts";
import { bytes, int32, list, map, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { humanDuration } from "#schema/time.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { certificateSigningRequestErrors } from "./certificate-signing-request-rules.ts";

export const CertificateSigningRequestSpec = message(
  "CertificateSigningRequestSpec",
  {
    request: bytes(1, { always: true, required: true, doc: "The PKCS#10 request, in PEM." }),
    username: string(2, { doc: "Who asked; set by the server." }),
    uid: string(3, { doc: "UID of who asked; set by the server." }),
    groups: list(4, "string", { list: "atomic", doc: "Groups of who asked; set by the server." }),
    usages: list(5, "string", { list: "atomic", doc: "What the certificate is to be good for." }),
    extra: map(6, "stringList", { doc: "More that is known of who asked; set by the server." }),
    signerName: string(7, { always: true, required: true, doc: "Who is to sign." }),
    expirationSeconds: int32(8, { optional: true, doc: "How long the certificate should be valid; the signer may shorten it." }),
  },
  { openapi: "io.k8s.api.certificates.v1.CertificateSigningRequestSpec" },
);
export interface CertificateSigningRequestSpec extends Infer<typeof CertificateSigningRequestSpec> {}

export const CertificateSigningRequestCondition = message(
  "CertificateSigningRequestCondition",
  {
    type: string(1, { always: true, required: true, doc: "Approved, Denied or Failed." }),
    reason: string(2, { doc: "Why, in one word." }),
    message: string(3, { doc: "Why, for people." }),
    lastUpdateTime: time(4, { doc: "When the condition last changed in any way." }),
    lastTransitionTime: time(5, { doc: "When the status last changed." }),
    status: string(6, { always: true, required: true, doc: "True, False or Unknown." }),
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
      doc: "What was decided.",
    }),
    certificate: bytes(2, { doc: "The signed certificates, in PEM." }),
  },
  { openapi: "io.k8s.api.certificates.v1.CertificateSigningRequestStatus" },
);
export interface CertificateSigningRequestStatus extends Infer<typeof CertificateSigningRequestStatus> {}

export interface CertificateSigningRequest
  extends ObjectOf<typeof CertificateSigningRequestSpec, typeof CertificateSigningRequestStatus, {}> {}
export const CertificateSigningRequest = kind({
  group: "certificates.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  doc: "Asks for a certificate.",
  scope: "cluster",
  validate: certificateSigningRequestErrors,
  shortNames: ["csr"],
  counted: false,
  columns: [
    nameColumn,
    ageColumn,
    { name: "SignerName", doc: "Who is to sign.", read: ({ spec }) => spec.signerName },
    { name: "Requestor", doc: "Who asked.", read: ({ spec }) => spec.username ?? "" },
    { name: "RequestedDuration", doc: "For how long.", read: ({ spec }) => durationText(spec.expirationSeconds) },
    { name: "Condition", doc: "What became of it.", read: conditionText },
  ],
  selectable: { "spec.signerName": ({ spec }) => spec.signerName },
  prepare: prepareRequest,
  openapi: "io.k8s.api.certificates.v1.CertificateSigningRequest",
  spec: CertificateSigningRequestSpec,
  status: CertificateSigningRequestStatus,
  subresources: { status: true },
});

function durationText(seconds: number | undefined): string {
  return seconds === undefined ? "<none>" : humanDuration(seconds * 1000);
}

function conditionText({ status }: CertificateSigningRequest): string {
  const has = (type: string) => conditionOf(status.conditions, type) !== undefined;
  const decision = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return `${decision}${has("Failed") ? ",Failed" : ""}${status.certificate ? ",Issued" : ""}`;
}

/** What is asked for never changes; approvers decide, signers issue, and neither does the other's work. Who asks is the registry's to say. */
function prepareRequest(
  request: CertificateSigningRequest,
  { old, subresource }: { readonly old?: CertificateSigningRequest; readonly subresource: string },
): CertificateSigningRequest {
  if (old === undefined) return request;
  const { spec } = old;
  switch (subresource) {
    case "status": {
      const others = (request.status.conditions ?? []).filter(({ type }) => !isDecision(type));
      const decisions = (old.status.conditions ?? []).filter(({ type }) => isDecision(type));
      return { ...request, spec, status: { ...request.status, conditions: [...decisions, ...others] } };
    }
    case "approval": {
      const others = (old.status.conditions ?? []).filter(({ type }) => !isDecision(type));
      const decisions = (request.status.conditions ?? []).filter(({ type }) => isDecision(type));
      return { ...request, spec, status: { ...old.status, conditions: [...others, ...decisions] } };
    }
    default:
      return { ...request, spec, status: old.status };
  }
}

function isDecision(type: string): boolean {
  return type === "Approved" || type === "Denied";
}
