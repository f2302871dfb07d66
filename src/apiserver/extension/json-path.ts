// The JSONPath that printer columns and scale use: names, ["names"], [indexes], [*] and [?(@.name=="value")].
import { isList, isObject, ownValue } from "#schema/derive/json-objects.ts";
import type { Json } from "#schema/field.ts";

type Step =
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "all" }
  | { readonly type: "filter"; readonly path: readonly string[]; readonly equal: boolean; readonly value: string };

const lengthMax = 1_000;
const pattern =
  /\.((?:[A-Za-z0-9_/-]|\\.)+|\*)|\[(-?\d+|\*)\]|\['([^']*)'\]|\["([^"]*)"\]|\[\?\(@((?:\.[A-Za-z0-9_-]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([^)\s]+))\s*\)\]/y;

/** The steps of a path; undefined when it is none. */
export function parseJsonPath(text: string): readonly Step[] | undefined {
  const source = text.replace(/^\$/, "");
  if (source.length > lengthMax) return undefined;
  const steps: Step[] = [];
  let at = 0;
  while (at < source.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (!match) return undefined;
    at = pattern.lastIndex;
    const [, name, index, single, double, path, operator, first, second, third] = match;
    if (name === "*" || index === "*") steps.push({ type: "all" });
    else if (name !== undefined) steps.push({ type: "name", name: name.replace(/\\(.)/g, "$1") });
    else if (index !== undefined) steps.push({ type: "index", index: Number(index) });
    else if (single !== undefined || double !== undefined) steps.push({ type: "name", name: (single ?? double) as string });
    else {
      const value = first ?? second ?? third ?? "";
      steps.push({ type: "filter", path: (path ?? "").slice(1).split("."), equal: operator === "==", value });
    }
  }
  return steps;
}

/** Everything the path leads to. */
export function findAll(steps: readonly Step[], root: Json): readonly Json[] {
  let found: Json[] = [root];
  for (const step of steps) found = found.flatMap((value) => follow(step, value));
  return found;
}

function follow(step: Step, value: Json): readonly Json[] {
  switch (step.type) {
    case "name": {
      const member = isObject(value) ? ownValue(value, step.name) : undefined;
      return member === undefined ? [] : [member];
    }
    case "index": {
      const item = isList(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case "all":
      return isList(value) ? value : isObject(value) ? Object.values(value) : [];
    case "filter":
      return isList(value) ? value.filter((item) => (textAt(item, step.path) === step.value) === step.equal) : [];
  }
}

function textAt(value: Json, path: readonly string[]): string | undefined {
  let current: Json | undefined = value;
  for (const name of path) current = isObject(current) ? ownValue(current, name) : undefined;
  return current === undefined || current === null || typeof current === "object" ? undefined : String(current);
}
