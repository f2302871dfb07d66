// Approving a certificate request needs the right to approve for its signer.
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { admissionPlugin } from "../plugin.ts";
import { requireSigner } from "../signer-authorization.ts";

export const certificateApproval = admissionPlugin({
  name: "CertificateApproval",
  operations: ["UPDATE"],
  resources: ["certificates.k8s.io/certificatesigningrequests"],
  async validate({ subresource, old, user, name }, needs) {
    if (subresource !== "approval") return;
    const { signerName } = (old as CertificateSigningRequest).spec;
    const why = `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`;
    await requireSigner(needs, { user, verb: "approve", signerName, kind: CertificateSigningRequest, name, why });
  },
});
