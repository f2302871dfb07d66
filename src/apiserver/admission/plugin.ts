// The last word before a write is stored: plugins may change the object, then all may refuse it. Asynchronous, though most are not.
import type { World } from "#platform/world.ts";
import type { Client } from "#client/client.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Registry } from "../registry/resource.ts";
import type { User } from "../request.ts";

export type AdmissionOperation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

export interface AdmissionRequest {
  readonly operation: AdmissionOperation;
  readonly kind: Kind;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: User;
  readonly dryRun: boolean;
  /** As it would be stored; undefined for DELETE. For a subresource that takes another kind (Binding, TokenRequest), that object. */
  readonly object: KubernetesObject | undefined;
  readonly old: KubernetesObject | undefined;
  warn(message: string): void;
}

/** What plugins may ask of the cluster: reads served from the API server's own caches. */
export interface AdmissionNeeds {
  readonly world: World;
  readonly client: Client;
  /** For what every write asks: `registry.of(kind).peek` costs next to nothing. */
  readonly registry: Registry;
}

export interface AdmissionPlugin {
  /** Upstream's name, as in --enable-admission-plugins. */
  readonly name: string;
  readonly operations: readonly AdmissionOperation[];
  /** Plurals this plugin looks at, "group/resource" or "resource"; all when absent. */
  readonly resources?: readonly string[];
  /** The changed object, or the same one. Rejects with StatusError to refuse. */
  mutate?(request: AdmissionRequest, needs: AdmissionNeeds): KubernetesObject | undefined | Promise<KubernetesObject | undefined>;
  /** Rejects with StatusError to refuse. */
  validate?(request: AdmissionRequest, needs: AdmissionNeeds): void | Promise<void>;
}

export function admissionPlugin(plugin: AdmissionPlugin): AdmissionPlugin {
  return plugin;
}
