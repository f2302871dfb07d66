// keelson up in a lab machine: from nothing to a page served by a container, and back to nothing; killed half-way; and under systemd.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { labBoot, labCrash } from "#lab/lab.ts";
import {
  cannotMakeMachines,
  eventually,
  machineFor,
  node,
  repository,
  type TestMachine,
  uniqueName,
  world,
} from "../support/lab-machine.ts";
import { machineListing } from "../support/machine-listing.ts";

const keelson = `${node} --disable-warning=ExperimentalWarning ${path.join(repository, "src/hosts/main.ts")}`;
const skip = cannotMakeMachines("containerd", "runc", "ctr", "nft", "kubectl");
// What kubectl keeps goes to /dev, which is not compared.
const kubectl = "KUBECONFIG=/etc/kubernetes/admin.conf kubectl --cache-dir=/dev/shm/kubectl";

async function listingOf(machine: TestMachine): Promise<readonly string[]> {
  const text = await machine.sh(machineListing);
  // Written by the tools that list, and by whoever else works on the holding machine, whose files lie below.
  return text.split("\n").filter((line) => !/^path \/tmp\/|\/\.npm\/|^route local fe80|^route .*fe80/.test(line));
}

function difference(before: readonly string[], after: readonly string[]): readonly string[] {
  const [then, now] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !then.has(line)).map((line) => `+ ${line}`),
  ];
}

test("up ends with a Ready node, serves a page, and down leaves nothing", { skip, timeout: 240_000 }, async (context) => {
  const machine = await machineFor(context, { name: uniqueName("up"), address: "192.168.51.31" });
  // The first listing makes what listing makes.
  await machine.sh(machineListing);
  const before = await listingOf(machine);

  const said = await machine.sh(`${keelson} up`);
  for (const step of ["containerd answers", "the API server is ready", "the Node is Ready", "all of kube-system runs"])
    assert.match(said, new RegExp(`ok +[0-9.]+ s +${step}`));
  assert.match(await machine.sh(`${kubectl} get nodes --no-headers`), /^keelson-up-\d+ +Ready /);
  assert.match(await machine.sh(`${keelson} status`), /layer 1 .*\n.*containerd: active.*\n.*layer 2 +kubelet: active/);

  await machine.sh(`${kubectl} create deployment hello --image=keelson/hello --replicas=2`);
  await machine.sh(`${kubectl} expose deployment hello --port=80 --target-port=8080 --type=NodePort`);
  await machine.sh(`${kubectl} rollout status deployment/hello --timeout=30s`);
  const get = (url: string) => machine.sh(`${node} -e 'fetch("${url}").then((r) => r.text()).then((t) => console.log(t))'`);
  const service = await machine.sh(`${kubectl} get service hello -o jsonpath='{.spec.clusterIP} {.spec.ports[0].nodePort}'`);
  const [clusterIp, nodePort] = service.split(" ");
  const page = /^Hello from Pod hello-[a-z0-9-]+ on Node keelson-up-\d+\./;
  assert.match(await eventually("the page", 10, () => get(`http://${clusterIp}/`).catch(() => undefined)), page);
  assert.match(await get(`http://192.168.51.31:${nodePort}/`), page);
  const byName = 'fetch("http://hello.default.svc.cluster.local/").then((r) => r.text()).then((t) => console.log(t))';
  assert.match(await machine.sh(`${kubectl} exec deploy/hello -- /usr/lib/keelson/node -e '${byName}'`), page);

  const containers = await machine.sh("ctr -n k8s.io containers ls -q | sort");
  await machine.sh(`${keelson} up`);
  assert.equal(await machine.sh("ctr -n k8s.io containers ls -q | sort"), containers, "up once more changes nothing");
  const refused = await machine.run(["sh", "-c", `${keelson} up --pod-network-cidr=10.200.0.0/16`]);
  assert.match(refused.stderr, /was made with podRange 10\.244\.0\.0\/16/);

  assert.match(await machine.sh(`${keelson} down`), /nothing is left/);
  assert.deepEqual(difference(before, await listingOf(machine)), []);
  assert.match(await machine.sh(`${keelson} down`), /there was no node here/);
});

test("up that was killed goes on where it is called again", { skip, timeout: 240_000 }, async (context) => {
  const machine = await machineFor(context, { name: uniqueName("half"), address: "192.168.51.32" });
  for (const seconds of ["0.3", "1.5", "3", "4.5"]) {
    const { code } = await machine.run(["sh", "-c", `timeout -s KILL ${seconds} ${keelson} up`]);
    if (code === 0) break;
  }
  assert.match(await machine.sh(`${keelson} up`), /ok .*all of kube-system runs/);
  assert.match(await machine.sh(`${kubectl} get nodes --no-headers`), / Ready /);
  await machine.sh(`${keelson} down`);
});

test("up says what is wrong before it changes anything", { skip, timeout: 120_000 }, async (context) => {
  const machine = await machineFor(context, { name: uniqueName("wrong"), address: "192.168.51.33" });
  const fails = async (reason: RegExp, prepare: string, clean: string) => {
    await machine.sh(prepare);
    const { code, stderr } = await machine.run(["sh", "-c", `${keelson} up`]);
    await machine.sh(clean);
    assert.equal(code, 1);
    assert.match(stderr, reason);
  };
  await fails(/\/usr\/bin\/kubelet is another kubelet's/, "echo '#!/bin/true' >/usr/bin/kubelet", "rm /usr/bin/kubelet");
  await fails(
    /belongs to another cluster/,
    "mkdir -p /etc/kubernetes/pki; echo x >/etc/kubernetes/pki/ca.crt",
    "rm -r /etc/kubernetes/pki",
  );
  await fails(
    /port 6443 is taken, and the API server needs it/,
    `setsid ${node} -e 'require("net").createServer().listen(6443)' >/dev/null 2>&1 </dev/null & sleep 0.5`,
    "kill $(pgrep -f '[l]isten.6443')",
  );
  const { code, stderr } = await machine.run(["sh", "-c", `${keelson} up --store paper`]);
  assert.equal(code, 1);
  assert.match(stderr, /--store "paper" is not known/);
  // A clone below /root is not for others to enter.
  await machine.sh(`folder=${repository}; while [ "$folder" != / ]; do folder=$(dirname "$folder"); chmod a+x "$folder"; done`);
  const asUser = await machine.run(["setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", `${keelson} up`]);
  assert.match(asUser.stderr, /a node is made by root/);
});

test("under systemd the same units run, and come back", {
  skip: skip || cannotMakeMachines("/lib/systemd/systemd"),
  timeout: 240_000,
}, async (context) => {
  const machine = await machineFor(context, { name: uniqueName("upsysd"), address: "192.168.51.34", systemd: true });
  await eventually("systemd is running", 30, async () =>
    (await machine.run(["systemctl", "is-system-running"])).stdout.trim() === "running" ? true : undefined,
  );
  assert.match(await machine.sh(`${keelson} up`), /, systemd\n/);
  assert.match(await machine.sh(`${kubectl} get nodes --no-headers`), / Ready /);
  const kubelet = await machine.sh("systemctl show -P MainPID kubelet.service");
  await machine.sh(`kill -9 ${kubelet}`);
  await eventually("systemd starts the kubelet again", 20, async () => {
    const id = await machine.sh("systemctl show -P MainPID kubelet.service");
    return id !== "0" && id !== kubelet ? true : undefined;
  });
  assert.match(await machine.sh(`${keelson} status`), /layer 1 +systemd/);
  await machine.sh(`${keelson} down`);
  assert.equal(await machine.sh("ls /etc/systemd/system | grep -E 'kubelet|keelson.target|keelson-network' | wc -l"), "0");
});

test("NETWORK-226: a control plane that comes back with another address goes on once up was run again", {
  skip,
  timeout: 240_000,
}, async (context) => {
  const machine = await machineFor(context, { name: uniqueName("up-moved"), address: "192.168.51.39" });
  await machine.sh(`${keelson} up`);
  await machine.sh(
    `${kubectl} create deployment hello --image=keelson/hello && ${kubectl} expose deployment hello --port=80 --target-port=8080`,
  );
  await machine.sh(`${kubectl} rollout status deployment/hello --timeout=60s`);
  await labCrash(world, machine.name);
  await labBoot(world, machine.name, { address: "192.168.51.40" });
  await machine.sh(`${keelson} up`);
  const parts = "kube-apiserver kube-controller-manager kube-scheduler kube-proxy";
  for (const part of parts.split(" ")) {
    // up waits for the API server and the node; what was told of a change may still be making it.
    await eventually(`${part} runs at the new address`, 60, async () => {
      const list = await machine
        .sh(`${kubectl} get pods -n kube-system -o wide --no-headers | grep '^${part}-' | tr -s ' '`)
        .catch(() => "");
      return / 1\/1 Running .*192\.168\.51\.40/.test(list) && !list.includes("\n") ? true : undefined;
    });
  }
  assert.match(await machine.sh(`${kubectl} get nodes -o wide --no-headers`), / Ready .* 192\.168\.51\.40 /);
  // Controllers, scheduler, proxy and name server all have a part in this.
  await machine.sh(`${kubectl} scale deployment hello --replicas=3`);
  await machine.sh(`${kubectl} rollout status deployment/hello --timeout=60s`);
  const byName = 'fetch("http://hello.default.svc.cluster.local/").then((r) => r.text()).then((t) => console.log(t))';
  const ask = () => machine.sh(`${kubectl} exec deploy/hello -- /usr/lib/keelson/node -e '${byName}'`).catch(() => undefined);
  assert.match(await eventually("the page by its name", 30, ask), /^Hello from Pod hello-/);
});
