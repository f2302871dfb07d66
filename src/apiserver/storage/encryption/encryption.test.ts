import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { test } from "node:test";
import { serverOn, withServer } from "../../../../test/support/api-server.ts";
import { transformerOf } from "./encryption.ts";
import { readEncryptionConfiguration } from "./encryption-configuration.ts";

const crypto = { randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
const secret = (letter: string, length = 32) => Buffer.alloc(length, letter).toString("base64");
const configuration = (resources: string, ...providers: readonly string[]) =>
  [
    "apiVersion: apiserver.config.k8s.io/v1",
    "kind: EncryptionConfiguration",
    "resources:",
    `- resources: [${resources}]`,
    "  providers:",
    ...providers.map((provider) => `  - ${provider}`),
  ].join("\n");
const cipher = (name: string, key: string, letter: string) => `${name}: {keys: [{name: ${key}, secret: ${secret(letter)}}]}`;
const read = (text: string) => readEncryptionConfiguration(text, crypto);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

test("envelopes are upstream's: what another made is read, and another reads ours", () => {
  const key = Buffer.alloc(32, "a");
  const place = "/registry/secrets/default/s";
  const value = Buffer.from("some text that is longer than a block");
  const gcm = transformerOf(read(configuration("secrets", cipher("aesgcm", "k", "a"))), "", "secrets");
  const cbc = transformerOf(read(configuration("secrets", cipher("aescbc", "k", "a"))), "", "secrets");

  const nonce = Buffer.alloc(12, 7);
  const made = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(place));
  const sealed = Buffer.concat([Buffer.from("k8s:enc:aesgcm:v1:k:"), nonce, made.update(value), made.final(), made.getAuthTag()]);
  assert.deepEqual(Buffer.from(gcm.fromStore(place, sealed)), value);
  assert.throws(() => gcm.fromStore("/registry/secrets/default/other", sealed), /cannot be decrypted/);

  const ours = Buffer.from(cbc.toStore(place, value));
  const start = "k8s:enc:aescbc:v1:k:".length;
  assert.equal(text(ours.subarray(0, start)), "k8s:enc:aescbc:v1:k:");
  const opened = createDecipheriv("aes-256-cbc", key, ours.subarray(start, start + 16));
  assert.deepEqual(Buffer.concat([opened.update(ours.subarray(start + 16)), opened.final()]), value);
});

test("secretbox is NaCl's: the vector of its own tests", () => {
  const hex = (digits: string) => Buffer.from(digits.replaceAll(/\s/g, ""), "hex");
  const key = hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
  const nonce = hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
  const message = hex(`be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4
    1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e0
    82f937763848645e0705`);
  const box = hex(`f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4d
    a7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de5624
    4a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5`);
  const provider = `secretbox: {keys: [{name: k, secret: ${key.toString("base64")}}]}`;
  const { fromStore, toStore } = transformerOf(read(configuration("secrets", provider)), "", "secrets");
  const sealed = Buffer.concat([Buffer.from("k8s:enc:secretbox:v1:k:"), nonce, box]);
  assert.deepEqual(Buffer.from(fromStore("k", sealed)), message);
  assert.deepEqual(Buffer.from(fromStore("k", toStore("k", message))), message);
  const flipped = Uint8Array.from(sealed, (byte, at) => (at === sealed.length - 1 ? byte ^ 1 : byte));
  assert.throws(() => fromStore("k", flipped), /cannot be decrypted/);
});

test("the first provider writes, all read; what no key fits is told", () => {
  const old = transformerOf(read(configuration("secrets", cipher("aescbc", "old", "a"))), "", "secrets");
  const rotated = read(configuration("secrets", cipher("aesgcm", "new", "b"), cipher("aescbc", "old", "a"), "identity: {}"));
  const now = transformerOf(rotated, "", "secrets");
  const [byOld, plain] = [old.toStore("a", Buffer.from("{1}")), Buffer.from("{2}")];
  assert.equal(text(now.fromStore("a", byOld)), "{1}");
  assert.equal(text(now.fromStore("b", plain)), "{2}");
  assert.deepEqual([now.isStale?.("a"), now.isStale?.("b"), now.isStale?.("c")], [true, true, false]);
  const again = now.toStore("a", Buffer.from("{1}"));
  assert.match(text(again), /^k8s:enc:aesgcm:v1:new:/);
  assert.equal(now.isStale?.("a"), false);
  assert.throws(() => old.fromStore("a", again), /no matching prefix found/);
  assert.throws(() => old.fromStore("b", plain), /no matching prefix found/);
  const plainOnly = transformerOf(read(configuration("secrets", "identity: {}")), "", "secrets");
  assert.throws(() => plainOnly.fromStore("a", again), /no matching prefix found/);
});

test("an entry counts for what it names: a resource, a group, the core group, everything", () => {
  const isEncrypted = (resources: string, group: string, plural: string) =>
    text(transformerOf(read(configuration(resources, cipher("aesgcm", "k", "a"))), group, plural).toStore("k", Buffer.from("{}"))) !== "{}";
  assert.equal(isEncrypted("secrets", "", "secrets"), true);
  assert.equal(isEncrypted("secrets", "example.com", "secrets"), false);
  assert.equal(isEncrypted("deployments.apps", "apps", "deployments"), true);
  assert.equal(isEncrypted('"*.apps"', "apps", "deployments"), true);
  assert.equal(isEncrypted('"*."', "", "pods"), true);
  assert.equal(isEncrypted('"*."', "apps", "deployments"), false);
  assert.equal(isEncrypted('"*.*"', "example.com", "widgets"), true);
});

test("what is wrong with the file is told with its place, and never the secret", () => {
  const wrong = (content: string): string => {
    try {
      read(content);
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  assert.match(wrong("kind: Pod"), /no EncryptionConfiguration|unknown field/);
  assert.match(
    wrong(configuration("secrets", "aescbc: {keys: [{name: k, secret: c2hvcnQ=}]}")),
    /keys\[0\]\.secret: 16, 24, 32 bytes .* not 5/,
  );
  assert.match(wrong(configuration("secrets", "kms: {name: x}")), /resources\[0\]\.providers\[0\]: kms plugins are not supported/);
  assert.match(wrong(configuration("secrets", "identity: {}, aescbc: {}")), /./);
  assert.match(wrong(configuration("secrets, secrets", "identity: {}")), /secrets is there twice/);
  assert.match(wrong(configuration("Secrets", "identity: {}")), /names no resource/);
  assert.match(wrong(configuration("secrets", `aescbc: {keys: [{name: "a:b", secret: ${secret("a")}}]}`)), /name without/);
  assert.doesNotMatch(wrong(configuration("secrets", "aescbc: {keys: [{name: k, secret: 'not base64 !'}]}")), /not base64 !/);
});

test("Secrets are stored encrypted, and an update that changes nothing writes old ones anew", () =>
  withServer(async (h) => {
    const secrets = "/api/v1/namespaces/default/secrets";
    const stored = async (name: string) => text((await h.store.get(`/registry/secrets/default/${name}`)).item?.value as Uint8Array);
    assert.equal((await h.ask("POST", secrets, { metadata: { name: "old" }, stringData: { a: "b" } })).status, 201);
    const before = await stored("old");
    assert.match(before, /^\{/);
    const entries = read(configuration("secrets", cipher("aesgcm", "k", "a"), "identity: {}"));
    const other = await serverOn(h, { options: { transformerOf: (group, plural) => transformerOf(entries, group, plural) } });
    const ask = async (method: string, path: string, body?: unknown) => {
      const bytes = new TextEncoder().encode(body === undefined ? "" : JSON.stringify(body));
      const { status, body: answer } = await other.handleAs({ name: "tester", groups: ["system:masters"] })({
        ...{ method, path, query: "", headers: {}, peer: { address: "t" }, signal: new AbortController().signal },
        body: async () => bytes,
      });
      const pieces = answer instanceof Uint8Array ? [answer] : (answer as readonly Uint8Array[]);
      return { status, json: JSON.parse(Buffer.concat(pieces).toString()) };
    };
    const old = await ask("GET", `${secrets}/old`);
    assert.deepEqual(old.json.data, { a: "Yg==" });
    assert.equal((await ask("PUT", `${secrets}/old`, old.json)).status, 200);
    const after = await stored("old");
    assert.match(after, /^k8s:enc:aesgcm:v1:k:/);
    const again = await ask("GET", `${secrets}/old`);
    assert.equal((await ask("PUT", `${secrets}/old`, again.json)).status, 200);
    assert.equal(await stored("old"), after);
    assert.equal((await ask("POST", secrets, { metadata: { name: "new" } })).status, 201);
    assert.match(await stored("new"), /^k8s:enc:aesgcm:v1:k:/);
  }));
