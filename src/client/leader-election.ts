// At most one of several copies of a component acts: whoever holds the Lease.
//
// A copy whose identity is that of the holder takes the Lease over at once: identities name the place a copy runs at (the static Pod on a
// node), where there is never more than one, so that a copy that was killed does not have to outwait itself.
import type { Scope } from "#base/scope.ts";
import { ScopeStopped } from "#base/scope.ts";
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { World } from "#platform/world.ts";
import { formatMicroTime, parseTime } from "#schema/time.ts";
import type { Client } from "./client.ts";

export interface LeaderElectionOptions {
  /** "kube-system". */
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseSeconds?: number;
  readonly renewDeadlineSeconds?: number;
  readonly retrySeconds?: number;
}

/** Runs `lead` in a scope of its own while this copy holds the Lease. Rejects when the Lease was lost: the component should end and start anew. */
export async function leadWhenElected(
  scope: Scope,
  world: World,
  client: Client,
  options: LeaderElectionOptions,
  lead: (scope: Scope) => void | Promise<void>,
): Promise<void> {
  const { namespace, name, identity, leaseSeconds = 15, renewDeadlineSeconds = 10, retrySeconds = 2 } = options;
  const { clock, log } = world;
  /** When we last saw the Lease change, by our own clock: other machines' clocks are not trusted. */
  let seen = { version: "", at: 0 };

  async function tryToHold(): Promise<boolean> {
    const now = formatMicroTime(clock.now());
    let lease: Lease;
    try {
      lease = await client.get(Lease, { namespace, name });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      await client.create(Lease, {
        metadata: { namespace, name },
        spec: { holderIdentity: identity, leaseDurationSeconds: leaseSeconds, acquireTime: now, renewTime: now, leaseTransitions: 0 },
      });
      return true;
    }
    const { spec } = lease;
    const mine = spec.holderIdentity === identity;
    if (!mine && spec.holderIdentity) {
      if (lease.metadata.resourceVersion !== seen.version) seen = { version: lease.metadata.resourceVersion, at: clock.monotonic() };
      const duration = (spec.leaseDurationSeconds ?? leaseSeconds) * 1000;
      const longAgo = spec.renewTime !== undefined && parseTime(spec.renewTime) + 10 * duration < clock.now();
      if (clock.monotonic() < seen.at + duration && !longAgo) return false;
    }
    await client.update(Lease, {
      ...lease,
      spec: {
        ...spec,
        holderIdentity: identity,
        leaseDurationSeconds: leaseSeconds,
        renewTime: now,
        acquireTime: mine ? (spec.acquireTime ?? now) : now,
        leaseTransitions: (spec.leaseTransitions ?? 0) + (mine ? 0 : 1),
      },
    });
    return true;
  }

  async function attempt(): Promise<boolean> {
    try {
      return await tryToHold();
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      log.debug("cannot take the lease", { lease: `${namespace}/${name}`, error: (error as Error).message });
      return false;
    }
  }

  while (!(await attempt())) await clock.sleep(scope, retrySeconds * 1000 * (0.2 + world.random.fraction() * 0.8));
  log.info("became leader", { lease: `${namespace}/${name}`, identity });
  const leading = scope.child(`leading ${name}`);
  try {
    await lead(leading);
    let renewedAt = clock.monotonic();
    for (;;) {
      await clock.sleep(scope, retrySeconds * 1000);
      if (await attempt()) renewedAt = clock.monotonic();
      else if (clock.monotonic() - renewedAt > renewDeadlineSeconds * 1000) throw new Error(`lost the lease ${namespace}/${name}`);
    }
  } finally {
    await leading.stop();
  }
}
