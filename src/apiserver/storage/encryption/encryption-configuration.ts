// EncryptionConfiguration (apiserver.config.k8s.io/v1), the file of --encryption-provider-config.
import { decodeBase64 } from "#base/base64.ts";
import type { Crypto } from "#platform/crypto.ts";
import { readYaml } from "#wire/yaml/yaml.ts";
import type { EncryptedResources } from "./encryption.ts";
import { type CipherName, cipherProvider, type EncryptionKey, identityProvider, keyLengths, type Provider } from "./providers.ts";

/** What is wrong with the file, and where. */
export class EncryptionConfigurationError extends Error {}

/** Throws EncryptionConfigurationError and DecodeError. */
export function readEncryptionConfiguration(text: string, crypto: Pick<Crypto, "randomBytes">): readonly EncryptedResources[] {
  const file = fields(readYaml(text), "", ["apiVersion", "kind", "resources"]);
  if (file.get("apiVersion") !== "apiserver.config.k8s.io/v1" || file.get("kind") !== "EncryptionConfiguration")
    throw new EncryptionConfigurationError("it is no EncryptionConfiguration of apiserver.config.k8s.io/v1");
  const seen = new Set<string>();
  return list(file.get("resources"), "resources").map((value, index) => {
    const path = `resources[${index}]`;
    const entry = fields(value, path, ["resources", "providers"]);
    const resources = list(entry.get("resources"), `${path}.resources`).map((name, at) => resourceName(name, `${path}.resources[${at}]`));
    for (const name of resources) {
      if (seen.has(name)) throw new EncryptionConfigurationError(`${path}.resources: ${name} is there twice`);
      seen.add(name);
    }
    const providers = list(entry.get("providers"), `${path}.providers`).flatMap((one, at) =>
      providersOf(one, `${path}.providers[${at}]`, crypto),
    );
    return { resources, providers };
  });
}

function resourceName(value: unknown, path: string): string {
  const isGood = typeof value === "string" && (/^[a-z0-9-]+(\.[a-z0-9.-]+)?$/.test(value) || /^\*\.(\*|[a-z0-9.-]*)$/.test(value));
  if (!isGood) throw new EncryptionConfigurationError(`${path}: ${JSON.stringify(value)} names no resource, such as secrets or *.apps`);
  // Events have two groups and one storage.
  return value === "events.events.k8s.io" ? "events" : value;
}

const ciphers: readonly CipherName[] = ["aescbc", "aesgcm", "secretbox"];

function providersOf(value: unknown, path: string, crypto: Pick<Crypto, "randomBytes">): readonly Provider[] {
  const entry = fields(value, path, [...ciphers, "identity", "kms"]);
  if (entry.size !== 1) throw new EncryptionConfigurationError(`${path}: one provider is wanted, not ${entry.size}`);
  if (entry.has("identity")) return [identityProvider];
  const name = ciphers.find((one) => entry.has(one));
  if (!name) throw new EncryptionConfigurationError(`${path}: kms plugins are not supported; use aesgcm, aescbc or secretbox`);
  const keys = list(fields(entry.get(name), `${path}.${name}`, ["keys"]).get("keys"), `${path}.${name}.keys`);
  const names = new Set<string>();
  return keys.map((one, index) => {
    const key = keyOf(one, `${path}.${name}.keys[${index}]`, keyLengths[name]);
    if (names.has(key.name)) throw new EncryptionConfigurationError(`${path}.${name}.keys: two are named ${key.name}`);
    names.add(key.name);
    return cipherProvider(name, key, crypto);
  });
}

function keyOf(value: unknown, path: string, lengths: readonly number[]): EncryptionKey {
  const entry = fields(value, path, ["name", "secret"]);
  const [name, secret] = [entry.get("name"), entry.get("secret")];
  if (typeof name !== "string" || name === "" || name.includes(":") || name.length > 253)
    throw new EncryptionConfigurationError(`${path}.name: a name without ":" is wanted`);
  const bytes = typeof secret === "string" ? decodeBase64(secret) : 0;
  // The secret itself is never told.
  if (typeof bytes === "number") throw new EncryptionConfigurationError(`${path}.secret: base64 is wanted`);
  if (!lengths.includes(bytes.length))
    throw new EncryptionConfigurationError(`${path}.secret: ${lengths.join(", ")} bytes are wanted, not ${bytes.length}`);
  return { name, secret: bytes };
}

function fields(value: unknown, path: string, known: readonly string[]): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new EncryptionConfigurationError(`${path || "the file"}: fields are wanted`);
  const entries = new Map(Object.entries(value));
  for (const name of entries.keys())
    if (!known.includes(name)) throw new EncryptionConfigurationError(`${path === "" ? name : `${path}.${name}`}: unknown field`);
  return entries;
}

function list(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw new EncryptionConfigurationError(`${path}: a list that is not empty is wanted`);
  return value;
}
