// What the tables of many kinds share: columns, and words for what is not there.
import type { Column, KubernetesObject } from "#schema/kind.ts";
import { humanDuration, parseTime } from "#schema/time.ts";
import { labelOf, type Labels } from "./selects.ts";
import type { LabelSelector } from "./label-selector.ts";

export const nameColumn: Column<KubernetesObject> = {
  name: "Name",
  format: "name",
  doc: "Unique within a namespace.",
  read: ({ metadata }) => metadata.name,
};

export const ageColumn: Column<KubernetesObject> = {
  name: "Age",
  doc: "How long ago the object was created.",
  read: ({ metadata }, { now }) => ageOf(metadata.creationTimestamp, now),
};

export const createdColumn: Column<KubernetesObject> = {
  name: "Created At",
  type: "date",
  doc: "When the object was created.",
  read: ({ metadata }) => metadata.creationTimestamp,
};

/** How long ago a Time or MicroTime was. */
export function ageOf(time: string | undefined, now: number): string {
  return time ? humanDuration(now - parseTime(time)) : "<unknown>";
}

export function orNone(text: string | undefined): string {
  return text ? text : "<none>";
}

/** "a=b,c=d" in the order of the keys. */
export function formatLabels(labels: Labels | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return orNone(keys.map((key) => `${key}=${labelOf(labels ?? {}, key)}`).join(","));
}

/** A selector as `kubectl -l` takes it, sorted by key. */
export function formatSelector(selector: LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    const list = `(${[...values].sort().join(",")})`;
    switch (operator) {
      case "In":
        return { key, text: `${key} in ${list}` };
      case "NotIn":
        return { key, text: `${key} notin ${list}` };
      case "Exists":
        return { key, text: key };
      case "DoesNotExist":
        return { key, text: `!${key}` };
      default:
        return { key, text: "<error>" };
    }
  });
  const parts = [...equal, ...expressions].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return orNone(parts.map(({ text }) => text).join(","));
}

/** The columns that every workload with a Pod template ends with in `-o wide`. */
export const templateColumns: readonly Column<TemplatedWorkload>[] = [
  {
    name: "Containers",
    priority: 1,
    doc: "Names of the containers in the template.",
    read: ({ spec }) => spec.template.spec.containers.map(({ name }) => name).join(","),
  },
  {
    name: "Images",
    priority: 1,
    doc: "Images of the containers in the template.",
    read: ({ spec }) => spec.template.spec.containers.map(({ image }) => image ?? "").join(","),
  },
  { name: "Selector", priority: 1, doc: "Which Pods are counted.", read: ({ spec }) => formatSelector(spec.selector) },
];

interface TemplatedWorkload {
  readonly spec: {
    readonly selector?: LabelSelector | undefined;
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly name: string; readonly image?: string | undefined }[] };
    };
  };
}

/** How many entries a map has. */
export function sizeOf(entries: object | undefined): number {
  return Object.keys(entries ?? {}).length;
}
