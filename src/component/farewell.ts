// What a component that ends still has to say (that it gives its Lease back, for one) is said within two seconds, or not at all: with an API
// server that is away it would otherwise wait for the last of its calls, as long as calls may take.
import type { Scope } from "#base/scope.ts";
import type { Timer } from "#platform/clock.ts";
import { NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";

export const farewellMilliseconds = 2_000;

/** For calls that are not to outlast the scope: aborted once all that was begun in it after this has stopped, or two seconds after it was to. */
export function farewell(scope: Scope, world: World): AbortSignal {
  const controller = new AbortController();
  let timer: Timer | undefined;
  const end = (): void => controller.abort(new NetworkError("ECANCELED", "the component ends"));
  scope.signal.addEventListener("abort", () => (timer = world.clock.timer(farewellMilliseconds, end)), { once: true });
  scope.defer("farewell", () => {
    timer?.cancel();
    end();
  });
  return controller.signal;
}
