import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "#api/core/node/node.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Service } from "#api/core/service/service.ts";
import type { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import type { Step } from "../controller.ts";
import type { Informer } from "#client/informer.ts";
import { podsBehind } from "../service-pods.ts";
import { decide, zonedNodes } from "./endpoint-slice-controller.ts";

const meta = (name: string) => ({
  name,
  namespace: "a",
  uid: `uid-${name}`,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
});

const service = (spec: Partial<Service["spec"]> = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: meta("web"),
  spec: {
    selector: { app: "web" },
    ports: [{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }],
    type: "ClusterIP",
    sessionAffinity: "None",
    ...spec,
  },
  status: { loadBalancer: {} },
});

const pod = (index: number, more: { ready?: boolean; port?: number; metadata?: object; spec?: object } = {}): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...meta(`web-${index}`), ...more.metadata },
    spec: {
      nodeName: "n",
      containers: [{ name: "c", ports: [{ name: "http", containerPort: more.port ?? 8080, protocol: "TCP" }] }],
      ...more.spec,
    },
    status: {
      phase: "Running",
      podIP: `10.0.${index >> 8}.${index & 255}`,
      conditions: [{ type: "Ready", status: more.ready === false ? "False" : "True" }],
    },
  }) as unknown as Pod;

const pods = (count: number) => Array.from({ length: count }, (_, index) => pod(index));

/** The slices after the steps. */
function after(before: readonly EndpointSlice[], steps: readonly Step[]): readonly EndpointSlice[] {
  let slices = [...before];
  for (const step of steps) {
    if (step.do === "create")
      slices.push({ ...step.object, metadata: { ...meta(`web-s${slices.length}`), ...step.object.metadata } } as EndpointSlice);
    if (step.do === "update")
      slices = slices.map((slice) => (slice.metadata.name === step.object.metadata.name ? (step.object as EndpointSlice) : slice));
    if (step.do === "delete") slices = slices.filter((slice) => slice.metadata.name !== step.object.metadata.name);
  }
  return slices;
}

const run = (of: Service, its: readonly Pod[], slices: readonly EndpointSlice[] = [], nodes: readonly Node[] = []) =>
  decide({ object: of, pods: its, slices, nodes });

test("slices hold at most 100 endpoints, and a change touches one slice only", () => {
  const slices = after([], run(service(), pods(250)));
  assert.deepEqual(
    slices.map(({ endpoints }) => endpoints.length),
    [100, 100, 50],
  );
  assert.deepEqual(run(service(), pods(250), slices), [], "nothing to do twice");
  const fewer = run(service(), pods(250).toSpliced(120, 1), slices);
  assert.equal(fewer.length, 1);
  const replaced = run(service(), [...pods(250).toSpliced(120, 1), pod(300)], slices);
  assert.equal(replaced.length, 1, "the new one takes the place of the one that went");
  assert.equal(after(slices, run(service(), pods(0), slices)).length, 1, "one empty slice stays");
});

test("conditions tell ready, serving and terminating apart", () => {
  const going = { deletionTimestamp: "2026-01-01T00:00:00Z" };
  const conditionsOf = (of: Service, one: Pod) => after([], run(of, [one]))[0]?.endpoints[0]?.conditions;
  assert.deepEqual(conditionsOf(service(), pod(1)), { ready: true, serving: true, terminating: false });
  assert.deepEqual(conditionsOf(service(), pod(1, { ready: false })), { ready: false, serving: false, terminating: false });
  assert.deepEqual(conditionsOf(service(), pod(1, { metadata: going })), { ready: false, serving: true, terminating: true });
  const eager = service({ publishNotReadyAddresses: true });
  assert.deepEqual(conditionsOf(eager, pod(1, { ready: false })), { ready: true, serving: false, terminating: false });
});

test("Pods that give a port name different numbers stand in different slices", () => {
  const slices = after([], run(service(), [pod(1), pod(2, { port: 9090 }), pod(3)]));
  assert.deepEqual(
    slices.map(({ ports, endpoints }) => [ports[0]?.port, endpoints.length]),
    [
      [8080, 2],
      [9090, 1],
    ],
  );
});

test("labels, zone, host name and owner are there", () => {
  const node = { metadata: { ...meta("n"), labels: { "topology.kubernetes.io/zone": "east" } }, spec: {}, status: {} } as unknown as Node;
  const named = pod(1, { spec: { hostname: "one", subdomain: "web" } });
  const [slice] = after([], run(service({ clusterIP: "None" }), [named], [], [node]));
  assert.deepEqual(slice?.metadata.labels, {
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    "service.kubernetes.io/headless": "",
  });
  assert.equal(slice?.metadata.ownerReferences?.[0]?.kind, "Service");
  const [endpoint] = slice?.endpoints ?? [];
  assert.equal(endpoint?.zone, "east");
  assert.equal(endpoint?.hostname, "one");
  assert.deepEqual(endpoint?.targetRef, { kind: "Pod", name: "web-1", namespace: "a", uid: "uid-web-1" });
});

test("whether a Service is headless is not said by its labels", () => {
  const labelled = service();
  const own = { team: "a", "service.kubernetes.io/headless": "", "kubernetes.io/service-name": "other" };
  const [slice] = after([], run({ ...labelled, metadata: { ...labelled.metadata, labels: own } }, []));
  assert.deepEqual(slice?.metadata.labels, {
    team: "a",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  });
});

test("a Node that moves to a zone, or from one, wakes all Services", () => {
  const services = { list: () => [service()] } as unknown as Informer<Service>;
  const at = (zone?: string) =>
    ({ metadata: { name: "n", labels: zone === undefined ? {} : { "topology.kubernetes.io/zone": zone } } }) as unknown as Node;
  const moved = (old: Node, object: Node) => zonedNodes.wakes({ type: "changed", object, old }, services).length;
  assert.deepEqual([moved(at("a"), at("b")), moved(at("a"), at()), moved(at(), at("a"))], [1, 1, 1]);
  assert.deepEqual([moved(at("a"), at("a")), moved(at(), at())], [0, 0]);
  assert.equal(zonedNodes.wakes({ type: "deleted", object: at("a"), old: at("a") }, services).length, 1);
  assert.equal(zonedNodes.wakes({ type: "added", object: at() }, services).length, 0);
});

test("Services without a selector are left alone", () => {
  const { selector: _, ...spec } = service().spec;
  assert.deepEqual(run({ ...service(), spec }, pods(2)), []);
  assert.deepEqual(run(service({ type: "ExternalName" }), pods(2)), []);
});

test("a Pod that is gone wakes its Services, though nothing else about it changed", () => {
  const services = { list: () => [service()] } as unknown as Informer<Service>;
  const one = pod(1, { metadata: { labels: { app: "web" } } });
  assert.deepEqual(podsBehind.wakes({ type: "deleted", object: one, old: one }, services), ["a/web"]);
  assert.deepEqual(podsBehind.wakes({ type: "changed", object: one, old: one }, services), []);
});

test("trafficDistribution says for which zones and nodes the ready endpoints are meant", () => {
  const node = { metadata: { name: "n", labels: { "topology.kubernetes.io/zone": "east" } } } as unknown as Node;
  const hints = (trafficDistribution: string | undefined, ready = true) => {
    const object = service(trafficDistribution === undefined ? {} : { trafficDistribution });
    const [slice] = after([], decide({ object, pods: [pod(1, { ready })], slices: [], nodes: [node] }));
    return slice?.endpoints[0]?.hints;
  };
  assert.equal(hints(undefined), undefined);
  for (const same of ["PreferClose", "PreferSameZone"]) assert.deepEqual(hints(same), { forZones: [{ name: "east" }] });
  assert.deepEqual(hints("PreferSameNode"), { forZones: [{ name: "east" }], forNodes: [{ name: "n" }] });
  assert.equal(hints("PreferSameNode", false), undefined);
});
