// Both ends' view of the supervisor's socket: one JSON line asks, one or more JSON lines answer.
import type { ByteStream } from "#wire/http/stream.ts";
import { SupervisorError, type SupervisorStatus } from "./contract.ts";

export type Request =
  | { readonly ask: "status" | "reload-files" | "stop-all" | "exit" }
  | { readonly ask: "start" | "stop" | "restart" | "reload"; readonly unit: string }
  | { readonly ask: "journal"; readonly unit: string; readonly lines: number; readonly follow: boolean };

export type Answer = { readonly ok: true; readonly status?: SupervisorStatus } | { readonly line: string } | { readonly error: string };

/** The stream's lines; throws when one is longer than `longest`. */
export async function* lines(stream: ByteStream, longest: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream.incoming) {
    rest += decoder.decode(chunk, { stream: true });
    const parts = rest.split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
    if (rest.length > longest) throw new SupervisorError("a line is too long");
  }
}
