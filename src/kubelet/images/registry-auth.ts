// What a Pod's imagePullSecrets say about a registry.
import { decodeBase64 } from "#base/base64.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Secret } from "#api/core/secret/secret.ts";
import type { RegistryAuth } from "#cri/runtime.ts";
import { isObject, ownValue } from "#schema/derive/json-objects.ts";
import type { Json } from "#schema/field.ts";
import { readPlainJson } from "#wire/json/json.ts";
import { namespaceOf } from "../layout.ts";

export type FindSecret = (uid: string, namespace: string, name: string) => Promise<Secret | undefined>;

/** The first secret that knows the image's registry; secrets that are missing or unreadable are passed over. */
export async function authFromSecrets(pod: Pod, image: string, find: FindSecret): Promise<RegistryAuth | undefined> {
  const registry = registryOf(image);
  for (const { name = "" } of pod.spec.imagePullSecrets ?? []) {
    const secret = await find(pod.metadata.uid, namespaceOf(pod), name).catch(() => undefined);
    const found = secret && entryFor(secret, registry);
    if (found) return found;
  }
  return undefined;
}

export function registryOf(image: string): string {
  const [first = ""] = image.split("/");
  return image.includes("/") && (first.includes(".") || first.includes(":") || first === "localhost") ? first : "docker.io";
}

function entryFor({ data = {} }: Secret, registry: string): RegistryAuth | undefined {
  const modern = data[".dockerconfigjson"];
  const parsed = parse(modern ?? data[".dockercfg"]);
  const auths = modern === undefined ? parsed : isObject(parsed) ? ownValue(parsed, "auths") : undefined;
  if (!isObject(auths)) return undefined;
  for (const [key, value] of Object.entries(auths)) {
    const host = key.replace(/^https?:\/\//, "").split("/")[0] as string;
    const isSame = host === registry || (registry === "docker.io" && (host === "index.docker.io" || host === "registry-1.docker.io"));
    if (!isSame || !isObject(value)) continue;
    const text = (name: string) => {
      const found = ownValue(value, name);
      return typeof found === "string" ? found : undefined;
    };
    return {
      username: text("username"),
      password: text("password"),
      auth: text("auth"),
      identityToken: text("identitytoken"),
      registryToken: text("registrytoken"),
    };
  }
  return undefined;
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
