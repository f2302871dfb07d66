// The rules of StorageClasses.
import { deepEqual } from "#schema/derive/equal.ts";
import { duplicate, forbidden, invalid, required, tooLong, tooMany } from "#schema/derive/field-error.ts";
import { labelValueProblems, qualifiedNameProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import type { StorageClass, TopologySelectorTerm } from "./storage-class.ts";

const parametersMax = 512;
const parameterBytesMax = 256 * 1024;

export function storageClassErrors(storageClass: StorageClass, { old }: { readonly old?: StorageClass }): readonly FieldError[] {
  const { provisioner, parameters = {}, allowedTopologies = [] } = storageClass;
  const errors: FieldError[] = [];
  for (const problem of provisioner === "" ? [] : qualifiedNameProblems(provisioner.toLowerCase()))
    errors.push(invalid("provisioner", provisioner, problem));
  errors.push(...parameterErrors(parameters, "parameters"), ...topologyErrors(allowedTopologies));
  return old ? [...errors, ...settledErrors(storageClass, old, ["parameters", "provisioner", "reclaimPolicy"])] : errors;
}

/** Fields that what was made already goes by. */
export function settledErrors<T>(now: T, old: T, names: readonly (keyof T & string)[]): readonly FieldError[] {
  return names.filter((name) => !deepEqual(now[name], old[name])).map((name) => forbidden(name, `updates to ${name} are forbidden.`));
}

/** What a provisioner or driver is told. */
export function parameterErrors(parameters: Readonly<Record<string, string>>, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const entries = Object.entries(parameters);
  if (entries.length > parametersMax) errors.push(tooMany(path, entries.length, parametersMax));
  if (entries.some(([key]) => key === "")) errors.push(invalid(path, "", "field can not be empty."));
  const encoder = new TextEncoder();
  const bytes = entries.reduce((sum, [key, value]) => sum + encoder.encode(key).length + encoder.encode(value).length, 0);
  if (bytes > parameterBytesMax) errors.push(tooLong(path, parameterBytesMax));
  return errors;
}

function topologyErrors(terms: readonly TopologySelectorTerm[]): readonly FieldError[] {
  const seen = new Set<string>();
  return terms.flatMap((term, index) => {
    const at = `allowedTopologies[${index}]`;
    const errors: FieldError[] = [];
    const keys = new Set<string>();
    for (const [position, { key, values }] of (term.matchLabelExpressions ?? []).entries()) {
      const place = `${at}.matchLabelExpressions[${position}]`;
      if (keys.has(key)) errors.push(duplicate(`${place}.key`, key));
      keys.add(key);
      if (values.length === 0) errors.push(required(`${place}.values`));
      for (const [at2, value] of values.entries()) {
        if (values.indexOf(value) !== at2) errors.push(duplicate(`${place}.values[${at2}]`, value));
        for (const problem of labelValueProblems(value)) errors.push(invalid(`${place}.values[${at2}]`, value, problem));
      }
      for (const problem of qualifiedNameProblems(key)) errors.push(invalid(`${place}.key`, key, problem));
    }
    const text = JSON.stringify((term.matchLabelExpressions ?? []).map(({ key, values }) => [key, [...values].sort()]).sort());
    if (seen.has(text)) errors.push(duplicate(`${at}.matchLabelExpressions`, ""));
    seen.add(text);
    return errors;
  });
}
