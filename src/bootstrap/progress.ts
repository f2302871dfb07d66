// What a long command says while it works: one line for each step, with the time it took.
import type { World } from "#platform/world.ts";

export interface Progress {
  /** Runs a step and prints its line. `work` may say what it found, which is printed behind the step's name. */
  step<T>(title: string, work: (found: (detail: string) => void) => Promise<T>): Promise<T>;
  say(line: string): void;
}

export function progressOn(world: World): Progress {
  const { self } = world.processes;
  return {
    say: (line) => self.writeOut(`  ${line}\n`),
    async step(title, work) {
      const started = world.clock.monotonic();
      let detail = "";
      try {
        const result = await work((text) => {
          detail = `: ${text}`;
        });
        self.writeOut(`  ok  ${seconds(world.clock.monotonic() - started)}  ${title}${detail}\n`);
        return result;
      } catch (error) {
        self.writeOut(`  no  ${seconds(world.clock.monotonic() - started)}  ${title}${detail}\n`);
        throw error;
      }
    },
  };
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1).padStart(5)} s`;
}
