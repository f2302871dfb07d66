// No client certificate is asked for that would make its holder master of the cluster.
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { decodeBase64 } from "#base/base64.ts";
import { CryptoError } from "#platform/crypto.ts";
import { forbidden } from "../../registry/errors.ts";
import { invalid } from "../../registry/invalid.ts";
import { admissionPlugin } from "../plugin.ts";

export const certificateSubjectRestriction = admissionPlugin({
  name: "CertificateSubjectRestriction",
  operations: ["CREATE"],
  resources: ["certificates.k8s.io/certificatesigningrequests"],
  async validate({ subresource, object, name }, { world }) {
    if (subresource !== "") return;
    const { spec } = object as CertificateSigningRequest;
    const bytes = decodeBase64(spec.request);
    if (typeof bytes === "number") return;
    try {
      const { subject } = await world.crypto.readSigningRequest(new TextDecoder().decode(bytes));
      if (spec.signerName !== "kubernetes.io/kube-apiserver-client" || !subject.organizations?.includes("system:masters")) return;
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error;
      const problem = { type: "Invalid", field: "spec.request", value: spec.request, detail: error.message } as const;
      throw invalid(CertificateSigningRequest, name, [problem]);
    }
    const why = "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed";
    throw forbidden(CertificateSigningRequest, name, why);
  },
});
