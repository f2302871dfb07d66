// Lab machines: what is inside is the machine's own, nothing leaves, and nothing stays.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { labDown, labExec, labList, labUp } from "#lab/lab.ts";
import { groupMounts } from "#lab/layout.ts";
import { cannotMakeMachines, eventually, machineFor, node, repository, uniqueName, world } from "../support/lab-machine.ts";

const skip = cannotMakeMachines();

/** Everything on this machine that carries the lab's name. */
function tracesOf(name: string): string[] {
  const group = `keelson-${name}`;
  const groups = groupMounts(readFileSync("/proc/self/mounts", "utf8")).flatMap(({ point }) =>
    readdirSync(point)
      .filter((entry) => entry === group)
      .map((entry) => `${point}/${entry}`),
  );
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(name));
  const namespaces = list("/run/netns").filter((entry) => entry.includes(name));
  const processes = list("/proc").filter(
    (id) => /^\d+$/.test(id) && Number(id) !== process.pid && read(`/proc/${id}/cmdline`).includes(name),
  );
  return [
    ...groups,
    ...mounts,
    ...namespaces,
    ...processes.map((id) => `${id} ${read(`/proc/${id}/cmdline`).replaceAll("\0", " ")}`),
    ...list("/var/lib/keelson-lab").filter((entry) => entry === name),
  ];
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

test("a machine has its own names, files, processes, cgroups and network", { skip, timeout: 60_000 }, async (context) => {
  const name = uniqueName("lab");
  const machine = await machineFor(context, { name });
  assert.equal(await machine.sh("hostname"), `keelson-${name}`);
  assert.match(await machine.sh("cat /proc/1/cmdline | tr '\\0' ' '"), /keelson-lab$/);
  assert.equal(await machine.sh("cut -d: -f3 /proc/self/cgroup | grep -vE '^/(init)?$' | wc -l"), "0");
  assert.equal(await machine.sh("ls /etc/kubernetes /var/lib/kubelet /etc/systemd/system | grep -v : | wc -w"), "0");
  assert.match(await machine.sh("ip -4 -o address show dev eth0"), /192\.168\.51\.10\/24/);
  assert.match(await machine.sh("ip -o route get 8.8.8.8"), /via 192\.168\.51\.1 dev eth0/);
  assert.notEqual(
    (await machine.run([node, "-e", "require('net').connect(53, '8.8.8.8').on('error', (e) => { process.exitCode = 7 })"])).code,
    0,
  );
  assert.notEqual((await machine.run(["touch", path.join(repository, "package.json")])).code, 0);
  await machine.sh("echo mine >/etc/kubernetes/x");
  assert.equal(read("/etc/kubernetes/x"), "");
  assert.deepEqual(await labExec(world, name, ["sh", "-c", "cat; echo wrong >&2; exit 3"], { input: "in" }), {
    code: 3,
    stdout: "in",
    stderr: "wrong\n",
  });
  await machine.sh("(sh -c 'sleep 0.1 & exec true'); sleep 0.3");
  assert.equal(await machine.sh("grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l"), "0");
});

test("the API's port leads in, and again after the way in was killed", { skip, timeout: 60_000 }, async (context) => {
  const name = uniqueName("way");
  const machine = await machineFor(context, { name });
  const server = `require("node:http").createServer((request, response) => response.end("inside")).listen(6443, "127.0.0.1")`;
  await machine.sh(`setsid '${node}' -e '${server}' >/dev/null 2>&1 </dev/null &`);
  const ask = () =>
    fetch(`http://127.0.0.1:${machine.apiPort}/`).then(
      (response) => response.text(),
      () => undefined,
    );
  assert.equal(await eventually("an answer", 10, ask), "inside");
  const mount =
    groupMounts(read("/proc/self/mounts")).find(({ controllers }) => controllers === "pids") ?? groupMounts(read("/proc/self/mounts"))[0];
  const outside = read(`${mount?.point}/keelson-${name}/outside/cgroup.procs`)
    .trim()
    .split("\n")
    .filter((id) => read(`/proc/${id}/cmdline`).startsWith(node));
  assert.equal(outside.length, 1);
  process.kill(Number(outside[0]), "SIGKILL");
  await machine.sh("kill -9 $(pgrep -f 'lab-forward.ts inside$')");
  assert.equal(await eventually("an answer again", 20, ask), "inside");
});

test("two machines at once; a name is taken once; down leaves nothing, also after kill -9", { skip, timeout: 60_000 }, async (context) => {
  const [first, second] = [uniqueName("one"), uniqueName("two")];
  const [one, two] = await Promise.all([machineFor(context, { name: first }), machineFor(context, { name: second })]);
  assert.notEqual(one.apiPort, two.apiPort);
  await assert.rejects(labUp(world, { name: first }), /is already up/);
  assert.deepEqual(
    (await labList(world))
      .filter((lab) => lab.running && (lab.name === first || lab.name === second))
      .map((lab) => lab.name)
      .sort(),
    [first, second].sort(),
  );
  await one.sh(
    "setsid sleep 1000 >/dev/null 2>&1 & mkdir -p /var/lib/kubelet/pods/x; mount -t tmpfs tmpfs /var/lib/kubelet/pods/x; for f in /sys/fs/cgroup/*/cgroup.procs; do mkdir -p ${f%/*}/kubepods/x; done",
  );
  assert.equal(await labDown(world, first), true);
  assert.deepEqual(tracesOf(first), []);
  process.kill(two.initId, "SIGKILL");
  await eventually("the machine is gone", 5, async () =>
    (await labList(world)).find((lab) => lab.name === second)?.running === false ? true : undefined,
  );
  await assert.rejects(labExec(world, second, ["true"]), /no running lab machine/);
  await machineFor(context, { name: second });
  assert.equal(await labDown(world, second), true);
  assert.deepEqual(tracesOf(second), []);
  assert.equal(await labDown(world, second), false);
});

test("a failed start says why and leaves nothing", { skip, timeout: 60_000 }, async () => {
  const name = uniqueName("bad");
  await assert.rejects(labUp(world, { name, readOnlyPaths: ["/does/not/exist"] }), /did not start: .*does\/not\/exist/s);
  await assert.rejects(labUp(world, { name, address: "8.8.8.8" }), /cannot be a lab machine's address/);
  await assert.rejects(labUp(world, { name: "../x" }), /cannot be a lab machine's name/);
  await assert.rejects(labUp(world, { name, forwardCommand: ["/bin/false"] }), /cannot open 127\.0\.0\.1.*ended with code 1/s);
  assert.deepEqual(tracesOf(name), []);
});

test("a machine with systemd as its first process", {
  skip: skip || cannotMakeMachines("/lib/systemd/systemd"),
  timeout: 90_000,
}, async (context) => {
  const machine = await machineFor(context, { name: uniqueName("sysd"), systemd: true });
  await eventually("systemd is running", 30, async () =>
    (await machine.run(["systemctl", "is-system-running"])).stdout.trim() === "running" ? true : undefined,
  );
  await machine.sh(
    "printf '[Service]\\nExecStart=/bin/sleep 1000\\nRestart=always\\nRestartSec=100ms\\n' >/etc/systemd/system/x.service; systemctl start x",
  );
  const main = () => machine.sh("systemctl show -p MainPID --value x");
  const before = await main();
  await machine.sh(`kill -9 ${before}`);
  const after = await eventually("a new process", 10, async () => {
    const id = await main();
    return id !== before && id !== "0" ? id : undefined;
  });
  assert.notEqual(after, before);
});
