// APIServices for what this server serves itself, so that all versions of the API are listed in one place: made when a version is served,
// taken away when a custom one is not any more.
import { APIService } from "#api/apiregistration.k8s.io/api-service/api-service.ts";
import { isReason } from "#api/meta/status-error.ts";
import { ScopeStopped, type Scope } from "#base/scope.ts";
import type { Informer } from "#client/informer.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";
import type { Registry } from "../registry/resource.ts";

export interface LocalServicesNeeds {
  readonly registry: Registry;
  readonly informer: Informer<APIService>;
  /** Whether somebody else serves it. */
  readonly remote: (service: APIService) => boolean;
}

const automanaged = "kube-aggregator.kubernetes.io/automanaged";
const customPriorities = [1_000, 100] as const;
/** Of groups that come with the server, by upstream's numbers: how early clients look into them. */
const groupPriorities: Readonly<Record<string, number>> = {
  "": 18_000,
  apps: 17_800,
  "events.k8s.io": 17_750,
  "authentication.k8s.io": 17_700,
  "authorization.k8s.io": 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  "certificates.k8s.io": 17_300,
  "networking.k8s.io": 17_200,
  policy: 17_100,
  "rbac.authorization.k8s.io": 17_000,
  "storage.k8s.io": 16_800,
  "apiextensions.k8s.io": 16_700,
  "admissionregistration.k8s.io": 16_700,
  "scheduling.k8s.io": 16_600,
  "coordination.k8s.io": 16_500,
  "node.k8s.io": 16_300,
  "discovery.k8s.io": 16_200,
  "resource.k8s.io": 16_200,
  "flowcontrol.apiserver.k8s.io": 16_100,
};
const stableVersionPriority = 15;
const earlyVersionPriority = 9;
const settleMilliseconds = 100;
const retryMilliseconds = 1_000;
const ownGroup = "apiregistration.k8s.io";

/** Goes on until the scope stops. */
export async function keepLocalServices(task: Scope, world: World, { registry, informer, remote }: LocalServicesNeeds): Promise<void> {
  const { kinds } = registry;
  let [isStale, wake] = [true, () => {}];
  const changed = () => {
    isStale = true;
    wake();
  };
  const forgets = [kinds.onChange(changed), informer.onChange(({ type }) => type === "deleted" && changed())];
  task.defer("changes of kinds", () => {
    for (const forget of forgets) forget();
    wake();
  });
  while (!task.stopped) {
    if (!isStale) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      // Kinds come several at a time.
      await world.clock.sleep(task, settleMilliseconds);
    }
    isStale = false;
    try {
      await reconcile();
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      world.log.warn("local APIServices cannot be written; trying again", { error: String(error) });
      isStale = true;
      await world.clock.sleep(task, retryMilliseconds);
    }
  }

  async function reconcile(): Promise<void> {
    const served = new Map<string, { readonly group: string; readonly version: string }>();
    for (const [group, versions] of kinds.groups())
      for (const { version } of versions) if (group !== ownGroup) served.set(`${version}.${group}`, { group, version });
    for (const [name, { group, version }] of served) if (!informer.get(name)) await make(name, group, version);
    for (const service of informer.list()) {
      const { name, labels, uid } = service.metadata;
      if (labels?.[automanaged] !== "true" || remote(service) || served.has(name)) continue;
      await registry
        .of(APIService)
        .delete("", name, { uid })
        .catch((error: unknown) => {
          if (!isReason(error, "NotFound")) throw error;
        });
    }
  }

  async function make(name: string, group: string, version: string): Promise<void> {
    const known = groupPriorities[group];
    const [groupPriorityMinimum, versionPriority] =
      known === undefined ? customPriorities : [known, /^v\d+$/.test(version) ? stableVersionPriority : earlyVersionPriority];
    const rest = registry.of(APIService);
    try {
      await rest.create({
        metadata: { name, labels: { [automanaged]: known === undefined ? "true" : "onstart" } },
        spec: { group, version, groupPriorityMinimum, versionPriority },
      });
      const available = {
        type: "Available",
        status: "True",
        reason: "Local",
        message: "Local APIServices are always available",
        lastTransitionTime: formatTime(world.clock.now()),
      };
      await rest.update("", name, (current) => ({ ...current, status: { conditions: [available] } }), { subresource: "status" });
    } catch (error) {
      if (!isReason(error, "AlreadyExists") && !isReason(error, "NotFound")) throw error;
    }
  }
}
