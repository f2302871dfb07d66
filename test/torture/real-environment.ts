// Real processes, real sockets, real time.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ApiClient } from "./api-client.ts";
import { ApiServerProcess, serverPlace } from "./api-server-process.ts";
import type { Backend } from "./backends.ts";
import type { Environment } from "./environment.ts";

const socketsMax = 64;

export async function realEnvironment(backend: Backend): Promise<Environment> {
  const folder = mkdtempSync(join(tmpdir(), "torture-server-"));
  const place = await serverPlace(folder, backend.arguments);
  const [api, watching] = [new ApiClient(place, socketsMax), new ApiClient(place, socketsMax)];
  return {
    name: backend.name,
    api,
    watching,
    now: () => performance.now(),
    pause: async (milliseconds) => pause(milliseconds),
    start: () => new ApiServerProcess(place, api.agent),
    ...(backend.disturb && { disturb: backend.disturb }),
    broken: backend.broken,
    async close(failed) {
      api.close();
      watching.close();
      rmSync(folder, { recursive: true, force: true });
      return backend.close(failed);
    },
  };
}
