// The supervisor in a lab machine: Debian's containerd.service as it is written, real containers, and kill -9 of everything.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { cannotMakeMachines, eventually, machineFor, node, repository, type TestMachine, uniqueName } from "../support/lab-machine.ts";

const runFolder = "/run/keelson";
const journalFolder = "/var/log/keelson/journal";
const supervisorCommand = `${node} ${path.join(repository, "test/support/supervisor.ts")} ${runFolder} ${journalFolder} keelson.target /etc/systemd/system /lib/systemd/system`;

/** Under its guard, which starts it again when it is killed. */
async function startSupervisor(machine: TestMachine): Promise<void> {
  await machine.sh(`${node} ${path.join(repository, "test/support/supervisor-guard.ts")} /run/supervisor.log ${supervisorCommand}`);
}

function ask(machine: TestMachine, ...words: string[]): Promise<string> {
  return machine.sh([node, path.join(repository, "test/support/supervisor-ask.ts"), `${runFolder}/supervisor.sock`, ...words].join(" "));
}

interface Status {
  units: { name: string; active: string; phase: string; mainId?: number; restarts: number; warnings: string[] }[];
}

async function unitOf(machine: TestMachine, name: string): Promise<Status["units"][number] | undefined> {
  const status = await ask(machine, "status").catch(() => undefined);
  return status === undefined ? undefined : (JSON.parse(status) as Status).units.find((unit) => unit.name === name);
}

const skip = cannotMakeMachines();
const skipContainers = cannotMakeMachines(
  "containerd",
  "runc",
  "ctr",
  "umoci",
  "skopeo",
  "busybox",
  "/lib/systemd/system/containerd.service",
);

test("units start in order, come back when killed, and are adopted by the next supervisor", { skip, timeout: 90_000 }, async (context) => {
  const machine = await machineFor(context, { name: uniqueName("sup") });
  await machine.sh(`cd /etc/systemd/system; mkdir first.service.d
printf '[Unit]\\nWants=second.service\\n' >keelson.target
printf '[Unit]\\nAfter=network-online.target\\n[Service]\\nEnvironment="WORD=a b"\\nExecStartPre=-/bin/false\\nExecStart=/bin/sh -c "echo said $WORD; sleep 1000 & exec sleep 1000"\\nCPUWeight=1\\n' >first.service
printf '[Service]\\nRestart=always\\nRestartSec=100ms\\nLimitNOFILE=512\\nOOMScoreAdjust=300\\nWorkingDirectory=/var\\nUser=nobody\\n' >first.service.d/a.conf
printf '[Unit]\\nAfter=first.service\\nRequires=first.service\\n[Service]\\nExecStart=/bin/sleep 1000\\nRestart=always\\nRestartSec=100ms\\n' >second.service`);
  await startSupervisor(machine);
  const started = await eventually("both units", 15, async () => {
    const [first, second] = await Promise.all([unitOf(machine, "first.service"), unitOf(machine, "second.service")]);
    return first?.active === "active" && second?.active === "active" ? first : undefined;
  });
  assert.deepEqual(started.warnings, ["/etc/systemd/system/first.service:7: CPUWeight= is not honoured by this supervisor"]);
  const main = started.mainId as number;
  await eventually("the journal", 5, async () =>
    (await ask(machine, "journal", "first.service")).includes(" first: said a b") ? true : undefined,
  );
  assert.match(await machine.sh(`cat /proc/${main}/limits`), /Max open files +512 +512/);
  assert.equal(
    await machine.sh(`cat /proc/${main}/oom_score_adj; readlink /proc/${main}/cwd; stat -c %U /proc/${main}`),
    "300\n/var\nnobody",
  );

  await machine.sh(`kill -9 ${main}`);
  const again = await eventually("first.service is back", 10, async () => {
    const unit = await unitOf(machine, "first.service");
    return unit?.active === "active" && unit.restarts === 1 && unit.mainId !== main ? unit : undefined;
  });
  assert.equal(await machine.sh("pgrep -cf '^sleep 1000'"), "2", "the killed service's other process was ended too");

  const before = await machine.sh("pgrep -f '^(/bin/)?sleep 1000' | sort");
  await machine.sh(`kill -9 $(pgrep -f '^${supervisorCommand}')`);
  const adopted = await eventually("the next supervisor answers", 15, () => unitOf(machine, "first.service"));
  assert.equal(adopted.mainId, again.mainId);
  assert.equal(await machine.sh("pgrep -f '^(/bin/)?sleep 1000' | sort"), before, "no second copy was started");
  await machine.sh(`kill -9 ${adopted.mainId}`);
  await eventually("an adopted unit comes back as well", 10, async () => {
    const unit = await unitOf(machine, "first.service");
    return unit?.active === "active" && unit.mainId !== adopted.mainId ? true : undefined;
  });

  await ask(machine, "stop", "first.service");
  assert.equal((await unitOf(machine, "second.service"))?.active, "inactive", "what requires it stops with it");
  await assert.rejects(ask(machine, "start", "gone.service"), /Unit gone\.service not found/);
  await ask(machine, "exit");
  await eventually("the supervisor ended", 5, async () =>
    (await machine.run(["pgrep", "-f", "test/support/supervisor.ts|keelson-guard"])).code === 0 ? undefined : true,
  );
  assert.equal((await machine.run(["pgrep", "-f", "^(/bin/)?sleep 1000"])).stdout, "");
});

test("containerd.service runs as written: a container outlives containerd, which comes back", {
  skip: skipContainers,
  timeout: 120_000,
}, async (context) => {
  const machine = await machineFor(context, { name: uniqueName("ctr") });
  const archive = makeBusyboxImage(context);
  await machine.sh(`mkdir -p /etc/systemd/system/containerd.service.d
printf '[Unit]\\nWants=containerd.service\\n' >/etc/systemd/system/keelson.target
printf '[Service]\\nRestartSec=200ms\\n' >/etc/systemd/system/containerd.service.d/a.conf`);
  await startSupervisor(machine);
  const main = await eventually("containerd answers", 20, async () =>
    (await machine.run(["ctr", "--timeout", "2s", "version"])).code === 0
      ? (await unitOf(machine, "containerd.service"))?.mainId
      : undefined,
  );
  await machine.sh("base64 -d | ctr images import -", execFileSync("base64", [archive], { encoding: "utf8", maxBuffer: 1 << 28 }));
  assert.equal(await machine.sh("ctr run --rm test.local/busybox:1 once /bin/busybox echo from a container"), "from a container");
  await machine.sh("ctr run --detach test.local/busybox:1 long /bin/busybox sleep 1000");
  const task = await machine.sh("ctr task ls -q; ctr task ps long | tail -1");

  await machine.sh(`kill -9 ${main}`);
  await eventually("a new containerd answers", 20, async () => {
    const id = (await unitOf(machine, "containerd.service"))?.mainId;
    return id !== undefined && id !== main && (await machine.run(["ctr", "--timeout", "2s", "version"])).code === 0 ? true : undefined;
  });
  assert.equal(await machine.sh("ctr task ls -q; ctr task ps long | tail -1"), task);
});

function makeBusyboxImage(context: { after(clean: () => void): void }): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "image-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const run = (program: string, ...arguments_: string[]) =>
    execFileSync(program, arguments_, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  run("umoci", "init", "--layout", "oci");
  run("umoci", "new", "--image", "oci:busybox");
  run("umoci", "unpack", "--image", "oci:busybox", "bundle");
  const bin = path.join(folder, "bundle/rootfs/bin");
  mkdirSync(bin, { recursive: true });
  copyFileSync("/bin/busybox", path.join(bin, "busybox"));
  chmodSync(path.join(bin, "busybox"), 0o755);
  symlinkSync("busybox", path.join(bin, "sh"));
  run("umoci", "repack", "--image", "oci:busybox", "bundle");
  run(
    "umoci",
    "config",
    "--image",
    "oci:busybox",
    "--config.cmd",
    "/bin/sh",
    "--os",
    "linux",
    "--architecture",
    process.arch === "x64" ? "amd64" : process.arch,
  );
  run("skopeo", "--insecure-policy", "copy", "oci:oci:busybox", "oci-archive:busybox.tar:test.local/busybox:1");
  return path.join(folder, "busybox.tar");
}
