// Nodes and Pods as schedulers' tests need them.
import type { Node } from "#api/core/node/node.ts";
import type { Pod } from "#api/core/pod/pod.ts";

export function aNode(
  name: string,
  parts: { cpu?: string; memory?: string; pods?: string; taints?: Node["spec"]["taints"]; labels?: Record<string, string> } = {},
): Node {
  const { cpu = "4", memory = "8Gi", pods = "110", taints, labels = {} } = parts;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels, uid: `uid of ${name}`, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { ...(taints && { taints }) },
    status: { allocatable: { cpu, memory, pods } },
  } as unknown as Node;
}

export function aPod(
  name: string,
  parts: { cpu?: string; memory?: string; port?: number; node?: string; uid?: string; spec?: Record<string, unknown>; phase?: string } = {},
): Pod {
  const { cpu, memory, port, node, uid = `uid of ${name}`, spec = {}, phase = "Pending" } = parts;
  const requests = { ...(cpu && { cpu }), ...(memory && { memory }) };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name, uid, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      containers: [
        {
          name: "c",
          image: "i",
          resources: { requests },
          ...(port && { ports: [{ containerPort: port, hostPort: port, protocol: "TCP" }] }),
        },
      ],
      ...(node && { nodeName: node }),
      ...spec,
    },
    status: { phase },
  } as unknown as Pod;
}
