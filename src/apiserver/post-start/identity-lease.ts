// A Lease in kube-system tells which API servers are alive; those of servers that are gone for good are cleared away.
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import type { Scope } from "#base/scope.ts";
import { sha256 } from "#base/sha256.ts";
import { isReason } from "#api/meta/status-error.ts";
import { formatMicroTime, parseTime } from "#schema/time.ts";
import type { StartTaskNeeds } from "./post-start.ts";
import { makeMissing } from "./system-objects.ts";

const namespace = "kube-system";
const renewMilliseconds = 10_000;
const leaseDurationSeconds = 3_600;
const clearMilliseconds = 3_600_000;
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
  for (let cleared = Number.NEGATIVE_INFINITY; ; ) {
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
    if (world.clock.monotonic() - cleared >= clearMilliseconds) {
      cleared = world.clock.monotonic();
      await clearExpired(needs);
    }
    await world.clock.sleep(scope, renewMilliseconds);
  }
}

async function clearExpired({ registry }: StartTaskNeeds): Promise<void> {
  const leases = registry.of(Lease);
  const { items } = await leases.list(namespace);
  for (const { metadata, spec } of items) {
    if (metadata.labels?.[identityLabel] === undefined) continue;
    const { renewTime, leaseDurationSeconds: seconds } = spec ?? {};
    const isHeld = renewTime !== undefined && seconds !== undefined;
    if (isHeld && registry.world.clock.now() < parseTime(renewTime) + seconds * 1_000) continue;
    const { uid, resourceVersion = "" } = metadata;
    await leases.delete(namespace, metadata.name, { uid, resourceVersion }).catch((error: unknown) => {
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    });
  }
}

const letters = "abcdefghijklmnopqrstuvwxyz234567";

/** 26 letters of the digest: what fits a name and still tells servers apart. */
function hashText(identity: string): string {
  const digest = sha256(new TextEncoder().encode(identity));
  return Array.from(digest.subarray(0, 26), (byte) => letters[byte & 31]).join("");
}
