// What the server itself puts into every cluster, and keeps there: namespaces, priority classes, its own Service and Lease.
import { ScopeStopped, type Scope } from "#base/scope.ts";
import type { Store } from "#store/store.ts";
import type { ApiRegistry } from "../registry/registry.ts";
import type { ApiServerOptions } from "../start.ts";
import { keepClaims } from "./claims.ts";
import { keepIdentityLease } from "./identity-lease.ts";
import { keepKubernetesService } from "./kubernetes-service.ts";
import { makeSystemObjects } from "./system-objects.ts";

export interface StartTasks {
  /** Resolves when the first round is through. */
  readonly done: Promise<void>;
  /** Throws until then: for /readyz. */
  check(): void;
}

export interface StartTaskNeeds {
  readonly registry: ApiRegistry;
  readonly store: Store;
  readonly options: ApiServerOptions;
  /** Further tasks that are through when they return. */
  readonly more?: readonly (readonly [string, () => Promise<void>])[];
}

const retryMilliseconds = 250;
const retryMaxMilliseconds = 10_000;

export function startTasks(scope: Scope, needs: StartTaskNeeds): StartTasks {
  const tasks: readonly (readonly [string, (scope: Scope, needs: StartTaskNeeds, through: () => void) => Promise<void>])[] = [
    ["system objects", makeSystemObjects],
    ["kubernetes Service", keepKubernetesService],
    ["identity Lease", keepIdentityLease],
    ["claims", keepClaims],
    ...(needs.more ?? []).map(
      ([name, run]) =>
        [
          name,
          async (_scope: Scope, _needs: StartTaskNeeds, through: () => void) => {
            await run();
            through();
          },
        ] as const,
    ),
  ];
  const waiting = new Set(tasks.map(([name]) => name));
  const { promise, resolve } = Promise.withResolvers<void>();
  const { log, clock } = needs.registry.world;
  for (const [name, run] of tasks) {
    const through = (): void => {
      waiting.delete(name);
      if (waiting.size === 0) resolve();
    };
    scope.start(name, async (task) => {
      // Not before the server that it may call is put together.
      await undefined;
      for (let pause = retryMilliseconds; ; pause = Math.min(pause * 2, retryMaxMilliseconds)) {
        try {
          return await run(task, needs, through);
        } catch (error) {
          if (error instanceof ScopeStopped || task.stopped) throw error;
          log.warn("a start-up task failed and is tried again", { task: name, error: String(error) });
          await clock.sleep(task, pause);
        }
      }
    });
  }
  return {
    done: promise,
    check() {
      if (waiting.size > 0) throw new Error(`not finished: ${[...waiting].join(", ")}`);
    },
  };
}
