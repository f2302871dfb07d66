// How values are encrypted: upstream's envelopes, so that either server reads what the other stored. A value begins with its provider's prefix,
// "k8s:enc:<provider>:v1:<key>:", and goes on with what was drawn for it by chance and the encrypted bytes.
import { cbc, gcm } from "@noble/ciphers/aes.js";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import type { Crypto } from "#platform/crypto.ts";

export interface EncryptionKey {
  readonly name: string;
  readonly secret: Uint8Array;
}

export type CipherName = "aescbc" | "aesgcm" | "secretbox";

/** Bytes that a key may have. */
export const keyLengths: Readonly<Record<CipherName, readonly number[]>> = {
  aescbc: [16, 24, 32],
  aesgcm: [16, 24, 32],
  secretbox: [32],
};

export interface Provider {
  /** What its values begin with; empty for plain ones. */
  readonly prefix: string;
  /** `place` is where the value is stored: one that was moved elsewhere by somebody is not taken, where the cipher can tell. */
  seal(value: Uint8Array, place: Uint8Array): Uint8Array;
  /** Throws Error when the bytes are not what was sealed. */
  open(sealed: Uint8Array, place: Uint8Array): Uint8Array;
}

interface Cipher {
  /** Bytes drawn for each value. */
  readonly drawn: number;
  cipher(
    key: Uint8Array,
    drawn: Uint8Array,
    place: Uint8Array,
  ): { encrypt(bytes: Uint8Array): Uint8Array; decrypt(bytes: Uint8Array): Uint8Array };
}

const ciphers: Readonly<Record<CipherName, Cipher>> = {
  aescbc: { drawn: 16, cipher: (key, drawn) => cbc(key, drawn) },
  aesgcm: { drawn: 12, cipher: (key, drawn, place) => gcm(key, drawn, place) },
  secretbox: { drawn: 24, cipher: (key, drawn) => xsalsa20poly1305(key, drawn) },
};

export const identityProvider: Provider = { prefix: "", seal: (value) => value, open: (value) => value };

export function cipherProvider(name: CipherName, key: EncryptionKey, crypto: Pick<Crypto, "randomBytes">): Provider {
  const { drawn: length, cipher } = ciphers[name];
  const prefix = `k8s:enc:${name}:v1:${key.name}:`;
  const start = new TextEncoder().encode(prefix);
  return {
    prefix,
    seal(value, place) {
      const drawn = crypto.randomBytes(length);
      const sealed = cipher(key.secret, drawn, place).encrypt(value);
      const whole = new Uint8Array(start.length + length + sealed.length);
      whole.set(start);
      whole.set(drawn, start.length);
      whole.set(sealed, start.length + length);
      return whole;
    },
    open(sealed, place) {
      const drawn = sealed.subarray(start.length, start.length + length);
      if (drawn.length < length) throw new Error("the value is cut short");
      return cipher(key.secret, drawn, place).decrypt(sealed.subarray(start.length + length));
    },
  };
}
