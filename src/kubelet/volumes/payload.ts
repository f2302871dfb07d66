// What files a volume made of API objects has: relative path to content and mode.
import { decodeBase64 } from "#base/base64.ts";
import type { ConfigMap } from "#api/core/config-map/config-map.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { DownwardAPIVolumeFile, KeyToPath } from "#api/core/pod/volume-files.ts";
import type { Secret } from "#api/core/secret/secret.ts";
import { type FieldContext, fieldValue, resourceValue } from "../pod-worker/field-paths.ts";
import { VolumeError } from "./volume-error.ts";

export interface PayloadFile {
  readonly data: Uint8Array;
  readonly mode: number;
  readonly uid?: number | undefined;
}
export type Payload = Map<string, PayloadFile>;

interface Selection {
  readonly items: readonly KeyToPath[] | undefined;
  readonly mode: number;
  readonly optional: boolean;
}

export function configMapFiles(map: ConfigMap, selection: Selection): Payload {
  const entries = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(map.data ?? {})) entries.set(key, new TextEncoder().encode(text));
  for (const [key, base64] of Object.entries(map.binaryData ?? {})) entries.set(key, bytesOf(base64));
  return select(entries, selection, "configmap references non-existent config key");
}

export function secretFiles(secret: Secret, selection: Selection): Payload {
  return select(
    new Map(Object.entries(secret.data ?? {}).map(([key, base64]) => [key, bytesOf(base64)])),
    selection,
    "references non-existent secret key",
  );
}

export function downwardFiles(pod: Pod, items: readonly DownwardAPIVolumeFile[], defaultMode: number, context: FieldContext): Payload {
  const payload: Payload = new Map();
  for (const { path, fieldRef, resourceFieldRef, mode = defaultMode } of items) {
    let text: string | undefined;
    if (fieldRef) text = fieldValue(pod, fieldRef.fieldPath, context);
    if (resourceFieldRef) {
      const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
        ({ name }) => name === resourceFieldRef.containerName,
      );
      text = container && resourceValue(container, resourceFieldRef, context);
    }
    if (text === undefined) throw new VolumeError(`cannot tell what ${path} holds: no such field`);
    payload.set(checked(path), { data: new TextEncoder().encode(text), mode });
  }
  return payload;
}

function select(entries: ReadonlyMap<string, Uint8Array>, { items, mode, optional }: Selection, complaint: string): Payload {
  const payload: Payload = new Map();
  if (!items || items.length === 0) {
    for (const [key, data] of entries) payload.set(checked(key), { data, mode });
    return payload;
  }
  for (const item of items) {
    const data = entries.get(item.key);
    if (data) payload.set(checked(item.path), { data, mode: item.mode ?? mode });
    else if (!optional) throw new VolumeError(`${complaint}: ${item.key}`);
  }
  return payload;
}

/** Paths stay within the volume, and out of the names the writer uses. */
export function checked(path: string): string {
  const parts = path.split("/");
  if (path === "" || path.startsWith("/") || parts.includes("..") || parts.includes("") || path.startsWith(".."))
    throw new VolumeError(`invalid path ${JSON.stringify(path)}: must be relative and must not start with '..'`);
  return path;
}

function bytesOf(base64: string): Uint8Array {
  const bytes = decodeBase64(base64);
  return typeof bytes === "number" ? new Uint8Array(0) : bytes;
}
