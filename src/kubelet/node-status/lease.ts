// The Node's Lease in kube-node-lease: renewed four times within its duration, the cheap sign of life.
import type { Scope } from "#base/scope.ts";
import { ScopeStopped } from "#base/scope.ts";
import { isReason } from "#api/meta/status-error.ts";
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";
import { formatMicroTime } from "#schema/time.ts";

const namespace = "kube-node-lease";
const retryFirstMilliseconds = 200;
const retryMaxMilliseconds = 7_000;

export interface LeaseOptions {
  readonly nodeName: string;
  readonly leaseSeconds: number;
  /** The Node's uid, so that the Lease goes with it. */
  readonly ownerUid: () => string | undefined;
}

/** Renews until the scope stops. */
export async function renewLease(
  scope: Scope,
  world: World,
  client: Client,
  { nodeName, leaseSeconds, ownerUid }: LeaseOptions,
): Promise<void> {
  let held: Lease | undefined;
  let retry = retryFirstMilliseconds;
  for (;;) {
    try {
      held = await renew();
      retry = retryFirstMilliseconds;
      await world.clock.sleep(scope, (leaseSeconds * 1_000) / 4);
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      if (isReason(error, "Conflict", "NotFound")) held = undefined;
      world.log.debug("cannot renew the node's lease; trying again", { error: (error as Error).message });
      await world.clock.sleep(scope, retry * (0.75 + world.random.fraction() / 2));
      retry = Math.min(retry * 2, retryMaxMilliseconds);
    }
  }

  async function renew(): Promise<Lease> {
    const uid = ownerUid();
    const ownerReferences = uid ? [{ apiVersion: "v1", kind: "Node", name: nodeName, uid }] : [];
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: leaseSeconds, renewTime: formatMicroTime(world.clock.now()) };
    held ??= await client.get(Lease, { namespace, name: nodeName }).catch((error: unknown) => {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    });
    if (!held) return client.create(Lease, { metadata: { namespace, name: nodeName, ownerReferences }, spec });
    const { metadata } = held;
    const owned = metadata.ownerReferences?.some((owner) => owner.uid === uid) || uid === undefined;
    return client.update(Lease, {
      ...held,
      metadata: { ...metadata, ...(!owned && { ownerReferences }) },
      spec: { ...held.spec, ...spec },
    });
  }
}
