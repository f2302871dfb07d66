import assert from "node:assert/strict";
import { test } from "node:test";
import { complete } from "#schema/derive/defaults.ts";
import { CertificateSigningRequest } from "./certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { Event } from "./core/event/event.ts";
import { eventKey, newEvent } from "./core/event/new-event.ts";
import { Namespace } from "./core/namespace/namespace.ts";
import { Pod } from "./core/pod/pod.ts";
import { graceSeconds, preparePod } from "./core/pod/pod-strategy.ts";
import { referenceTo } from "./core/reference.ts";
import { Secret } from "./core/secret/secret.ts";
import { Service } from "./core/service/service.ts";
import { prepareService } from "./core/service/service-strategy.ts";
import { EndpointSlice } from "./discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { fromCore, toCore } from "./events.k8s.io/event/conversion.ts";

const created = { subresource: "" };

test("a new Pod is pending with its class of service", () => {
  const pod = complete(Pod, { spec: { containers: [{ name: "c", resources: { limits: { cpu: "1", memory: "1Gi" } } }] } });
  assert.deepEqual(preparePod({ ...pod, status: { phase: "Running" } }, created).status, { phase: "Pending", qosClass: "Guaranteed" });
  const gated = preparePod({ ...pod, spec: { ...pod.spec, schedulingGates: [{ name: "g" }] } }, created);
  assert.equal(gated.status.conditions?.[0]?.reason, "SchedulingGated");
});

test("a Pod without a Node, or one that ended, goes at once", () => {
  const pod = complete(Pod, { spec: { nodeName: "n", terminationGracePeriodSeconds: 7 } });
  assert.equal(graceSeconds(pod), 7);
  assert.equal(graceSeconds({ ...pod, status: { phase: "Failed" } }), undefined);
  assert.equal(graceSeconds(complete(Pod, {})), undefined);
});

test("a Namespace begins active with its finalizer, which updates keep", () => {
  const prepare = Namespace.prepare as unknown as (namespace: Namespace, context: { old?: Namespace; subresource: string }) => Namespace;
  const fresh = prepare(complete(Namespace, { metadata: { name: "a" } }), created);
  assert.deepEqual(fresh.spec.finalizers, ["kubernetes"]);
  assert.equal(fresh.status.phase, "Active");
  assert.deepEqual(prepare({ ...fresh, spec: { finalizers: [] } }, { old: fresh, subresource: "" }).spec.finalizers, ["kubernetes"]);
});

test("a Secret's stringData becomes data and wins", () => {
  const prepare = Secret.prepare as unknown as (secret: Secret) => Secret;
  const secret = prepare(complete(Secret, { data: { a: "MQ==", b: "MQ==" }, stringData: { b: "é" } }));
  assert.deepEqual(secret.data, { a: "MQ==", b: "w6k=" });
  assert.equal(secret.stringData, undefined);
});

test("a Service keeps its address and its Nodes' ports until its type changes", () => {
  const old = complete(Service, {
    spec: { type: "NodePort", clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"], ports: [{ port: 80, nodePort: 30080 }] },
  });
  const written = complete(Service, { spec: { type: "NodePort", ports: [{ port: 80 }] } });
  const kept = prepareService(written, { old, subresource: "" }).spec;
  assert.equal(kept.clusterIP, "10.96.0.9");
  assert.equal(kept.ports?.[0]?.nodePort, 30080);
  const inside = prepareService({ ...old, spec: { ...old.spec, type: "ClusterIP" } }, { old, subresource: "" }).spec;
  assert.equal(inside.ports?.[0]?.nodePort, undefined);
  assert.equal(inside.externalTrafficPolicy, undefined);
  const named = prepareService({ ...old, spec: { ...old.spec, type: "ExternalName" } }, { old, subresource: "" }).spec;
  assert.equal(named.clusterIP, undefined);
});

test("approval and status of a request keep out of each other's way", () => {
  type Request = CertificateSigningRequest;
  const prepare = CertificateSigningRequest.prepare as unknown as (
    request: Request,
    context: { old?: Request; subresource: string },
  ) => Request;
  const old = complete(CertificateSigningRequest, { spec: { signerName: "a/b" }, status: { certificate: "AA==" } });
  const approved = { type: "Approved", status: "True" };
  const request = { ...old, status: { certificate: "BB==", conditions: [approved] } };
  assert.deepEqual(prepare(request, { old, subresource: "approval" }).status, { certificate: "AA==", conditions: [approved] });
  assert.deepEqual(prepare(request, { old, subresource: "status" }).status, { certificate: "BB==", conditions: [] });
  assert.deepEqual(prepare(request, { old, subresource: "" }).status, { certificate: "AA==" });
});

test("an EndpointSlice's generation grows with what it says", () => {
  const prepare = EndpointSlice.prepare as unknown as (slice: EndpointSlice, context: { old?: EndpointSlice }) => EndpointSlice;
  const first = prepare(complete(EndpointSlice, { addressType: "IPv4" }), {});
  assert.equal(first.metadata.generation, 1);
  assert.equal(prepare({ ...first }, { old: first }).metadata.generation, 1);
  assert.equal(prepare({ ...first, endpoints: [{ addresses: ["10.0.0.1"], conditions: {} }] }, { old: first }).metadata.generation, 2);
});

test("an Event about a Pod, and the same in the other group's words", () => {
  const pod = complete(Pod, { metadata: { name: "p", namespace: "n", uid: "u", resourceVersion: "7" } });
  const facts = {
    about: referenceTo(pod, "spec.containers{c}"),
    type: "Normal",
    reason: "Pulled",
    message: "m",
    component: "kubelet",
    host: "n1",
  } as const;
  const now = Date.parse("2026-01-01T00:00:00Z") + 0.25;
  const draft = newEvent({ ...facts, now });
  assert.match(draft.metadata?.name ?? "", /^p\.[0-9a-f]{16}$/);
  assert.equal(draft.metadata?.namespace, "n");
  assert.deepEqual(draft.involvedObject, {
    apiVersion: "v1",
    kind: "Pod",
    name: "p",
    namespace: "n",
    uid: "u",
    resourceVersion: "7",
    fieldPath: "spec.containers{c}",
  });
  const event = complete<Event>(Event, draft);
  const other = fromCore(event);
  assert.equal(other.note, "m");
  assert.deepEqual(other.regarding, event.involvedObject);
  assert.deepEqual(toCore(other), event);
  assert.notEqual(eventKey(facts), eventKey({ ...facts, reason: "Failed" }));
});
