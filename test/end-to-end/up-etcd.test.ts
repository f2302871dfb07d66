// keelson up --store etcd in a lab machine: etcd as a static Pod, an application on it, etcd killed, and back to nothing.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { cannotRunEtcd } from "../support/etcd.ts";
import { cannotMakeMachines, eventually, machineFor, node, repository, uniqueName } from "../support/lab-machine.ts";

const keelson = `${node} --disable-warning=ExperimentalWarning ${path.join(repository, "src/hosts/main.ts")}`;
const skip = cannotMakeMachines("containerd", "runc", "ctr", "nft", "kubectl") || cannotRunEtcd();
const kubectl = "KUBECONFIG=/etc/kubernetes/admin.conf kubectl --cache-dir=/dev/shm/kubectl";

test("up --store etcd keeps the cluster in an etcd that comes back when it is killed", { skip, timeout: 240_000 }, async (context) => {
  const machine = await machineFor(context, { name: uniqueName("etcd"), address: "192.168.51.36" });
  assert.match(await machine.sh(`${keelson} up --store etcd`), /ok +[0-9.]+ s +all of kube-system runs/);
  assert.match(
    await machine.sh(`${kubectl} -n kube-system get pods -l component=etcd,tier=control-plane --no-headers`),
    /^etcd-\S+ +1\/1 +Running/,
  );
  assert.match(await machine.sh(`${keelson} status`), /etcd/);
  await machine.sh(`${kubectl} create deployment hello --image=keelson/hello --replicas=2`);
  await machine.sh(`${kubectl} rollout status deployment/hello --timeout=60s`);
  await machine.sh(`${kubectl} create configmap kept --from-literal=a=b`);

  const id = await machine.sh("pgrep -o -x etcd");
  await machine.sh(`kill -9 ${id}`);
  const again = await eventually("etcd is back", 30, async () => {
    const { stdout } = await machine.run(["pgrep", "-o", "-x", "etcd"]);
    return stdout.trim() !== "" && stdout.trim() !== id ? stdout.trim() : undefined;
  });
  assert.notEqual(again, id);
  const kept = () => machine.sh(`${kubectl} get configmap kept -o jsonpath={.data.a}`).catch(() => undefined);
  assert.equal(await eventually("what was written is there", 30, kept), "b");
  await machine.sh(`${kubectl} scale deployment hello --replicas=3`);
  await machine.sh(`${kubectl} rollout status deployment/hello --timeout=60s`);

  const refused = await machine.run(["sh", "-c", `${keelson} up`]);
  assert.match(refused.stderr, /keeps its cluster in etcd, and cannot change over to disk by itself/);
  assert.match(await machine.sh(`${keelson} down`), /nothing is left/);
  assert.equal(
    await machine.sh("ls -A /var/lib/etcd 2>/dev/null | wc -l; ls /etc/kubernetes 2>/dev/null | wc -l; pgrep -c -x etcd || true"),
    "0\n0\n0",
  );
});
