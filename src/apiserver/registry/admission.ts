// Runs admission plugins over a write: all that change it first, then all that may only refuse it.
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { AdmissionNeeds, AdmissionOperation, AdmissionPlugin, AdmissionRequest } from "../admission/plugin.ts";
import type { User } from "../request.ts";
import type { AdmissionTarget, WriteAdmission } from "./write-request.ts";

export interface AdmissionSubject {
  readonly kind: Kind;
  readonly resource: string;
  readonly subresource: string;
  readonly user: User;
  readonly dryRun: boolean;
  warn(message: string): void;
}

/** The plugins that look at a resource, worked out once for each operation. */
export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #needs: AdmissionNeeds;
  readonly #chosen = new Map<string, { readonly mutating: readonly AdmissionPlugin[]; readonly validating: readonly AdmissionPlugin[] }>();

  constructor(plugins: readonly AdmissionPlugin[], needs: AdmissionNeeds) {
    this.#plugins = plugins;
    this.#needs = needs;
  }

  for(subject: AdmissionSubject): WriteAdmission {
    return {
      mutate: (operation, target) => this.#mutate(operation, subject, target),
      validate: (operation, target) => this.#validate(operation, subject, target),
    };
  }

  async #mutate(operation: AdmissionOperation, subject: AdmissionSubject, target: AdmissionTarget): Promise<KubernetesObject | undefined> {
    let { object } = target;
    for (const plugin of this.#of(operation, subject).mutating) {
      object = (await plugin.mutate?.(requestOf(operation, subject, { ...target, object }), this.#needs)) ?? object;
    }
    return object;
  }

  async #validate(operation: AdmissionOperation, subject: AdmissionSubject, target: AdmissionTarget): Promise<void> {
    const { validating } = this.#of(operation, subject);
    if (validating.length === 0) return;
    const request = requestOf(operation, subject, target);
    for (const plugin of validating) await plugin.validate?.(request, this.#needs);
  }

  #of(operation: AdmissionOperation, { kind, resource }: AdmissionSubject) {
    const id = `${operation} ${kind.group}/${resource}`;
    let chosen = this.#chosen.get(id);
    if (!chosen) {
      const names = [resource, `${kind.group}/${resource}`];
      const looking = this.#plugins.filter(
        ({ operations, resources }) => operations.includes(operation) && (!resources || resources.some((name) => names.includes(name))),
      );
      chosen = { mutating: looking.filter((plugin) => plugin.mutate), validating: looking.filter((plugin) => plugin.validate) };
      this.#chosen.set(id, chosen);
    }
    return chosen;
  }
}

function requestOf(operation: AdmissionOperation, subject: AdmissionSubject, target: AdmissionTarget): AdmissionRequest {
  const { kind, resource, subresource, user, dryRun } = subject;
  const { namespace, name, object, old } = target;
  return { operation, kind, resource, subresource, namespace, name, user, dryRun, object, old, warn: (message) => subject.warn(message) };
}
