import assert from "node:assert/strict";
import { test } from "node:test";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { kubeconfigText, readKubeconfig } from "./kubeconfig.ts";

async function read(text: string, files: Readonly<Record<string, string>> = {}) {
  const world: SimulatedWorld = simulatedWorld({ seed: 1 });
  return world.run(async () => {
    await world.files.makeFolder("/etc/k");
    await world.files.write("/etc/k/config", text);
    for (const [path, content] of Object.entries(files)) await world.files.write(path, content);
    return readKubeconfig(world, "/etc/k/config");
  });
}

const config = (user: string, cluster = "server: https://10.0.0.1:6443") =>
  `clusters: [{name: c, cluster: {${cluster}}}]\nusers: [{name: u, user: {${user}}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n`;

test("what is written is read again", async () => {
  const given = { server: "https://10.0.0.1:6443", ca: "CA\n", certificate: "CERT\n", key: "KEY\n" };
  assert.deepEqual(await read(kubeconfigText({ name: "keelson", user: "admin", ...given })), given);
});

test("files are found beside the kubeconfig", async () => {
  const access = await read(config("client-certificate: a.crt, client-key: /etc/k/a.key, tokenFile: token"), {
    "/etc/k/a.crt": "C",
    "/etc/k/a.key": "K",
  });
  assert.deepEqual(access, { server: "https://10.0.0.1:6443", certificate: "C", key: "K", tokenFile: "/etc/k/token" });
});

test("what is wrong is said, with the file and the name", async () => {
  for (const [text, message] of [
    ["", `has no context named ""`],
    ["a: [", "is not YAML"],
    ["just text", `has no context named ""`],
    ["current-context: x\ncontexts: [null, {name: y}]", `has no context named "x"`],
    ["current-context: x\ncontexts: [{name: x, context: {cluster: c}}]", `has no cluster named "c"`],
    [config("token: t", "server: ''"), "its cluster names no server"],
    [config("token: 5"), "token is not text"],
    [config("client-key: none.key"), "client-key cannot be read"],
    [config("client-key-data: '%%%'"), "client-key-data is not base64"],
    [config("exec: {command: aws}"), "its user signs in by exec, which is not known here"],
  ] as const)
    await assert.rejects(read(text), (error: Error) => {
      assert.equal(error.name, "ConfigError");
      assert.ok(error.message.startsWith("kubeconfig /etc/k/config: ") && error.message.includes(message), error.message);
      return true;
    });
});
