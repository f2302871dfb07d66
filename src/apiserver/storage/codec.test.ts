import assert from "node:assert/strict";
import { test } from "node:test";
import { CustomResourceDefinition } from "#api/apiextensions.k8s.io/custom-resource-definition/custom-resource-definition.ts";
import { customResourceDefinitionV1beta1 } from "#api/apiextensions.k8s.io/custom-resource-definition/v1beta1.ts";
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { endpointSliceV1beta1 } from "#api/discovery.k8s.io/endpoint-slice/v1beta1.ts";
import { Ingress } from "#api/networking.k8s.io/ingress/ingress.ts";
import { ingressV1beta1 } from "#api/networking.k8s.io/ingress/v1beta1.ts";
import { readJson } from "#schema/derive/json.ts";
import { wrapUnknown, writeProtobuf } from "#schema/derive/protobuf.ts";
import type { Kind } from "#schema/kind.ts";
import { Codec } from "./codec.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const json = (object: object) => Buffer.from(JSON.stringify(object));
/** As a server that stores protobuf would have stored it. */
const stored = (kind: Kind, object: object) =>
  wrapUnknown(kind.apiVersion, kind.name, writeProtobuf(kind.message, readJson(kind.message, JSON.stringify(object)).value as never));
const fields = (codec: Codec, bytes: Uint8Array) => {
  const { kind: _kind, apiVersion: _apiVersion, metadata: _metadata, ...rest } = JSON.parse(text(codec.fromStored(bytes)));
  return rest;
};

test("what was stored as a former version of the same fields is read as today's", () => {
  const lease = { apiVersion: "coordination.k8s.io/v1beta1", kind: "Lease", metadata: { name: "a" }, spec: { holderIdentity: "me" } };
  const codec = new Codec(Lease);
  const bytes = wrapUnknown(lease.apiVersion, "Lease", writeProtobuf(Lease.message, lease as never));
  for (const one of [bytes, json(lease)])
    assert.equal(text(codec.fromStored(one)), `${codec.head}"name":"a"},"spec":{"holderIdentity":"me"}}`);
});

test("JSON that another server laid out otherwise is laid out as ours", () => {
  const codec = new Codec(Lease);
  const text_ = ' { "metadata": {"name": "a"}, "apiVersion": "coordination.k8s.io/v1",\n "kind": "Lease"}\n';
  assert.equal(text(codec.fromStored(Buffer.from(text_))), `${codec.head}"name":"a"},"spec":{}}`);
});

test("another kind, or a version nobody knows, is refused by name", () => {
  for (const [apiVersion, kind] of [
    ["coordination.k8s.io/v1alpha9", "Lease"],
    ["v1", "Lease"],
    ["coordination.k8s.io/v1", "Pod"],
  ]) {
    const expected = { message: `a ${kind} of ${apiVersion} is stored where a Lease of coordination.k8s.io/v1 is expected` };
    assert.throws(() => new Codec(Lease).fromStored(json({ apiVersion, kind, metadata: { name: "a" } })), expected);
    assert.throws(() => new Codec(Lease).fromStored(wrapUnknown(`${apiVersion}`, `${kind}`, new Uint8Array())), expected);
  }
});

test("an EndpointSlice of v1beta1 has its zone and host among the topology", () => {
  const former = endpointSliceV1beta1().kind;
  const slice = {
    apiVersion: former.apiVersion,
    kind: former.name,
    metadata: { name: "a" },
    addressType: "IPv4",
    ports: [{ name: "http", port: 80 }],
    endpoints: [
      {
        addresses: ["10.0.0.1"],
        topology: { "topology.kubernetes.io/zone": "a", "kubernetes.io/hostname": "one", rack: "7" },
        hints: { forZones: [{ name: "a" }] },
      },
      { addresses: ["10.0.0.2"], nodeName: "two" },
    ],
  };
  const expected = {
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 80 }],
    endpoints: [
      {
        addresses: ["10.0.0.1"],
        conditions: {},
        deprecatedTopology: { rack: "7" },
        nodeName: "one",
        zone: "a",
        hints: { forZones: [{ name: "a" }] },
      },
      { addresses: ["10.0.0.2"], conditions: {}, nodeName: "two" },
    ],
  };
  for (const bytes of [json(slice), stored(former, slice)]) assert.deepEqual(fields(new Codec(EndpointSlice), bytes), expected);
});

test("an Ingress of v1beta1 names its Service and port side by side", () => {
  const former = ingressV1beta1().kind;
  const ingress = {
    apiVersion: former.apiVersion,
    kind: former.name,
    metadata: { name: "a" },
    spec: {
      backend: { serviceName: "rest", servicePort: "http" },
      rules: [{ host: "a.example", http: { paths: [{ path: "/", backend: { serviceName: "web", servicePort: 80 } }] } }, { host: "b" }],
    },
  };
  const expected = {
    defaultBackend: { service: { name: "rest", port: { name: "http" } } },
    rules: [
      {
        host: "a.example",
        http: { paths: [{ path: "/", backend: { service: { name: "web", port: { number: 80 } } }, pathType: "ImplementationSpecific" }] },
      },
      { host: "b" },
    ],
  };
  for (const bytes of [json(ingress), stored(former, ingress)]) assert.deepEqual(fields(new Codec(Ingress), bytes).spec, expected);
});

test("a CustomResourceDefinition of v1beta1 says once what all its versions have in common", () => {
  const former = customResourceDefinitionV1beta1().kind;
  const schema = { openAPIV3Schema: { type: "object" } };
  const definition = (more: object) => ({
    apiVersion: former.apiVersion,
    kind: former.name,
    metadata: { name: "boats.example.com" },
    spec: {
      group: "example.com",
      names: { plural: "boats", kind: "Boat" },
      scope: "Namespaced",
      validation: schema,
      subresources: { status: {} },
      additionalPrinterColumns: [{ name: "Length", type: "integer", JSONPath: ".spec.length" }],
      preserveUnknownFields: false,
      ...more,
    },
  });
  const common = {
    schema,
    subresources: { status: {} },
    additionalPrinterColumns: [{ name: "Length", type: "integer", jsonPath: ".spec.length" }],
  };
  const codec = new Codec(CustomResourceDefinition);
  const specOf = (more: object, write: (object: object) => Uint8Array) => fields(codec, write(definition(more))).spec;
  for (const write of [json, (object: object) => stored(former, object)]) {
    const one = specOf({ version: "v1" }, write);
    assert.deepEqual(one.versions, [{ name: "v1", served: true, storage: true, ...common }]);
    assert.equal(one.preserveUnknownFields, undefined);
    assert.deepEqual(one.conversion, { strategy: "None" });
    const two = specOf(
      {
        versions: [
          { name: "v2", served: true, storage: true },
          { name: "v1", served: true, storage: false, subresources: {} },
        ],
        conversion: { strategy: "Webhook", webhookClientConfig: { url: "https://127.0.0.1/" }, conversionReviewVersions: ["v1"] },
      },
      write,
    );
    assert.deepEqual(two.versions, [
      { name: "v2", served: true, storage: true, ...common },
      { name: "v1", served: true, storage: false, ...common, subresources: {} },
    ]);
    assert.deepEqual(two.conversion.webhook, { clientConfig: { url: "https://127.0.0.1/" }, conversionReviewVersions: ["v1"] });
  }
  const { preserveUnknownFields: _, ...open } = definition({ version: "v1" }).spec;
  assert.equal(fields(codec, json({ ...definition({}), spec: open })).spec.preserveUnknownFields, true);
});
