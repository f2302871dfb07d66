import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { complete } from "#schema/derive/defaults.ts";
import { startUserNamespaces } from "./user-namespaces.ts";

const pod = (uid: string, hostUsers?: boolean) =>
  complete(Pod, {
    metadata: { name: uid, namespace: "shop", uid },
    spec: { containers: [{ name: "c", image: "i" }], ...(hostUsers !== undefined && { hostUsers }) },
  });

test("each Pod has a range of its own, the next kubelet keeps it, and it is free when the Pod's folder is gone", async () => {
  const world = simulatedWorld({ seed: 1 });
  const start = () => startUserNamespaces(world, { rootFolder: "/k", maxPods: 3 });
  const first = await start();
  assert.equal(await first.of(pod("plain")), undefined);
  assert.equal(await first.of(pod("host", true)), undefined);
  const both = await Promise.all([first.of(pod("a", false)), first.of(pod("b", false))]);
  const ranges = [65_536, 131_072].map((hostId) => [{ hostId, containerId: 0, length: 65_536 }]);
  assert.deepEqual(both, ranges);
  assert.deepEqual(JSON.parse(await world.files.readText("/k/pods/a/userns")), { uidMappings: ranges[0], gidMappings: ranges[0] });
  const second = await start();
  assert.deepEqual(await second.of(pod("b", false)), ranges[1]);
  assert.equal((await second.of(pod("c", false)))?.[0]?.hostId, 196_608);
  await assert.rejects(second.of(pod("d", false)), /could not find an empty slot to allocate a user namespace: all 3 are taken/);
  await world.files.remove("/k/pods/a", { recursive: true });
  assert.deepEqual(await second.of(pod("d", false)), ranges[0]);
});

test("a file that was cut short is written anew", async () => {
  const world = simulatedWorld({ seed: 1 });
  await world.files.makeFolder("/k/pods/a");
  await world.files.write("/k/pods/a/userns", '{"uidMap');
  const users = await startUserNamespaces(world, { rootFolder: "/k", maxPods: 2 });
  assert.equal((await users.of(pod("b", false)))?.[0]?.hostId, 65_536);
  assert.equal((await users.of(pod("a", false)))?.[0]?.hostId, 131_072);
});

test("the ids are those that the machine gives to the user kubelet, and they have to do", async () => {
  const world = simulatedWorld({ seed: 1 });
  await world.files.makeFolder("/etc");
  const start = async (uids: string, gids = uids, maxPods = 2) => {
    await world.files.write("/etc/subuid", `other:1:2\n${uids}\n`);
    await world.files.write("/etc/subgid", gids);
    return startUserNamespaces(world, { rootFolder: "/k", maxPods, idsPerPod: 131_072 });
  };
  assert.deepEqual(await (await start("kubelet:655360:262144")).of(pod("a", false)), [
    { hostId: 655_360, containerId: 0, length: 131_072 },
  ]);
  await assert.rejects(start("kubelet:655360:262144", "kubelet:655360:65536"), /name different ids for the user kubelet/);
  await assert.rejects(start("kubelet:655360:262144", ""), /name different ids/);
  await assert.rejects(start("kubelet:1000:262144"), /begin with 1000; at least 65536/);
  await assert.rejects(start("kubelet:65537:262144"), /65537 is no multiple of 65536/);
  await assert.rejects(start("kubelet:65536:262144", "kubelet:65536:262144", 3), /262144 ids are too few for 3 Pods with 131072 each/);
  await assert.rejects(start("kubelet:65536:9\nkubelet:165536:9"), /one range is wanted/);
});
