import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFlags } from "#component/flags.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { configurationFromFlags, kubeletFlags, nodeLabels } from "./flags.ts";
import { readConfiguration } from "./read-configuration.ts";

const head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";

async function reading(text: string, more: Parameters<typeof readConfiguration>[1] = {}) {
  const world = simulatedWorld({ seed: 1 });
  await world.files.makeFolder("/etc/k.d");
  await world.files.write("/etc/k.yaml", text);
  await world.files.write("/etc/k.d/10-more.conf", `${head}maxPods: 20\nauthentication: {anonymous: {enabled: false}}\n`);
  await world.files.write("/etc/k.d/readme.txt", "not read");
  return readConfiguration(world, { file: "/etc/k.yaml", ...more });
}

test("what is not said has upstream's defaults", async () => {
  const configuration = await reading(head);
  assert.equal(configuration.port, 10_250);
  assert.equal(configuration.healthzPort, 10_248);
  assert.equal(configuration.maxPods, 110);
  assert.equal(configuration.authentication.webhook.enabled, true);
  assert.equal(configuration.authentication.anonymous.enabled, false);
  assert.equal(configuration.authentication.webhook.cacheTTL, "2m0s");
  assert.equal(configuration.authorization.mode, "Webhook");
  assert.equal(configuration.authorization.webhook.cacheAuthorizedTTL, "5m0s");
  assert.equal(configuration.authorization.webhook.cacheUnauthorizedTTL, "30s");
  assert.equal(configuration.evictionHard?.["memory.available"], "100Mi");
  assert.equal(configuration.containerRuntimeEndpoint, "unix:///run/containerd/containerd.sock");
});

test("flags win over drop-ins, drop-ins over the file", async () => {
  const text = `${head}maxPods: 10\nport: 1234\nauthentication: {x509: {clientCAFile: /ca.crt}}\n`;
  const { values } = parseFlags(kubeletFlags, ["--port=4321", "--register-with-taints=a=b:NoSchedule,c:NoExecute", "--node-labels=x=y,z="]);
  const configuration = await reading(text, { dropInFolder: "/etc/k.d", flags: configurationFromFlags(values) });
  assert.equal(configuration.maxPods, 20);
  assert.equal(configuration.port, 4321);
  assert.equal(configuration.authentication.x509.clientCAFile, "/ca.crt");
  assert.deepEqual(configuration.registerWithTaints, [
    { key: "a", value: "b", effect: "NoSchedule" },
    { key: "c", effect: "NoExecute" },
  ]);
  assert.deepEqual(nodeLabels(values), { x: "y", z: "" });
});

test("a wrong file is refused with its name and its fault", async () => {
  await assert.rejects(reading(`${head}maxPodz: 3\n`), /path: \/etc\/k\.yaml, error: strict decoding error: unknown field "maxPodz"/);
  await assert.rejects(reading(`${head}maxPods: many\n`), /path: \/etc\/k\.yaml, error: .*maxPods/);
  await assert.rejects(reading("kind: Pod\napiVersion: v1\n"), /no kind "Pod" is registered for version "v1"/);
  await assert.rejects(reading("a: [b"), /it is not YAML/);
  await assert.rejects(reading(""), /holds no KubeletConfiguration/);
  await assert.rejects(
    reading(`${head}port: 0\n`)
      .then(({ port }) => assert.equal(port, 10_250))
      .then(() => reading(`${head}port: 70000\n`)),
    /70000 must be between/,
  );
  await assert.rejects(reading(`${head}imageGCHighThresholdPercent: 70\n`), /80 must be less than imageGCHighThresholdPercent .* 70/);
  await assert.rejects(reading(`${head}imageGCHighThresholdPercent: 101\n`), /101 must be between 0 and 100/);
  await assert.rejects(
    reading(`${head}crashLoopBackOff: {maxContainerRestartPeriod: 6m}\n`),
    /got: 360 seconds\) must be set between 1s and 300s/,
  );
  await assert.rejects(reading(`${head}containerLogMaxSize: big\n`), /no quantity/);
  await assert.rejects(reading(head, { file: "/nowhere.yaml" }), /path: \/nowhere\.yaml/);
});

test("an unknown flag and a taint that is none are refused", () => {
  assert.throws(() => parseFlags(kubeletFlags, ["--no-such"]), /unknown flag: --no-such/);
  const { values } = parseFlags(kubeletFlags, ["--register-with-taints=a=b"]);
  assert.throws(() => configurationFromFlags(values), /invalid taint spec: a=b/);
});
