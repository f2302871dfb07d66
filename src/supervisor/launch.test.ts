import assert from "node:assert/strict";
import { test } from "node:test";
import { expandVariables, launchOf, parseEnvironmentFile, quote } from "./launch.ts";
import { readUnit } from "./unit-file.ts";

test("variables: braces inside words, alone split at white space, two dollars for one", () => {
  const environment = new Map([
    ["A", "one two"],
    ["B", ""],
  ]);
  assert.deepEqual(expandVariables(["/x", "$A", "${A}!", "$B", "${B}", "$$A", "a$A", "${C}"], environment), [
    "/x",
    "one",
    "two",
    "one two!",
    "",
    "$A",
    "a$A",
    "",
  ]);
});

test("an environment file", () => {
  assert.deepEqual(parseEnvironmentFile("# no\nA=1\n B = 2\nC='x y'\nexport D=\"z\"\n"), [
    ["A", "1"],
    ["C", "x y"],
    ["D", "z"],
  ]);
});

test("the shell puts itself in place and becomes the command", () => {
  const { service } = readUnit("x.service", [
    { path: "x", text: "[Service]\nExecStart=/x 'a b'\nUser=nobody\nOOMScoreAdjust=-5\nWorkingDirectory=-/it's\nLimitNOFILE=infinity\n" },
  ]);
  assert.ok(service?.start[0]);
  const launch = launchOf(service, service.start[0], new Map([["PATH", "/bin"]]), {
    groupFiles: ["/g/cgroup.procs"],
    pipe: "/run/p",
    mainFile: "/run/m",
  });
  const [, script = "", , ...words] = launch.arguments;
  assert.deepEqual(words, ["/x", "a b"]);
  assert.match(script, /^exec 1<>'\/run\/p' 2>&1\n\{ echo \$\$ >'\/g\/cgroup.procs'; \}/);
  assert.match(script, /echo -5 >\/proc\/\$\$\/oom_score_adj/);
  assert.match(script, /--nofile=\$\(cat \/proc\/sys\/fs\/nr_open\)/);
  assert.ok(script.includes("cd '/it'\\''s' 2>/dev/null || cd /"));
  assert.match(script, /exec setpriv --reuid='nobody' --init-groups --regid="\$\(id -g 'nobody'\)" -- "\$@"$/);
  assert.equal(quote("it's"), "'it'\\''s'");
});
