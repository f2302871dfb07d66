// What each controller may do, from what it declares: all it reads, and what it writes.
import type { ControllerRole } from "#apiserver/security.ts";
import type { Controller } from "#controllers/controller.ts";

const reading = ["get", "list", "watch"] as const;
/** Every controller tells events. */
const events = { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] };

export function rolesOf(controllers: readonly Controller[]): readonly ControllerRole[] {
  return controllers.map(({ name, reads, writes }) => ({
    name,
    rules: [
      ...reads.map(({ group, plural }) => ({ apiGroups: [group], resources: [plural], verbs: [...reading] })),
      ...writes.map(({ group, resource, verbs, names }) => ({
        apiGroups: [group],
        resources: [resource],
        verbs: [...verbs],
        ...(names && { resourceNames: [...names] }),
      })),
      events,
    ],
  }));
}
