// Checks an object against its declaration: metadata, then what each field says about itself, then the kind's own rules.
import type { FieldError, Kind, KubernetesObject } from "../kind.ts";
import { ObjectMeta } from "../object-meta.ts";
import { deepEqual } from "./equal.ts";
import { duplicate, invalid, notSupported, required, tooLong, tooMany } from "./field-error.ts";
import { formatProblems } from "./formats.ts";
import { writeJson } from "./json.ts";
import { annotationErrors, labelErrors, metadataErrors, utf8Length } from "./metadata-validation.ts";
import { type FieldPlan, type MessagePlan, planOf } from "./plan.ts";

export { fieldErrorBody, fieldErrorsText, fieldErrorText } from "./field-error.ts";

/** Upstream's lists of errors are not bounded; ours stops here, so that one bad object cannot fill the memory. */
const errorsMax = 1000;

/**
 * Everything wrong with an object. `old` is there on update; `subresource` is "" for the object itself. What a patch left as it was (the very
 * same part, shared with `old`) was checked when it came, and is not checked again.
 */
export function validate<T extends KubernetesObject>(kind: Kind<T>, object: T, old?: T, subresource = ""): FieldError[] {
  const errors = metadataErrors(kind, object, old);
  // Through a subresource only its own part changes, and upstream checks no status by declaration.
  if (subresource !== "status") {
    const found: Found = { steps: [], errors };
    for (const field of rulesOf(planOf(kind.message))) {
      if (field.name === "metadata" || field.name === "status") continue;
      checkField(
        field,
        field.name,
        memberOf(object, field.name),
        old === undefined ? undefined : { value: memberOf(old, field.name) },
        found,
      );
    }
  }
  errors.push(...(kind.validate?.(object as never, { ...(old !== undefined && { old: old as never }), subresource }) ?? []));
  return errors;
}

/** What is wrong so far, and where the check stands: the path is written out only when something is. */
interface Found {
  readonly steps: Step[];
  readonly errors: FieldError[];
}

/** The name of a field, an index, or the key of a map. */
type Step = string | number | { readonly key: string };

function pathOf({ steps }: Found): string {
  let path = "";
  for (const step of steps) {
    if (typeof step === "string") path += path === "" ? step : `.${step}`;
    else path += `[${typeof step === "number" ? step : step.key}]`;
  }
  return path;
}

function memberOf(object: unknown, name: string): unknown {
  return typeof object === "object" && object !== null && Object.hasOwn(object, name)
    ? (object as Record<string, unknown>)[name]
    : undefined;
}

/** The fields of a message at or below which something is to be checked. */
const rules = new WeakMap<MessagePlan, readonly FieldPlan[]>();

function rulesOf(plan: MessagePlan): readonly FieldPlan[] {
  let fields = rules.get(plan);
  if (fields === undefined) {
    fields = plan.fields.filter((field) => hasRule(field, new Set()));
    rules.set(plan, fields);
  }
  return fields;
}

function hasRule(field: FieldPlan, seen: Set<MessagePlan>): boolean {
  const { field: said } = field;
  if (said.required === true || said.immutable === true || said.enum !== undefined || said.format !== undefined) return true;
  if (said.min !== undefined || said.max !== undefined || said.minLength !== undefined || said.maxLength !== undefined) return true;
  if (field.shape === "list" && said.list !== undefined && said.list !== "atomic") return true;
  if (field.scalar !== undefined) return false;
  const plan = field.message();
  if (plan.type === ObjectMeta) return true;
  if (seen.has(plan)) return false;
  seen.add(plan);
  return plan.fields.some((inner) => hasRule(inner, seen));
}

/** `old` is undefined on create, and where no old value corresponds. */
type Old = { readonly value: unknown } | undefined;

function checkField(field: FieldPlan, step: Step, value: unknown, old: Old, found: Found): void {
  if (found.errors.length >= errorsMax) return;
  found.steps.push(step);
  checkValue(field, value, old, found);
  found.steps.pop();
}

function checkValue(field: FieldPlan, value: unknown, old: Old, found: Found): void {
  const { field: said, shape } = field;
  if (said.immutable === true && old !== undefined && !deepEqual(value, old.value)) {
    found.errors.push(invalid(pathOf(found), value, "field is immutable"));
    return;
  }
  if (isMissing(field, value)) {
    found.errors.push(required(pathOf(found)));
    return;
  }
  if (value === undefined || isShared(value, old)) return;
  if (shape === "one") checkElement(field, value, old, found);
  else if (shape === "list") checkList(field, value as readonly unknown[], old, found);
  else checkMap(field, value as Readonly<Record<string, unknown>>, old, found);
}

function isShared(value: unknown, old: Old): boolean {
  return old !== undefined && value === old.value && typeof value === "object";
}

function isMissing({ field, shape, scalar, always }: FieldPlan, value: unknown): boolean {
  if (field.required !== true) return false;
  if (value === undefined) return true;
  if (shape === "list") return !always && (value as readonly unknown[]).length === 0;
  return shape === "one" && (scalar === "string" || scalar === "bytes") && value === "" && field.minLength !== 0;
}

function checkElement(field: FieldPlan, value: unknown, old: Old, found: Found): void {
  if (field.scalar === undefined) checkMessage(field.message(), value, old, found);
  else checkScalar(field, value, found);
}

function checkMessage(plan: MessagePlan, value: unknown, old: Old, found: Found): void {
  if (plan.type === ObjectMeta) {
    const { labels, annotations } = value as ObjectMeta;
    const path = pathOf(found);
    found.errors.push(...labelErrors(labels, `${path}.labels`), ...annotationErrors(annotations, `${path}.annotations`));
    return;
  }
  if (plan.type.options.either !== undefined) return;
  for (const field of rulesOf(plan)) {
    const before = old === undefined || old.value === undefined ? undefined : { value: memberOf(old.value, field.name) };
    checkField(field, field.name, memberOf(value, field.name), before, found);
  }
}

function checkScalar({ field, scalar }: FieldPlan, value: unknown, found: Found): void {
  const { errors } = found;
  if (typeof value === "number" || typeof value === "bigint") {
    if (field.min !== undefined && value < field.min)
      errors.push(invalid(pathOf(found), value, `must be greater than or equal to ${field.min}`));
    if (field.max !== undefined && value > field.max)
      errors.push(invalid(pathOf(found), value, `must be less than or equal to ${field.max}`));
    return;
  }
  if (typeof value !== "string" || scalar !== "string") return;
  // Empty text is how a plain field looks that nobody set.
  if (value === "" && field.minLength === undefined) return;
  if (field.enum !== undefined && !field.enum.includes(value)) errors.push(notSupported(pathOf(found), value, field.enum));
  if (field.minLength !== undefined && utf8Length(value) < field.minLength) {
    errors.push(invalid(pathOf(found), value, `must be at least ${field.minLength} ${field.minLength === 1 ? "byte" : "bytes"}`));
  }
  if (field.maxLength !== undefined && utf8Length(value) > field.maxLength) errors.push(tooLong(pathOf(found), field.maxLength));
  if (field.format !== undefined && value !== "") {
    for (const problem of formatProblems(field.format, value)) errors.push(invalid(pathOf(found), value, problem));
  }
}

function checkList(field: FieldPlan, list: readonly unknown[], old: Old, found: Found): void {
  const { field: said, scalar } = field;
  if (said.maxLength !== undefined && list.length > said.maxLength) {
    found.errors.push(tooMany(pathOf(found), list.length, said.maxLength));
    return;
  }
  if (said.minLength !== undefined && list.length < said.minLength) found.errors.push(required(pathOf(found)));
  const keys = said.list === "map" ? (said.keys ?? []) : [];
  if (list.length > 1 && said.duplicates !== "allowed" && (keys.length > 0 || said.list === "set")) checkDuplicates(keys, list, found);
  const before = scalar === undefined && keys.length > 0 && Array.isArray(old?.value) ? byKeys(keys, old.value) : undefined;
  for (const [index, item] of list.entries()) {
    const same = before?.get(keyOf(keys, item));
    found.steps.push(index);
    checkElement(field, item, same === undefined ? undefined : { value: same }, found);
    found.steps.pop();
  }
}

function byKeys(keys: readonly string[], list: readonly unknown[]): ReadonlyMap<string, unknown> {
  return new Map(list.map((item) => [keyOf(keys, item), item]));
}

function keyOf(keys: readonly string[], item: unknown): string {
  if (keys.length === 1) {
    const only = memberOf(item, keys[0] as string);
    if (typeof only === "string") return only;
  }
  return writeJson(keys.length === 0 ? item : keys.map((key) => memberOf(item, key) ?? null));
}

function checkDuplicates(keys: readonly string[], list: readonly unknown[], found: Found): void {
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const key = keyOf(keys, item);
    if (seen.has(key)) {
      const path = `${pathOf(found)}[${index}]`;
      const [only, ...more] = keys;
      if (only === undefined) found.errors.push(duplicate(path, item));
      else if (more.length === 0) found.errors.push(duplicate(`${path}.${only}`, memberOf(item, only)));
      else found.errors.push(duplicate(path, Object.fromEntries(keys.map((name) => [name, memberOf(item, name)]))));
    }
    seen.add(key);
  }
}

function checkMap(field: FieldPlan, map: Readonly<Record<string, unknown>>, old: Old, found: Found): void {
  for (const [key, item] of Object.entries(map)) {
    const before = memberOf(old?.value, key);
    found.steps.push({ key });
    checkElement(field, item, before === undefined ? undefined : { value: before }, found);
    found.steps.pop();
  }
}
