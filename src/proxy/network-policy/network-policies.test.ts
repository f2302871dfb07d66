import assert from "node:assert/strict";
import { test } from "node:test";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { NetworkPolicy } from "#api/networking.k8s.io/network-policy/network-policy.ts";
import { rootScope } from "#base/scope.ts";
import { sharedInformers } from "#client/informers.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import type { World } from "#platform/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import { FakeCluster } from "../../../test/support/fake-cluster.ts";
import { enforceNetworkPolicies } from "./network-policies.ts";

test("Pods are only watched once there is a policy; then rules follow them, and go with the last policy", async () => {
  const simulated = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const texts: string[] = [];
  const run = async (_: string, __: readonly string[], { input = "" }: { readonly input?: string } = {}) => {
    if (!input.startsWith("list ")) texts.push(input);
    return { code: 0, stdout: "", stderr: "" };
  };
  const world = { ...simulated, processes: { ...simulated.processes, run } } as unknown as World;
  const cluster = new FakeCluster();
  const put = <T extends KubernetesObject>(kind: Kind<T>, object: Draft<T>) => cluster.put(kind, complete(kind, object));
  const pod = (name: string, ip: string, app: string) =>
    put(Pod, {
      metadata: { name, namespace: "default", labels: { app } },
      spec: { nodeName: "here", containers: [{ name: "c", image: "i" }] },
      status: { phase: "Running", podIP: ip, podIPs: [{ ip }] },
    });
  put(Namespace, { metadata: { name: "default" } });
  pod("server", "10.244.0.5", "server");
  await simulated.run(async () => {
    const informers = sharedInformers(scope, world, cluster.client(simulated));
    await enforceNetworkPolicies(scope, world, { informers, node: "here", families: ["IPv4"] });
    const loaded = async () => {
      await simulated.clock.sleep(scope, 200);
      return texts.splice(0).join("\n---\n");
    };
    assert.match(await loaded(), /^add table ip kube-network-policies\ndelete table/);
    assert.ok(!cluster.calls.some((call) => call.includes(" Pod")), "no Pods are watched");

    const from = [{ podSelector: { matchLabels: { app: "friend" } } }];
    put(NetworkPolicy, { metadata: { name: "p", namespace: "default" }, spec: { podSelector: {}, ingress: [{ from }] } });
    assert.match(
      await loaded(),
      /add element ip kube-network-policies ingress \{ 10\.244\.0\.5 comment "default\/server" : goto pod-ingress-/,
    );
    pod("friend", "10.244.0.6", "friend");
    assert.match(await loaded(), /add element ip kube-network-policies pods-\S+ \{ 10\.244\.0\.6 \}/);
    const server = cluster.get(Pod, "default/server") as Pod;
    cluster.put(Pod, { ...server, status: { ...server.status, message: "nothing that policies look at" } });
    assert.equal(await loaded(), "");

    cluster.remove(NetworkPolicy, "default/p");
    assert.match(await loaded(), /delete element ip kube-network-policies ingress \{ 10\.244\.0\.5, 10\.244\.0\.6 \}/);
    await scope.stop();
  });
});
