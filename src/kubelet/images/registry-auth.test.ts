import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { complete } from "#schema/derive/defaults.ts";
import { authFromSecrets, isAbout } from "./registry-auth.ts";

test("IMAGE2 an entry is about its registry, the beginning of a path, and hosts by pattern", () => {
  for (const [entry, image, wanted] of [
    ["registry.local:5000", "registry.local:5000/a/b:1", true],
    ["https://registry.local:5000/v2/", "registry.local:5000/a", true],
    ["registry.local", "registry.local:5000/a", false],
    ["registry.local:5000/team", "registry.local:5000/team/app:1", true],
    ["registry.local:5000/team", "registry.local:5000/teams/app:1", false],
    ["registry.local:5000/team/app", "registry.local:5000/team/app:1", true],
    ["*.example.com", "eu.example.com/a", true],
    ["*.example.com", "a.eu.example.com/a", false],
    ["r-*-1.example.com:5000", "r-x-1.example.com:5000/a", true],
    ["https://index.docker.io/v1/", "library/nginx:1", true],
    ["example.com", "library/nginx:1", false],
  ] as const)
    assert.equal(isAbout(entry, image), wanted, `${entry} ${image}`);
});

test("IMAGE2 all fitting entries are tried, the most exact first; secrets that are missing are named", async () => {
  const auths = (entries: object) => ({ ".dockerconfigjson": Buffer.from(JSON.stringify({ auths: entries })).toString("base64") });
  const secrets = new Map([
    ["wide", complete(Secret, { metadata: { name: "wide" }, data: auths({ "r.local": { username: "any" } }) })],
    [
      "exact",
      complete(Secret, { metadata: { name: "exact" }, data: auths({ "r.local/team": { username: "team" }, other: { username: "x" } }) }),
    ],
    ["broken", complete(Secret, { metadata: { name: "broken" }, data: { ".dockerconfigjson": "e30x" } })],
  ]);
  const imagePullSecrets = ["wide", "none", "exact", "broken"].map((name) => ({ name }));
  const pod = complete(Pod, { metadata: { name: "a", uid: "1" }, spec: { containers: [{ name: "c", image: "i" }], imagePullSecrets } });
  const found = await authFromSecrets(pod, "r.local/team/app:1", async (_, _namespace, name) => secrets.get(name));
  assert.deepEqual(
    found.fitting.map(({ auth }) => auth.username),
    ["team", "any"],
  );
  assert.deepEqual(found.missing, ["none"]);
});
