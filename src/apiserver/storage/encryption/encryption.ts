// Encryption at rest: which resources are encrypted, and by which of their providers. The first provider writes; each reads what it wrote.
import { DecodeError } from "#wire/decode-error.ts";
import { plainTransformer, type Transformer } from "../codec.ts";
import type { Provider } from "./providers.ts";

export interface EncryptedResources {
  /** "secrets", "deployments.apps", "*.apps" (a whole group), "*." (the core group), "*.*" (everything). */
  readonly resources: readonly string[];
  /** At least one. */
  readonly providers: readonly Provider[];
}

/** Of several entries that name a resource, the first counts. */
export function transformerOf(entries: readonly EncryptedResources[], group: string, plural: string): Transformer {
  const names = [group === "" ? plural : `${plural}.${group}`, `*.${group}`, "*.*"];
  const entry = entries.find(({ resources }) => resources.some((resource) => names.includes(resource)));
  return entry ? encryptingTransformer(entry.providers) : plainTransformer;
}

const encrypted = "k8s:enc:";
const prefixLengthMax = 600;

function encryptingTransformer(providers: readonly Provider[]): Transformer {
  const encoder = new TextEncoder();
  const [first] = providers as readonly [Provider, ...Provider[]];
  /** What is stored otherwise than it would be written now. */
  const stale = new Set<string>();
  return {
    toStore(key, value) {
      stale.delete(key);
      return first.seal(value, encoder.encode(key));
    },
    fromStore(key, stored) {
      const start = latin1(stored);
      const isEncrypted = start.startsWith(encrypted);
      const provider = providers.find(({ prefix }) => (prefix === "" ? !isEncrypted : start.startsWith(prefix)));
      if (!provider) throw new DecodeError(`${key} cannot be decrypted: no matching prefix found`, 0);
      if (provider === first) stale.delete(key);
      else stale.add(key);
      try {
        return provider.open(stored, encoder.encode(key));
      } catch (error) {
        throw new DecodeError(`${key} cannot be decrypted by ${provider.prefix}: ${(error as Error).message}`, 0);
      }
    },
    isStale: (key) => stale.has(key),
  };
}

/** The beginning, byte by byte: prefixes are ASCII. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, bytes[0] === 0x6b ? prefixLengthMax : 1));
}
