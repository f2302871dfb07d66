// Issuing a certificate needs the right to sign for its signer.
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { sameJson } from "#schema/derive/json-objects.ts";
import { admissionPlugin } from "../plugin.ts";
import { requireSigner } from "../signer-authorization.ts";

export const certificateSigning = admissionPlugin({
  name: "CertificateSigning",
  operations: ["UPDATE"],
  resources: ["certificates.k8s.io/certificatesigningrequests"],
  async validate({ subresource, object, old, user, name }, needs) {
    if (subresource !== "status") return;
    const before = old as CertificateSigningRequest;
    const after = object as CertificateSigningRequest;
    const issued = (before.status.certificate ?? "") !== (after.status.certificate ?? "");
    const conditions = !sameJson(before.status.conditions ?? [], after.status.conditions ?? []);
    if (!issued && !conditions) return;
    const { signerName } = before.spec;
    const why = `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`;
    await requireSigner(needs, { user, verb: "sign", signerName, kind: CertificateSigningRequest, name, why });
  },
});
