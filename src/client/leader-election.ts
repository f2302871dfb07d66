// At most one of several copies of a component acts: whoever holds the Lease.
//
// - Other machines' clocks are not trusted: a Lease has run out when it was not seen to change for as long as it lasts, by our own clock.
// - A copy whose identity is that of the holder takes the Lease over at once: identities name the place a copy runs at (the static Pod on a
//   node), where there is never more than one for long, so that a copy that was killed does not have to outwait itself. Should the old one
//   live after all, it sees a renewal that is not its own, and steps down.
// - The holder steps down when it could not renew in time, even while its last attempt still hangs: before others take the Lease.
import type { Scope } from "#base/scope.ts";
import { ScopeStopped } from "#base/scope.ts";
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { World } from "#platform/world.ts";
import { formatMicroTime } from "#schema/time.ts";
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

/** Runs `lead` in a scope of its own while this copy holds the Lease. Rejects when the Lease was lost or `lead` failed: the component should end and start anew. */
export async function leadWhenElected(
  scope: Scope,
  world: World,
  client: Client,
  options: LeaderElectionOptions,
  lead: (scope: Scope) => void | Promise<void>,
): Promise<void> {
  const { namespace, name, identity, leaseSeconds = 15, renewDeadlineSeconds = 10, retrySeconds = 2 } = options;
  const { clock, log } = world;
  /** When we last saw the Lease change, by our own clock. */
  let seen = { version: "", at: 0 };
  let isLeading = false;
  /** Renewals we sent since the last one that the server confirmed, and that one. */
  let ours: string[] = [];
  /** The Lease as our last write left it. */
  let held: Lease | undefined;

  /** Without a look before: where somebody else wrote meanwhile, the server refuses. */
  async function renewHeld(): Promise<boolean> {
    if (!isLeading || !held) return false;
    const known = held;
    const now = formatMicroTime(clock.now());
    held = undefined;
    ours.push(now);
    try {
      held = await client.update(Lease, { ...known, spec: { ...known.spec, renewTime: now } });
    } catch (error) {
      if (isReason(error, "Conflict", "NotFound")) return false;
      throw error;
    }
    ours = [now];
    return true;
  }

  async function tryToHold(): Promise<"held" | "refused" | "lost"> {
    if (await renewHeld()) return "held";
    const now = formatMicroTime(clock.now());
    if (!isLeading) ours = [];
    let lease: Lease;
    try {
      lease = await client.get(Lease, { namespace, name });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      ours.push(now);
      held = await client.create(Lease, {
        metadata: { namespace, name },
        spec: { holderIdentity: identity, leaseDurationSeconds: leaseSeconds, acquireTime: now, renewTime: now, leaseTransitions: 0 },
      });
      ours = [now];
      return "held";
    }
    const { spec } = lease;
    const isMine = spec.holderIdentity === identity;
    if (isLeading && (!isMine || !ours.includes(spec.renewTime ?? ""))) return "lost";
    if (!isMine && spec.holderIdentity) {
      if (lease.metadata.resourceVersion !== seen.version) seen = { version: lease.metadata.resourceVersion, at: clock.monotonic() };
      if (clock.monotonic() < seen.at + (spec.leaseDurationSeconds ?? leaseSeconds) * 1000) return "refused";
    }
    ours.push(now);
    held = await client.update(Lease, {
      ...lease,
      spec: {
        ...spec,
        holderIdentity: identity,
        leaseDurationSeconds: leaseSeconds,
        renewTime: now,
        acquireTime: isMine ? (spec.acquireTime ?? now) : now,
        leaseTransitions: (spec.leaseTransitions ?? 0) + (isMine ? 0 : 1),
      },
    });
    ours = [now];
    return "held";
  }

  async function attempt(): Promise<"held" | "refused" | "lost"> {
    try {
      return await tryToHold();
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      log.debug("cannot take the lease", { lease: `${namespace}/${name}`, error: (error as Error).message });
      return "refused";
    }
  }

  let heldAt = clock.monotonic();
  while ((await attempt()) !== "held") {
    await clock.sleep(scope, retrySeconds * 1000 * (0.2 + world.random.fraction() * 0.8));
    heldAt = clock.monotonic();
  }
  scope.throwIfStopped();
  log.info("became leader", { lease: `${namespace}/${name}`, identity });
  isLeading = true;
  const leading = scope.child(`leading ${name}`);

  async function renew(): Promise<never> {
    for (;;) {
      await clock.sleep(leading, retrySeconds * 1000);
      const startedAt = clock.monotonic();
      const outcome = await attempt();
      if (outcome === "lost") throw new Error(`lost the lease ${namespace}/${name} to another copy`);
      if (outcome === "held") heldAt = startedAt;
    }
  }

  async function watchDeadline(): Promise<never> {
    for (;;) {
      const rest = heldAt + renewDeadlineSeconds * 1000 - clock.monotonic();
      if (rest <= 0) throw new Error(`lost the lease ${namespace}/${name}: it was not renewed for ${renewDeadlineSeconds} s`);
      await clock.sleep(leading, rest);
    }
  }

  try {
    await Promise.race([renew(), watchDeadline(), leadUntilStopped()]);
  } finally {
    await leading.stop();
  }

  /** What leads may return once it runs; leading goes on until it is stopped or fails. */
  async function leadUntilStopped(): Promise<never> {
    await lead(leading);
    return new Promise(() => {});
  }
}
