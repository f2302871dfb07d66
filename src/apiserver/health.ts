// /livez, /readyz and /healthz, whole and check by check.
import type { HttpResponse } from "#wire/http/message.ts";

export interface HealthCheck {
  readonly name: string;
  /** Resolves when all is well; rejects with the reason. */
  check(): Promise<void> | void;
}

export interface HealthPaths {
  readonly livez: readonly HealthCheck[];
  readonly readyz: readonly HealthCheck[];
}

const encoder = new TextEncoder();
const headers = { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff", "cache-control": "no-cache, private" };

/** Undefined when the path is none of health's. */
export async function serveHealth(paths: HealthPaths, path: string, query: URLSearchParams): Promise<HttpResponse | undefined> {
  const [, root = "", single, ...more] = path.split("/");
  const checks = root === "livez" ? paths.livez : root === "readyz" || root === "healthz" ? paths.readyz : undefined;
  if (!checks || more.length > 0) return undefined;
  if (single !== undefined && single !== "") {
    const check = checks.find(({ name }) => name === single);
    if (!check) return undefined;
    const problem = await problemOf(check);
    return problem === undefined ? text(200, "ok") : text(500, `internal server error: ${problem}\n`);
  }
  const excluded = query.getAll("exclude");
  const lines: string[] = [];
  let failed = false;
  for (const check of checks) {
    if (excluded.includes(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
      continue;
    }
    const problem = await problemOf(check);
    if (problem !== undefined) failed = true;
    // The reason stays in the log: whoever may ask for health need not learn of the inside.
    lines.push(problem === undefined ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`);
  }
  if (failed) return text(500, `${lines.join("\n")}\n${root} check failed\n`);
  return query.has("verbose") ? text(200, `${lines.join("\n")}\n${root} check passed\n`) : text(200, "ok");
}

async function problemOf({ check }: HealthCheck): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function text(status: number, body: string): HttpResponse {
  return { status, headers, body: encoder.encode(body) };
}
