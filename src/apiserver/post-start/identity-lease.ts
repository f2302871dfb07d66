// A Lease in kube-system tells which API servers are alive.
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import type { Scope } from "#base/scope.ts";
import { sha256 } from "#base/sha256.ts";
import { isReason } from "#api/meta/status-error.ts";
import { formatMicroTime } from "#schema/time.ts";
import type { StartTaskNeeds } from "./post-start.ts";
import { makeMissing } from "./system-objects.ts";

const namespace = "kube-system";
const renewMilliseconds = 10_000;
const leaseDurationSeconds = 3_600;
const identityLabel = "apiserver.kubernetes.io/identity";

export async function keepIdentityLease(scope: Scope, needs: StartTaskNeeds, through: () => void): Promise<void> {
  const { registry, options } = needs;
  const { world } = registry;
  if (options.identity === undefined || !registry.kinds.find(Lease.group, Lease.version, Lease.plural)) return through();
  const name = `apiserver-${hashText(options.identity)}`;
  const holderIdentity = `${name}_${world.crypto.uuid()}`;
  const hostname = world.network.hostname();
  const labels = { [identityLabel]: "kube-apiserver", "kubernetes.io/hostname": hostname };
  const leases = registry.of(Lease);
  for (;;) {
    const now = formatMicroTime(world.clock.now());
    const spec = { holderIdentity, leaseDurationSeconds, acquireTime: now, renewTime: now };
    await makeMissing(needs, Lease, { metadata: { namespace, name, labels }, spec });
    try {
      await leases.update(namespace, name, (lease) => ({
        ...lease,
        metadata: { ...lease.metadata, labels: { ...lease.metadata.labels, ...labels } },
        spec: { ...lease.spec, holderIdentity, leaseDurationSeconds, renewTime: now },
      }));
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
    through();
    await world.clock.sleep(scope, renewMilliseconds);
  }
}

const letters = "abcdefghijklmnopqrstuvwxyz234567";

/** 26 letters of the digest: what fits a name and still tells servers apart. */
function hashText(identity: string): string {
  const digest = sha256(new TextEncoder().encode(identity));
  return Array.from(digest.subarray(0, 26), (byte) => letters[byte & 31]).join("");
}
