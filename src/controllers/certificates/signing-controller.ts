// Signs approved certificate requests with the cluster's CA.
import { encodeBase64 } from "#base/base64.ts";
import type { Scope } from "#base/scope.ts";
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { isTrue, withCondition } from "#api/meta/conditions.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";
import { type ControllerNeeds, freeController, may, status } from "../controller.ts";
import { hasCondition, workOnRequests } from "./request-queue.ts";
import { clientSigner, isOurs, kubeletClientSigner, kubeletServingSigner, legacySigner, refusal, usagesOf } from "./request-rules.ts";

export const signingController = freeController({
  name: "certificatesigningrequest-signing-controller",
  because: "signing takes time and keys, which only the World has",
  reads: [CertificateSigningRequest],
  writes: [
    may(status(CertificateSigningRequest), "update"),
    {
      group: "certificates.k8s.io",
      resource: "signers",
      verbs: ["sign"],
      names: [clientSigner, kubeletClientSigner, kubeletServingSigner, legacySigner],
    },
  ],
  run,
});

const yearMilliseconds = 365 * 24 * 3_600_000;
/** Other machines' clocks may be behind. */
const backdateMilliseconds = 5 * 60_000;
const expirationSecondsMin = 600;

function run(scope: Scope, world: World, needs: ControllerNeeds): void {
  const { client, facts } = needs;
  const { signer, certificateMilliseconds = yearMilliseconds } = facts;
  if (!signer) return;
  const issuer = world.crypto.readCertificate(signer.certificate);

  workOnRequests(scope, world, needs, {
    name: "certificatesigningrequest-signing-controller",
    concerns: (request) =>
      isOurs(request.spec.signerName) &&
      isTrue(request.status.conditions, "Approved") &&
      !hasCondition(request, "Denied", "Failed") &&
      !request.status.certificate,
    async work(request, content) {
      const why = refusal(request, content);
      if (why !== undefined) return fail(request, why);
      const now = world.clock.now();
      const { expirationSeconds } = request.spec;
      const wish = expirationSeconds === undefined ? certificateMilliseconds : Math.max(expirationSeconds, expirationSecondsMin) * 1000;
      const certificate = await world.crypto.issueCertificate({
        subject: content.subject,
        publicKey: content.publicKey,
        signingKey: signer.key,
        issuer: signer.certificate,
        ...usagesOf(request),
        dnsNames: content.dnsNames,
        ipAddresses: content.ipAddresses,
        notBefore: now - backdateMilliseconds,
        notAfter: Math.min(now + Math.min(wish, certificateMilliseconds), issuer.notAfter),
      });
      const text = certificate.endsWith("\n") ? certificate : `${certificate}\n`;
      await client.updateStatus(CertificateSigningRequest, {
        ...request,
        status: { ...request.status, certificate: encodeBase64(new TextEncoder().encode(text)) },
      });
    },
    unreadable: fail,
  });

  async function fail(request: CertificateSigningRequest, why: string): Promise<void> {
    const time = formatTime(world.clock.now());
    const conditions = withCondition(
      request.status.conditions,
      { type: "Failed", status: "True", reason: "SignerValidationFailure", message: why, lastUpdateTime: time },
      time,
    );
    await client.updateStatus(CertificateSigningRequest, { ...request, status: { ...request.status, conditions } });
  }
}
