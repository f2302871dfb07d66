// Deletes certificate requests that nobody needs any more.
import type { Scope } from "#base/scope.ts";
import { decodeBase64 } from "#base/base64.ts";
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { World } from "#platform/world.ts";
import { parseTime } from "#schema/time.ts";
import { type ControllerNeeds, freeController, may } from "../controller.ts";

export const cleanerController = freeController({
  name: "certificatesigningrequest-cleaner-controller",
  because: "what makes a request old is time alone",
  reads: [CertificateSigningRequest],
  writes: [may(CertificateSigningRequest, "delete")],
  run,
});

const hour = 3_600_000;
const periodMilliseconds = hour;

function run(scope: Scope, world: World, { client, informers }: ControllerNeeds): void {
  const requests = informers.for(CertificateSigningRequest);
  scope.start("certificatesigningrequest-cleaner-controller", async (task) => {
    await requests.synced;
    for (;;) {
      for (const request of requests.list()) {
        if (!isOld(request, world.clock.now()) && !isExpired(world, request)) continue;
        try {
          await client.delete(CertificateSigningRequest, request.metadata, { preconditions: { uid: request.metadata.uid } });
        } catch (error) {
          if (!isReason(error, "NotFound"))
            world.log.debug("cannot delete an old certificate request", {
              request: request.metadata.name,
              error: (error as Error).message,
            });
        }
      }
      await world.clock.sleep(task, periodMilliseconds);
    }
  });
}

/** Decided an hour ago, or undecided for a day. */
export function isOld({ metadata, status }: CertificateSigningRequest, now: number): boolean {
  const decided = ["Approved", "Denied", "Failed"].flatMap((type) => conditionOf(status.conditions, type) ?? []);
  if (decided.length === 0) return parseTime(metadata.creationTimestamp) + 24 * hour < now;
  return decided.some(({ lastUpdateTime }) => lastUpdateTime !== undefined && parseTime(lastUpdateTime) + hour < now);
}

function isExpired(world: World, { status }: CertificateSigningRequest): boolean {
  if (!status.certificate) return false;
  const bytes = decodeBase64(status.certificate);
  if (typeof bytes === "number") return false;
  try {
    return world.crypto.readCertificate(new TextDecoder().decode(bytes)).notAfter < world.clock.now();
  } catch {
    return false;
  }
}
