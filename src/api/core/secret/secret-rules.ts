// The rules of Secrets, and of the types that promise certain entries.
import { decodeBase64 } from "#base/base64.ts";
import { invalid, required, tooLong } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { dataSizeMax, decodedLength, keyErrors, sealErrors } from "#api/core/data-rules.ts";
import type { Secret } from "./secret.ts";

export function secretErrors(secret: Secret, { old }: { readonly old?: Secret }): readonly FieldError[] {
  const { data = {} } = secret;
  const errors = [...keyErrors(data, "data")];
  const size = Object.values(data).reduce((sum, text) => sum + decodedLength(text), 0);
  if (size > dataSizeMax) errors.push(tooLong("data", dataSizeMax));
  return [...errors, ...typeErrors(secret), ...sealErrors(secret, old, ["data"])];
}

function typeErrors({ type, data = {}, metadata }: Secret): readonly FieldError[] {
  const missing = (...keys: readonly string[]) => keys.filter((key) => !Object.hasOwn(data, key)).map((key) => required(`data[${key}]`));
  switch (type) {
    case "kubernetes.io/service-account-token":
      return metadata.annotations?.["kubernetes.io/service-account.name"]
        ? []
        : [required("metadata.annotations[kubernetes.io/service-account.name]")];
    case "kubernetes.io/dockercfg":
      return [...missing(".dockercfg"), ...jsonErrors(data, ".dockercfg")];
    case "kubernetes.io/dockerconfigjson":
      return [...missing(".dockerconfigjson"), ...jsonErrors(data, ".dockerconfigjson")];
    case "kubernetes.io/basic-auth":
      return Object.hasOwn(data, "username") || Object.hasOwn(data, "password") ? [] : missing("username", "password");
    case "kubernetes.io/ssh-auth":
      return data["ssh-privatekey"] ? [] : [required("data[ssh-privatekey]")];
    case "kubernetes.io/tls":
      return missing("tls.crt", "tls.key");
    default:
      return [];
  }
}

function jsonErrors(data: Readonly<Record<string, string>>, key: string): readonly FieldError[] {
  const text = Object.hasOwn(data, key) ? data[key] : undefined;
  const bytes = text === undefined ? undefined : decodeBase64(text);
  if (bytes === undefined || typeof bytes === "number") return [];
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return [];
  } catch (error) {
    return [invalid(`data[${key}]`, "<secret contents redacted>", error instanceof Error ? error.message : String(error))];
  }
}
