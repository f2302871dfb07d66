import assert from "node:assert/strict";
import { test } from "node:test";
import { readUnit } from "./unit-file.ts";

const containerd = `[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target local-fs.target

[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/bin/containerd

Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
LimitNOFILE=1024:infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
`;

test("Debian's containerd.service is read as it is written", () => {
  const unit = readUnit("containerd.service", [{ path: "containerd.service", text: containerd }]);
  assert.deepEqual(unit.after, ["network.target", "local-fs.target"]);
  assert.deepEqual(unit.wantedBy, ["multi-user.target"]);
  assert.deepEqual(unit.service?.startPre, [{ words: ["/sbin/modprobe", "overlay"], ignoreFailure: true, expandVariables: true }]);
  assert.deepEqual(unit.service?.start[0]?.words, ["/usr/bin/containerd"]);
  assert.equal(unit.service?.killMode, "process");
  assert.equal(unit.service?.restartMilliseconds, 5_000);
  assert.equal(unit.service?.oomScoreAdjust, -999);
  assert.deepEqual(
    unit.service?.limits.find((limit) => limit.resource === "nofile"),
    { key: "LimitNOFILE", resource: "nofile", soft: 1_024, hard: Number.POSITIVE_INFINITY },
  );
  assert.deepEqual(unit.warnings, ["Type=notify: readiness cannot be received, the unit counts as started once its process runs"]);
  assert.equal(unit.unusable, undefined);
});

test("a drop-in empties a list and sets it anew", () => {
  const unit = readUnit("kubelet.service", [
    {
      path: "kubelet.service",
      text: "[Unit]\nWants=network-online.target\nAfter=network-online.target\n[Service]\nExecStart=/usr/bin/kubelet --config=/a\nRestart=always\nRestartSec=10\n",
    },
    {
      path: "10.conf",
      text: '[Service]\nEnvironment="A=b c" D=e\nEnvironmentFile=-/etc/default/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet $ARGS %i%n\n',
    },
  ]);
  assert.deepEqual(
    unit.service?.start.map(({ words }) => words),
    [["/usr/bin/kubelet", "$ARGS", "kubelet.service"]],
  );
  assert.deepEqual(unit.service?.environment, [
    ["A", "b c"],
    ["D", "e"],
  ]);
  assert.deepEqual(unit.service?.environmentFiles, [{ path: "/etc/default/kubelet", optional: true }]);
  assert.deepEqual(unit.warnings, []);
});

test("what cannot be honoured is said", () => {
  const unit = readUnit("x.service", [
    {
      path: "x",
      text: "[Unit]\nFoo=1\nConditionPathExists=/x\n[Service]\nType=forking\nExecStart=@/bin/x y z\nExecStart=+/bin/y ; /bin/z\nRestart=sometimes\nCPUWeight=3\n[Odd]\na=b\n[X-Mine]\na=b\n",
    },
  ]);
  assert.deepEqual(unit.warnings, [
    "Type=forking is not honoured, treated as simple",
    "x:6: ExecStart=@ cannot set argv[0], the program's own name is used",
    "x:8: Failed to parse Restart= as a choice, ignoring: sometimes",
    "x:2: Unknown key name 'Foo' in section 'Unit', ignoring.",
    "x:3: ConditionPathExists= is not honoured by this supervisor",
    "x:9: CPUWeight= is not honoured by this supervisor",
    "x:11: Unknown section 'Odd'. Ignoring.",
  ]);
  assert.deepEqual(
    unit.service?.start.map(({ words }) => words.join(" ")),
    ["/bin/x z", "/bin/y", "/bin/z"],
  );
  assert.match(unit.unusable ?? "", /more than one ExecStart=/);
});

test("a file of rubbish gives warnings, not an exception", () => {
  const unit = readUnit("x.service", [{ path: "x", text: "\0[[[=\n=\n[Service]\n__proto__=1\nExecStart='\nEnvironment=1=2\n\\" }]);
  assert.match(unit.unusable ?? "", /no ExecStart=/);
  assert.ok(unit.warnings.length >= 4);
});
