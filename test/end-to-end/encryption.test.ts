// Encryption at rest with real kubectl: Secrets are not readable in the store's file, keys are rotated by writing everything anew, and what
// no key fits is told.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { kubeconfigText } from "#component/kubeconfig.ts";
import { findKubectl, kubectlAt } from "../support/kubectl.ts";
import { ApiClient } from "../torture/api-client.ts";
import { ApiServerProcess, serverPlace } from "../torture/api-server-process.ts";

const found = findKubectl();
const skip = "missing" in found ? found.missing : false;
const secret = (letter: string) => Buffer.alloc(32, letter).toString("base64");
const configuration = (...providers: readonly string[]) =>
  `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers: [${providers.join(", ")}]\n`;
const old = `{aescbc: {keys: [{name: old, secret: "${secret("a")}"}]}}`;
const rotated = `{secretbox: {keys: [{name: new, secret: "${secret("b")}"}]}}`;

test("Secrets are encrypted in the store's file, keys are rotated, and a key that is gone is told", {
  skip,
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-encryption-"));
  const file = join(folder, "encryption.yaml");
  const data = join(folder, "data");
  const place = await serverPlace(folder, [`--data-dir=${data}`, `--encryption-provider-config=${file}`]);
  const config = { name: "test", user: "admin", server: `https://127.0.0.1:${place.port}`, ca: place.credentials.ca };
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText({ ...config, certificate: place.credentials.cert, key: place.credentials.key }), {
    mode: 0o600,
  });
  const kubectl = kubectlAt("path" in found ? found.path : "", kubeconfig, folder);
  const good = async (line: string, input?: string): Promise<string> => {
    const { code, out, text } = await kubectl(line, input === undefined ? {} : { input });
    assert.equal(code, 0, `kubectl ${line}: ${text}`);
    return out;
  };
  const withServer = async (content: string, run: () => Promise<void>): Promise<void> => {
    writeFileSync(file, content, { mode: 0o600 });
    const client = new ApiClient(place, 2);
    const server = new ApiServerProcess(place, client.agent);
    try {
      await server.ready();
      await run();
    } finally {
      client.close();
      await server.kill();
    }
  };
  const holds = (text: string) =>
    readdirSync(data, { withFileTypes: true }).some((entry) => entry.isFile() && readFileSync(join(data, entry.name)).includes(text));
  const value = async () => Buffer.from(await good("get secret s -o jsonpath={.data.password}"), "base64").toString();
  try {
    await withServer(configuration(old, "{identity: {}}"), async () => {
      await good("create secret generic s --from-literal=password=swordfish-one");
      await good("create configmap c --from-literal=plain=readable-one");
      assert.equal(await value(), "swordfish-one");
    });
    assert.equal(holds(Buffer.from("swordfish-one").toString("base64")) || holds("swordfish-one"), false);
    assert.equal(holds("readable-one"), true);
    assert.equal(holds("k8s:enc:aescbc:v1:old:"), true);

    await withServer(configuration(rotated, old), async () => {
      assert.equal(await value(), "swordfish-one");
      await good("replace -f -", await good("get secrets -A -o json"));
    });
    await withServer(configuration(rotated), async () => assert.equal(await value(), "swordfish-one"));

    await withServer(configuration("{identity: {}}"), async () => {
      const refused = await kubectl("get secret s");
      assert.equal(refused.code, 1);
      assert.match(refused.text, /Internal error|no matching prefix found/);
      assert.equal(await good("get configmap c -o jsonpath={.data.plain}"), "readable-one");
    });

    writeFileSync(file, "kind: Pod\n");
    const client = new ApiClient(place, 1);
    const server = new ApiServerProcess(place, client.agent);
    await assert.rejects(server.ready(), /--encryption-provider-config .*no EncryptionConfiguration/);
    client.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
