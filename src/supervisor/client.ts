// Asking a running supervisor through its socket.
import type { World } from "#platform/world.ts";
import { SupervisorError, type SupervisorStatus } from "./contract.ts";
import { type Answer, lines, type Request } from "./protocol.ts";

export interface SupervisorClient {
  status(): Promise<SupervisorStatus>;
  start(unit: string): Promise<void>;
  stop(unit: string): Promise<void>;
  restart(unit: string): Promise<void>;
  reload(unit: string): Promise<void>;
  reloadFiles(): Promise<void>;
  /** Stops every unit; the supervisor itself stays. */
  stopAll(): Promise<void>;
  /** Stops every unit and ends the supervisor. */
  exit(): Promise<void>;
  journal(unit: string, options?: { lines?: number; follow?: boolean }): AsyncIterable<string>;
}

/** Speaks to a running supervisor. Refusals and failures are SupervisorError; no supervisor at all is NetworkError. */
export function supervisorClient(world: World, socketPath = "/run/keelson/supervisor.sock"): SupervisorClient {
  return {
    async status() {
      const { status } = await ask({ ask: "status" });
      if (!status) throw new SupervisorError("the supervisor's answer has no status");
      return status;
    },
    start: async (unit) => void (await ask({ ask: "start", unit })),
    stop: async (unit) => void (await ask({ ask: "stop", unit })),
    restart: async (unit) => void (await ask({ ask: "restart", unit })),
    reload: async (unit) => void (await ask({ ask: "reload", unit })),
    reloadFiles: async () => void (await ask({ ask: "reload-files" })),
    stopAll: async () => void (await ask({ ask: "stop-all" })),
    exit: async () => void (await ask({ ask: "exit" })),
    async *journal(unit, { lines: count = 100, follow = false } = {}) {
      for await (const answer of converse({ ask: "journal", unit, lines: count, follow })) if ("line" in answer) yield answer.line;
    },
  };

  async function ask(request: Request): Promise<{ status?: SupervisorStatus }> {
    for await (const answer of converse(request)) if ("ok" in answer) return answer;
    throw new SupervisorError("the supervisor ended before it answered");
  }

  async function* converse(request: Request): AsyncGenerator<Answer> {
    const stream = await world.network.connect({ path: socketPath }, { timeoutMilliseconds: 5_000 });
    try {
      await stream.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
      for await (const text of lines(stream, 64 * 1024 * 1024)) {
        const answer = JSON.parse(text) as Answer;
        if ("error" in answer) throw new SupervisorError(answer.error);
        yield answer;
      }
    } finally {
      stream.destroy();
    }
  }
}
