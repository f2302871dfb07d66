// What a Pod's imagePullSecrets say about an image: each entry names a registry, perhaps with a path, perhaps with "*" in its host.
import { decodeBase64 } from "#base/base64.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Secret } from "#api/core/secret/secret.ts";
import type { RegistryAuth } from "#cri/runtime.ts";
import { isObject, ownValue } from "#schema/derive/json-objects.ts";
import type { Json } from "#schema/field.ts";
import { readPlainJson } from "#wire/json/json.ts";
import { namespaceOf } from "../layout.ts";

export type FindSecret = (uid: string, namespace: string, name: string) => Promise<Secret | undefined>;

export interface PullCredential {
  readonly auth: RegistryAuth;
  /** Where it is from. */
  readonly secret: { readonly uid: string; readonly namespace: string; readonly name: string };
}

export interface PullCredentials {
  /** The most fitting first; none where nobody is known to the registry. */
  readonly fitting: readonly PullCredential[];
  /** Names of secrets that are not there or cannot be read. */
  readonly missing: readonly string[];
}

export async function authFromSecrets(pod: Pod, image: string, find: FindSecret): Promise<PullCredentials> {
  const found: (PullCredential & { readonly entry: string })[] = [];
  const missing: string[] = [];
  for (const { name = "" } of pod.spec.imagePullSecrets ?? []) {
    const secret = await find(pod.metadata.uid, namespaceOf(pod), name).catch(() => undefined);
    const of = { uid: secret?.metadata.uid ?? "", namespace: namespaceOf(pod), name };
    if (secret) found.push(...entriesFor(secret, image).map((one) => ({ ...one, secret: of })));
    else missing.push(name);
  }
  const fitting = found.toSorted((a, b) => b.entry.length - a.entry.length).map(({ auth, secret }) => ({ auth, secret }));
  return { fitting, missing };
}

export function registryOf(image: string): string {
  const [first = ""] = image.split("/");
  return image.includes("/") && (first.includes(".") || first.includes(":") || first === "localhost") ? first : "docker.io";
}

function entriesFor({ data = {} }: Secret, image: string): readonly { readonly entry: string; readonly auth: RegistryAuth }[] {
  const modern = data[".dockerconfigjson"];
  const parsed = parse(modern ?? data[".dockercfg"]);
  const auths = modern === undefined ? parsed : isObject(parsed) ? ownValue(parsed, "auths") : undefined;
  if (!isObject(auths)) return [];
  return Object.entries(auths).flatMap(([entry, value]) => {
    if (!isObject(value) || !isAbout(entry, image)) return [];
    const text = (name: string) => {
      const found = ownValue(value, name);
      return typeof found === "string" ? found : undefined;
    };
    const auth = {
      username: text("username"),
      password: text("password"),
      auth: text("auth"),
      identityToken: text("identitytoken"),
      registryToken: text("registrytoken"),
    };
    return [{ entry: entry.replace(/^https?:\/\//, ""), auth }];
  });
}

/** Whether a key of a docker configuration is about the image's registry and the beginning of its path. */
export function isAbout(entry: string, image: string): boolean {
  const registry = registryOf(image);
  const path = image.startsWith(`${registry}/`) ? image.slice(registry.length + 1) : image;
  const [host = "", ...folders] = entry.replace(/^https?:\/\//, "").split("/");
  if (registry === "docker.io" && ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(host)) return true;
  if (!hostMatches(host, registry)) return false;
  const wanted = folders.filter((part) => part !== "").join("/");
  // What docker itself wrote behind the host says which protocol was spoken.
  return wanted === "" || wanted === "v1" || wanted === "v2" || path === wanted || path.startsWith(`${wanted}/`) || isTagged(path, wanted);
}

function isTagged(path: string, wanted: string): boolean {
  return path.startsWith(`${wanted}:`) || path.startsWith(`${wanted}@`);
}

/** "*" stands for part of one label of the host; the ports must be the same. */
function hostMatches(pattern: string, registry: string): boolean {
  if (!pattern.includes("*")) return pattern === registry;
  const [patternHost = "", patternPort = ""] = pattern.split(":");
  const [host = "", port = ""] = registry.split(":");
  const [patternLabels, labels] = [patternHost.split("."), host.split(".")];
  if (patternPort !== port || patternLabels.length !== labels.length) return false;
  return patternLabels.every((label, index) => labelMatches(label, labels[index] as string));
}

function labelMatches(pattern: string, label: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === label;
  if (!label.startsWith(first)) return false;
  const last = rest.pop() as string;
  let at = first.length;
  for (const part of rest) {
    const found = label.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return label.length - last.length >= at && label.endsWith(last);
}

function parse(base64: string | undefined): Json | undefined {
  const bytes = base64 === undefined ? 0 : decodeBase64(base64);
  if (typeof bytes === "number") return undefined;
  try {
    return readPlainJson(new TextDecoder().decode(bytes)) as Json;
  } catch {
    return undefined;
  }
}
