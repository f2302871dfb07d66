import assert from "node:assert/strict";
import { test } from "node:test";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { complete } from "#schema/derive/defaults.ts";
import { admit, judgeResize } from "./admission.ts";

function newPod(spec: object, cpu = "0"): Pod {
  const containers = [{ name: "c", image: "i", resources: { requests: { cpu } } }];
  return complete(Pod, { metadata: { name: "a", uid: "1" }, spec: { containers, ...spec } });
}

const node = complete(Node, {
  metadata: { name: "n" },
  status: { allocatable: { cpu: "2", memory: "1Gi" }, nodeInfo: { operatingSystem: "linux", kernelVersion: "6.1.0" } },
});

test("SYNC13 what this machine cannot keep is refused in upstream's words", () => {
  const refusal = (spec: object, more: object = {}) => admit(newPod(spec), [], node, { maxPods: 110, ...more });
  assert.equal(refusal({}), undefined);
  assert.deepEqual(refusal({ securityContext: { sysctls: [{ name: "vm.swappiness", value: "1" }] } }), {
    reason: "SysctlForbidden",
    message: 'Pod was rejected: forbidden sysctl: "vm.swappiness" not allowlisted',
  });
  const confined = { securityContext: { appArmorProfile: { type: "RuntimeDefault" } } };
  assert.deepEqual(refusal(confined, { appArmor: false }), {
    reason: "AppArmor",
    message: "Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host",
  });
  assert.equal(refusal(confined, { appArmor: true }), undefined);
  assert.deepEqual(refusal({ os: { name: "windows" } }), {
    reason: "PodOSNotSupported",
    message: "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS",
  });
  assert.deepEqual(refusal({ securityContext: { supplementalGroupsPolicy: "Strict" } }), {
    reason: "SupplementalGroupsPolicyNotSupported",
    message: "Pod was rejected: SupplementalGroupsPolicy=Strict is not supported in this node",
  });
});

test("SYNC10 a port of the node that is taken, and a taint that would drive the Pod away", () => {
  const onPort = (hostPort: number, hostIP = "", protocol = "TCP") =>
    newPod({ containers: [{ name: "c", image: "i", ports: [{ containerPort: 80, hostPort, hostIP, protocol }] }] });
  const reason = (pod: Pod, other: Pod) => admit(pod, [other], node, { maxPods: 110 })?.reason;
  assert.equal(reason(onPort(80), onPort(80, "10.0.0.1")), "NodePorts");
  assert.equal(reason(onPort(80, "10.0.0.2"), onPort(80, "10.0.0.1")), undefined);
  assert.equal(reason(onPort(80), onPort(80, "", "UDP")), undefined);
  assert.equal(reason(onPort(80), onPort(81)), undefined);
  const tainted: Node = { ...node, spec: { ...node.spec, taints: [{ key: "k", effect: "NoExecute" }] } as Node["spec"] };
  const refused = admit(newPod({}), [], tainted, { maxPods: 110 });
  assert.deepEqual(refused, { reason: "TaintToleration", message: "Pod was rejected: Predicate TaintToleration failed" });
  assert.equal(admit(newPod({ tolerations: [{ key: "k", operator: "Exists" }] }), [], tainted, { maxPods: 110 }), undefined);
});

test("RESIZE1 more than the node has is Infeasible, more than is left is Deferred", () => {
  const judge = (cpu: string, others: readonly Pod[]) => judgeResize(newPod({}, cpu), others, node);
  assert.deepEqual(judge("2", []), { fits: true });
  assert.deepEqual(judge("3", []), {
    fits: false,
    reason: "Infeasible",
    message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000",
  });
  assert.deepEqual(judge("1500m", [newPod({}, "1")]), {
    fits: false,
    reason: "Deferred",
    message: "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  });
});

test("SYNC10 a resource that only its scheduler counts does not refuse the Pod; one that the node has does when it is used up", () => {
  const asking = (name: string) =>
    newPod({ containers: [{ name: "c", image: "i", resources: { limits: { [name]: "2" }, requests: { [name]: "2" } } }] });
  const having = { ...node, status: { ...node.status, allocatable: { ...node.status.allocatable, "example.com/wheel": "3" } } } as Node;
  assert.equal(admit(asking("example.com/door"), [], having, { maxPods: 110 }), undefined);
  assert.equal(admit(asking("example.com/wheel"), [], having, { maxPods: 110 }), undefined);
  assert.equal(
    admit(asking("example.com/wheel"), [asking("example.com/wheel")], having, { maxPods: 110 })?.reason,
    "OutOfexample.com/wheel",
  );
  assert.equal(admit(asking("hugepages-2Mi"), [], having, { maxPods: 110 })?.reason, "OutOfhugepages-2Mi");
});
