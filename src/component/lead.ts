// Leader election as a daemon's flags ask for it.
import type { Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { leadWhenElected } from "#client/leader-election.ts";
import type { World } from "#platform/world.ts";
import type { FlagValues } from "./flags.ts";
import type { leaderElectionFlags } from "./daemon-flags.ts";

/**
 * Runs `lead` once this copy leads. The identity is the place this copy runs at (machine and component): a static Pod that was killed is
 * never running beside its successor, so the successor need not wait for its own Lease to run out.
 */
export function leadByFlags(
  scope: Scope,
  world: World,
  client: Client,
  name: string,
  values: FlagValues<typeof leaderElectionFlags>,
  lead: (scope: Scope) => void | Promise<void>,
): void {
  if (!values["leader-elect"]) {
    scope.start(`leading ${name}`, lead);
    return;
  }
  const place = world.processes.self.environment["POD_UID"] ?? world.processes.self.environment["POD_NAME"] ?? name;
  const options = {
    namespace: values["leader-elect-resource-namespace"],
    name: values["leader-elect-resource-name"] ?? name,
    identity: `${world.network.hostname()}_${place}`,
    leaseSeconds: Math.ceil(values["leader-elect-lease-duration"] / 1000),
    renewDeadlineSeconds: values["leader-elect-renew-deadline"] / 1000,
    retrySeconds: values["leader-elect-retry-period"] / 1000,
  };
  scope.start(`leader election ${name}`, (task) => leadWhenElected(task, world, client, options, lead));
}
