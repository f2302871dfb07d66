import assert from "node:assert/strict";
import { test } from "node:test";
import { daemonFlags, daemonValues } from "./daemon-flags.ts";
import { type Flag, flagHelp, parseFlags, readDuration } from "./flags.ts";

const flags = [
  ...daemonFlags,
  { name: "kubeconfig", type: "string", doc: "" },
  { name: "leader-elect", type: "boolean", default: true, doc: "" },
  { name: "lease", type: "duration", default: 15_000, doc: "" },
  { name: "paths", type: "list", default: ["/healthz"], doc: "" },
] as const satisfies readonly Flag[];
const values = (...arguments_: readonly string[]) => parseFlags(flags, arguments_).values;
const refused = (message: string, ...arguments_: readonly string[]) =>
  assert.throws(() => parseFlags(flags, arguments_), { name: "FlagError", message });

test("flags are read in every form upstream takes", () => {
  for (const form of [["-v", "2"], ["-v=2"], ["-v2"], ["--v=2"], ["--v", "2"]]) assert.equal(values(...form).v, 2, form.join(" "));
  assert.equal(values("--kubeconfig=").kubeconfig, "");
  assert.equal(values("--kubeconfig=a=b").kubeconfig, "a=b");
  assert.equal(values("--kubeconfig", "--v").kubeconfig, "--v", "a value may look like a flag");
  assert.equal(values("--leader-elect=false")["leader-elect"], false);
  assert.equal(values("--leader_elect=F")["leader-elect"], false);
  assert.deepEqual(parseFlags(flags, ["--leader-elect", "false"]).rest, ["false"], "a boolean takes no word behind it");
  assert.equal(values("--lease=1m30s").lease, 90_000);
  assert.deepEqual(values().paths, ["/healthz"]);
  assert.deepEqual(values("--paths=/a,/b", "--paths=/c").paths, ["/a", "/b", "/c"]);
  assert.deepEqual(parseFlags(flags, ["one", "--", "--v"]).rest, ["one", "--v"]);
  assert.ok(parseFlags(flags, ["--help"]).help && parseFlags(flags, ["-h"]).help);
});

test("wrong flags are refused in upstream's words", () => {
  refused("unknown flag: --x", "--x=1");
  refused("unknown flag: --__proto__", "--__proto__=1");
  refused("unknown shorthand flag: 'x' in -xyz", "-xyz");
  refused("flag needs an argument: --kubeconfig", "--kubeconfig");
  refused("flag needs an argument: 'v' in -v", "-v");
  refused("bad flag syntax: --=1", "--=1");
  refused("bad flag syntax: ---v", "---v");
  refused(`invalid argument "two" for "--v" flag: strconv.ParseInt: parsing "two": invalid syntax`, "--v=two");
  refused(`invalid argument "yes" for "--leader-elect" flag: strconv.ParseBool: parsing "yes": invalid syntax`, "--leader-elect=yes");
  refused(`invalid argument "15" for "--lease" flag: time: invalid duration "15"`, "--lease=15");
});

test("what is accepted but ignored is said", () => {
  assert.deepEqual(parseFlags(flags, ["--logtostderr"]).warnings, ["--logtostderr is accepted but ignored: logs go to standard error"]);
});

test("durations are Go's", () => {
  for (const [text, milliseconds] of [
    ["0", 0],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["1h2m3s4ms", 3_723_004],
    ["-2s", -2_000],
    ["+1us", 0.001],
  ] as const)
    assert.equal(readDuration(text), milliseconds, text);
  for (const text of ["", "1", "s", "1.2.3s", "1d", "--1s", ".s", `${"1s".repeat(10_000)}x`])
    assert.equal(readDuration(text), undefined, text);
});

test("a daemon warns of flags that do nothing, and takes no other arguments", () => {
  const warned: string[] = [];
  const log = { warn: (message: string) => void warned.push(message) };
  assert.equal(daemonValues("kube-thing", flags, ["--lease=3s", "--vmodule=a=1"], log).lease, 3_000);
  assert.deepEqual(warned, ["--vmodule is accepted but ignored: one level counts for all modules"]);
  const message = '"kube-thing" does not take any arguments, got ["run" "now"]';
  assert.throws(() => daemonValues("kube-thing", flags, ["run", "now"], log), { name: "FlagError", message });
});

test("help gives defaults as they would be typed", () => {
  const shown = (milliseconds: number) => flagHelp([{ name: "wait", type: "duration", default: milliseconds, doc: "How long." }]);
  for (const [milliseconds, text] of [
    [0, "0s"],
    [1_500, "1.5s"],
    [60_000, "1m0s"],
    [3_600_000, "1h0m0s"],
  ] as const)
    assert.match(shown(milliseconds), new RegExp(`How long. \\(default ${text.replace(".", "\\.")}\\)$`));
});
