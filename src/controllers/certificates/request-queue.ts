// Works on certificate requests as they come, with the request inside already read.
import { decodeBase64 } from "#base/base64.ts";
import type { Scope } from "#base/scope.ts";
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { isReason } from "#api/meta/status-error.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import { CryptoError, type SigningRequest } from "#platform/crypto.ts";
import type { World } from "#platform/world.ts";
import type { ControllerNeeds } from "../controller.ts";

export interface RequestWork {
  readonly name: string;
  /** Whether there is anything to do about the request. */
  concerns(request: CertificateSigningRequest): boolean;
  /** Throws to be called again after a growing time. */
  work(request: CertificateSigningRequest, content: SigningRequest): Promise<void>;
  unreadable?(request: CertificateSigningRequest, reason: string): Promise<void>;
}

export function workOnRequests(scope: Scope, world: World, { informers }: ControllerNeeds, work: RequestWork): void {
  const requests = informers.for(CertificateSigningRequest);
  const queue = startWorkQueue(
    scope,
    world,
    { workers: 3, backoffFirstMilliseconds: 100, backoffMaxMilliseconds: 300_000 },
    async (name) => {
      const request = requests.get(name);
      if (!request || !work.concerns(request)) return;
      try {
        let content: SigningRequest;
        try {
          content = await world.crypto.readSigningRequest(pemOf(request));
        } catch (error) {
          if (!(error instanceof CryptoError)) throw error;
          await work.unreadable?.(request, error.message);
          return;
        }
        await work.work(request, content);
      } catch (error) {
        if (isReason(error, "NotFound")) return;
        world.log.debug("a certificate request has to wait", { controller: work.name, request: name, error: (error as Error).message });
        throw error;
      }
    },
  );
  scope.start(work.name, async (task) => {
    await requests.synced;
    task.throwIfStopped();
    scope.defer(
      "requests",
      requests.onChange(({ type, object }) => {
        if (type !== "deleted" && work.concerns(object)) queue.add(object.metadata.name);
      }),
    );
  });
}

function pemOf({ spec }: CertificateSigningRequest): string {
  const bytes = decodeBase64(spec.request);
  if (typeof bytes === "number") throw new CryptoError("the request is no base64");
  return new TextDecoder().decode(bytes);
}

export function hasCondition({ status }: CertificateSigningRequest, ...types: readonly string[]): boolean {
  return types.some((type) => conditionOf(status.conditions, type) !== undefined);
}
