// Where in an object a reader stands, and what it found wrong there.
import { DecodeError } from "#wire/decode-error.ts";
import type { MessagePlan } from "./plan.ts";

/** A field that is not declared, or that came twice: an error under fieldValidation=Strict, a warning under Warn. */
export interface StrictProblem {
  readonly type: "unknown" | "duplicate";
  /** Such as "spec.containers[0].foo". */
  readonly path: string;
  /** As upstream prints it: `unknown field "spec.foo"`. */
  readonly message: string;
}

/** Upstream reports no more than this many. */
const problemsMax = 100;

export class Trail {
  readonly problems: StrictProblem[] = [];
  /** The key or index taken at each level, and the message it was taken in; undefined for lists and maps. */
  readonly steps: (string | number)[] = [];
  readonly owners: (MessagePlan | undefined)[] = [];
  level = 0;

  problem(type: StrictProblem["type"], key: string): void {
    if (this.problems.length >= problemsMax) return;
    const path = pathText(this.steps.slice(0, this.level), key);
    const message = `${type} field ${JSON.stringify(path)}`;
    this.problems.push({ type, path, message });
  }

  /** What stands here is of the wrong type: "number 1.5" where an int32 should be. The last step taken is at `level` - 1. */
  mismatch(found: string, goType: string, position?: number): DecodeError {
    const names: string[] = [];
    let struct: MessagePlan | undefined;
    for (let level = 0; level < this.level; level++) {
      if (this.owners[level] === undefined) continue;
      struct = this.owners[level];
      names.push(String(this.steps[level]));
    }
    const place = struct === undefined ? "Go value" : `Go struct field ${struct.name}.${names.join(".")}`;
    return new DecodeError(`json: cannot unmarshal ${found} into ${place} of type ${goType}`, position);
  }
}

/** "spec.containers[0].name" */
export function pathText(steps: readonly (string | number)[], last?: string | number): string {
  let text = "";
  for (const step of last === undefined ? steps : [...steps, last]) {
    text += typeof step === "number" ? `[${step}]` : text === "" ? step : `.${step}`;
  }
  return text;
}
