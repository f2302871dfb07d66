// Asks the cluster for a certificate: a CertificateSigningRequest, and the wait until somebody approved and signed it.
import type { Scope } from "#base/scope.ts";
import { ScopeStopped } from "#base/scope.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { isReason } from "#api/meta/status-error.ts";
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";

export interface WantedCertificate {
  readonly nodeName: string;
  readonly signerName: "kubernetes.io/kube-apiserver-client-kubelet" | "kubernetes.io/kubelet-serving";
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/** PEM. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly key: string;
}

const pollFirstMilliseconds = 100;
const pollMaxMilliseconds = 2_000;
/** After this long the request is taken as overlooked, and a new one is made. */
const waitMilliseconds = 15 * 60_000;

/** Waits as long as it takes, asking again when a request was denied, failed or forgotten. Ends with the scope only. */
export async function requestCertificate(
  scope: Scope,
  world: World,
  client: Client,
  wanted: WantedCertificate,
): Promise<IssuedCertificate> {
  let retry = 1_000;
  for (;;) {
    try {
      return await requestOnce(scope, world, client, wanted);
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      world.log.warn("cannot get a certificate; trying again", { signer: wanted.signerName, error: (error as Error).message });
    }
    await world.clock.sleep(scope, retry);
    retry = Math.min(retry * 2, 60_000);
  }
}

async function requestOnce(scope: Scope, world: World, client: Client, wanted: WantedCertificate): Promise<IssuedCertificate> {
  const { nodeName, signerName, dnsNames, ipAddresses } = wanted;
  const key = await world.crypto.generateKey("ecdsa-p256");
  const pem = await world.crypto.createSigningRequest({
    subject: { commonName: `system:node:${nodeName}`, organizations: ["system:nodes"] },
    key,
    ...(dnsNames && { dnsNames }),
    ...(ipAddresses && { ipAddresses }),
  });
  const usages = ["digital signature", signerName === "kubernetes.io/kubelet-serving" ? "server auth" : "client auth"];
  const { metadata } = await client.create(CertificateSigningRequest, {
    metadata: { generateName: "csr-" },
    spec: { request: btoa(pem), signerName, usages },
  });
  const until = world.clock.monotonic() + waitMilliseconds;
  for (let poll = pollFirstMilliseconds; world.clock.monotonic() < until; poll = Math.min(poll * 1.5, pollMaxMilliseconds)) {
    await world.clock.sleep(scope, poll);
    const { status } = await client.get(CertificateSigningRequest, { name: metadata.name }).catch((error: unknown) => {
      if (isReason(error, "NotFound")) throw error;
      world.log.debug("cannot look at the certificate request", { name: metadata.name, error: (error as Error).message });
      return { status: undefined };
    });
    const refusal = conditionOf(status?.conditions, "Denied") ?? conditionOf(status?.conditions, "Failed");
    if (refusal)
      throw new Error(
        `certificate signing request ${metadata.name} is ${refusal.type.toLowerCase()}, reason: ${refusal.reason}: ${refusal.message}`,
      );
    if (status?.certificate) return { certificate: atob(status.certificate), key: key.privateKey };
  }
  throw new Error(`certificate signing request ${metadata.name} was not signed within ${waitMilliseconds / 60_000} minutes`);
}
