// What every daemon is: a name, flags, and a start. The command line, static Pods and single-process hosts all run components this way.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { Flag } from "./flags.ts";

/** A daemon under its upstream name: "kube-apiserver", "kubelet". */
export interface Component {
  readonly name: string;
  readonly doc: string;
  readonly flags: readonly Flag[];
  /** Reads its flags and config files and starts; resolves when it serves. Rejects with FlagError or ConfigError for wrong input. */
  start(scope: Scope, world: World, arguments_: readonly string[]): Promise<void>;
}

/** A config file or kubeconfig that cannot be used: which file, what is wrong with it, and what would be right. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
