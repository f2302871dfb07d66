// The same torture in virtual time: the API server on a simulated machine of its own, over the embedded store on a database that loses what
// was not synced; clients on another machine, over a network that is slow, cut and reset; a clock that jumps.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { type ApiServer, startApiServer } from "#apiserver/start.ts";
import { rootScope, type Scope } from "#base/scope.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import { type HttpClient, NetworkError } from "#platform/network.ts";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { openDiskStore } from "#store/disk/disk-store.ts";
import { type Answer, type Api, type Environment, type Follower, NotSent, type Server, ServerFailed } from "./environment.ts";
import type { RoundPlan } from "./plan.ts";
import { torture, type TortureResult } from "./torture.ts";

const port = 6443;
const path = "/data/store";
const admin = { name: "admin", groups: ["system:masters", "system:authenticated"] };
const readyLimitMilliseconds = 60_000;
const slowestMilliseconds = 30;

/** A few rounds of one seed. */
export async function simulateServer(seed: number): Promise<TortureResult> {
  const environment = simulatedEnvironment(seed);
  const options = { rounds: 2, seed, writers: 4, watchers: 6, killMillisecondsMax: 300 };
  return environment.world.run(() => torture(environment, options));
}

function simulatedEnvironment(seed: number): Environment & { readonly world: SimulatedWorld } {
  const world = simulatedWorld({ seed, name: "clients" });
  const machine = world.machine("server");
  const url = `http://server:${port}`;
  const client = () => new SimulatedApi(world.network.client({ url, http: "1.1", maxConnections: 64 }));
  let moment = 0;
  return {
    name: "simulated",
    world,
    api: client(),
    watching: client(),
    // Virtual time stands still while much happens; what happens later is later all the same.
    now: () => (moment = Math.max(moment + 1e-6, world.clock.monotonic())),
    pause: (milliseconds) =>
      new Promise((resolve) => {
        world.clock.timer(milliseconds, resolve);
      }),
    start: () => new SimulatedServer(world, machine),
    disturb: (plan, over) => disturb(world, machine, plan, over),
    async broken() {
      const file = machine.databases.file(path);
      file.fail(undefined);
      file.slow(0);
      world.fabric.heal();
      world.fabric.delay({ minimumMilliseconds: 0, maximumMilliseconds: 1 });
    },
    close: async () => undefined,
  };
}

/** Until the kill: the network, the disk and the clock misbehave, one after the other. */
async function disturb(world: SimulatedWorld, machine: SimulatedWorld, { random }: RoundPlan, over: () => boolean): Promise<void> {
  const { clock, fabric } = world;
  const file = machine.databases.file(path);
  while (!over()) {
    await new Promise<void>((resolve) => {
      clock.timer(random.integer(80), resolve);
    });
    if (over()) return;
    switch (random.integer(8)) {
      case 0:
        fabric.reset("server");
        break;
      case 1:
        fabric.cut("clients", "server");
        break;
      case 2:
        fabric.delay({ minimumMilliseconds: 0, maximumMilliseconds: 1 + random.integer(slowestMilliseconds) });
        break;
      case 3:
        file.slow(random.integer(40));
        break;
      case 4:
        file.fail(random.integer(2) === 0 ? "io" : "full");
        break;
      case 5:
        clock.setWallClock(clock.now() + (random.fraction() - 0.5) * 7_200_000);
        break;
      default:
        fabric.heal();
        file.fail(undefined);
    }
  }
}

class SimulatedServer implements Server {
  readonly #world: SimulatedWorld;
  readonly #machine: SimulatedWorld;
  readonly #scope: Scope;
  readonly #ready: Promise<void>;
  #killed = false;
  failure: string | undefined;

  constructor(world: SimulatedWorld, machine: SimulatedWorld) {
    this.#world = world;
    this.#machine = machine;
    this.#scope = rootScope("server", (error) => this.#fail(error));
    this.#ready = this.#start().catch((error: unknown) => this.#fail(error));
  }

  async ready(): Promise<void> {
    const late = this.#world.clock.timer(readyLimitMilliseconds, () => this.#fail(new Error("not ready in time")));
    await this.#ready;
    late.cancel();
    if (this.failure) throw new ServerFailed(this.failure);
  }

  /** Its machine loses power. What still runs of it has no network and no disk any more. */
  async kill(): Promise<void> {
    this.#killed = true;
    this.#machine.powerCut();
    await this.#scope.stop();
    await this.#ready;
  }

  async #start(): Promise<void> {
    const scope = this.#scope;
    const store = await openDiskStore(scope, this.#machine, { path });
    const api: ApiServer = await startApiServer(scope, this.#machine, {
      store,
      kinds: [Namespace, ConfigMap],
      authenticators: [],
      authorizers: [],
      admission: [],
      connect: (handle) =>
        restClient(inProcessTransport(handle, { identity: { user: "system:apiserver", groups: admin.groups }, userAgent: "apiserver" }), {
          fieldManager: "apiserver",
        }),
    });
    await api.started;
    await this.#machine.network.serve(scope, { host: "0.0.0.0", port }, api.handleAs(admin));
  }

  #fail(error: unknown): void {
    if (!this.#killed) this.failure ??= error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

class SimulatedApi implements Api {
  readonly #client: HttpClient;

  constructor(client: HttpClient) {
    this.#client = client;
  }

  async ask(method: string, path: string, body?: unknown, type = "application/json"): Promise<Answer> {
    try {
      const sent = body === undefined ? {} : { headers: { "content-type": type }, body: new TextEncoder().encode(JSON.stringify(body)) };
      const response = await this.#client.request({ method, path, ...sent });
      return { status: response.status, json: JSON.parse(new TextDecoder().decode(await response.bytes())) };
    } catch (error) {
      if (error instanceof NetworkError && error.code === "ECONNREFUSED") throw new NotSent(error.message);
      throw error;
    }
  }

  follow(path: string, on: Follower): () => void {
    const gone = new AbortController();
    void this.#follow(path, on, gone.signal).finally(() => on.ended());
    return () => gone.abort();
  }

  async #follow(path: string, on: Follower, signal: AbortSignal): Promise<void> {
    try {
      const response = await this.#client.request({ method: "GET", path, signal });
      on.status(response.status);
      const decoder = new TextDecoder();
      let rest = "";
      for await (const chunk of response.body) {
        if (signal.aborted) return;
        rest += decoder.decode(chunk, { stream: true });
        const lines = rest.split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") on.line(JSON.parse(line));
      }
    } catch {
      // However it ended, whoever follows resumes.
    }
  }
}
