// Versions of the API served by another server of the simulation, and by a part of this process.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allKinds } from "#api/all.ts";
import { APIService } from "#api/apiregistration.k8s.io/api-service/api-service.ts";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { rootScope } from "#base/scope.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import { simulatedWorld, type SimulatedWorld } from "#platform/simulated/world.ts";
import { openMemoryStore } from "#store/memory/memory-store.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "#wire/http/message.ts";
import { security } from "../security.ts";
import { serviceAccountIssuer } from "../authentication/service-accounts/issuer.ts";
import { type AggregationOptions, type ApiServer, startApiServer } from "../start.ts";

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const list = {
  kind: "APIResourceList",
  groupVersion: "tea.example.com/v1",
  resources: [
    { name: "cups", singularName: "cup", namespaced: true, kind: "Cup", verbs: ["get", "list"] },
    { name: "cups/handle", singularName: "", namespaced: true, kind: "Handle", verbs: ["get"] },
    { name: 5 },
  ],
};
const openapi = "/openapi/v3/apis/tea.example.com/v1?hash=A";
const spec = { group: "tea.example.com", version: "v1", groupPriorityMinimum: 100, versionPriority: 100 };

interface Setting {
  readonly world: SimulatedWorld;
  readonly api: ApiServer;
  readonly asked: HttpRequest[];
  ask(path: string, options?: { method?: string; body?: string; accept?: string }): Promise<{ status: number; text: string }>;
  available(): Promise<string>;
}

async function withServer(
  other: HttpHandler,
  run: (setting: Setting) => Promise<void>,
  options: AggregationOptions = { toEndpoints: true },
): Promise<void> {
  const world = simulatedWorld({ seed: 1 });
  const failures: unknown[] = [];
  const scope = rootScope("test", (error) => failures.push(error));
  try {
    await world.run(async () => {
      const asked: HttpRequest[] = [];
      const address = world.network.addresses().find(({ internal }) => !internal)?.address ?? "";
      const key = await world.crypto.generateKey("ecdsa-p256");
      const now = world.clock.now();
      const certificate = await world.crypto.issueCertificate({
        subject: { commonName: "kettle" },
        publicKey: key.publicKey,
        signingKey: key.privateKey,
        isCa: true,
        dnsNames: ["kettle.tea.svc"],
        notBefore: now - 1_000,
        notAfter: now + 1e9,
      });
      await world.network.serve(scope, { host: address, port: 8443, tls: { certificate, key: key.privateKey } }, (request) => {
        if (!request.headers["x-remote-user"]?.startsWith("system:kube-aggregator")) asked.push(request);
        return other(request);
      });
      const issuer = serviceAccountIssuer(world, { issuers: ["https://i"], signingKey: key });
      const tokens = [{ token: "admin", user: { name: "ann", groups: ["system:masters", "tea, drinkers"] } }];
      const api = await startApiServer(scope, world, {
        store: await openMemoryStore(scope, world),
        kinds: allKinds,
        security: security({ issuer, tokens }),
        admission: [],
        connect: (handle) =>
          restClient(inProcessTransport(handle, { identity: { user: "", groups: [] }, userAgent: "t" }), { fieldManager: "t" }),
        aggregation: options,
      });
      await api.started;
      const rest = api.registry;
      await rest.of(Service).create({ metadata: { name: "kettle", namespace: "tea" }, spec: { ports: [{ name: "https", port: 443 }] } });
      await rest.of(EndpointSlice).create({
        metadata: { name: "kettle-1", namespace: "tea", labels: { "kubernetes.io/service-name": "kettle" } },
        addressType: "IPv4",
        ports: [{ name: "https", port: 8443 }],
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
      });
      if (!options.inProcess) {
        const caBundle = btoa(certificate);
        await rest.of(APIService).create({
          metadata: { name: "v1.tea.example.com" },
          spec: { ...spec, caBundle, service: { namespace: "tea", name: "kettle" } },
        });
      }
      const { port } = await world.network.serve(scope, { host: address, port: 6443 }, api.handle);
      const client = world.network.client({ url: `http://${address}:${port}` });
      await run({
        world,
        api,
        asked,
        async ask(path, { method = "GET", body, accept = "application/json" } = {}) {
          const headers = { authorization: "Bearer admin", accept };
          const response = await client.request({
            method,
            path,
            headers,
            timeoutMilliseconds: 90_000,
            ...(body !== undefined && { body: bytes(body) }),
          });
          return { status: response.status, text: new TextDecoder().decode(await response.bytes()) };
        },
        async available() {
          const { status } = await rest.of(APIService).get("", "v1.tea.example.com");
          return status.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`).join() ?? "";
        },
      });
      client.close();
    });
  } finally {
    await scope.stop();
    world.close();
  }
  assert.deepEqual(failures, []);
}

const kettle: HttpHandler = async ({ path }): Promise<HttpResponse> =>
  path === "/apis/tea.example.com/v1"
    ? { status: 200, headers: { "content-type": "application/json" }, body: bytes(list) }
    : path === "/openapi/v3"
      ? { status: 200, headers: {}, body: bytes({ paths: { "apis/tea.example.com/v1": { serverRelativeURL: openapi } } }) }
      : path.endsWith("/moved")
        ? { status: 302, headers: { location: "http://169.254.169.254/" }, body: bytes("") }
        : { status: 200, headers: { "content-type": "application/json" }, body: bytes({ path }) };

const cups = "/apis/tea.example.com/v1/namespaces/a/cups";

test("AGG1 requests go to the server behind the APIService, with word of who asks and without their credentials", () =>
  withServer(kettle, async ({ world, ask, asked, available }) => {
    await world.clock.sleep(
      rootScope("pause", () => {}),
      500,
    );
    assert.equal(await available(), "Available True Passed");
    assert.deepEqual(await ask(`${cups}/blue?x=1`), { status: 200, text: JSON.stringify({ path: `${cups}/blue` }) });
    const [first] = asked;
    assert.equal(first?.query, "x=1");
    assert.equal(first?.headers["x-remote-user"], "ann");
    assert.equal(first?.headers["x-remote-group"], "system:masters, tea, drinkers, system:authenticated");
    assert.equal(first?.headers["authorization"], undefined);
    assert.equal((await ask(cups, { method: "POST", body: "{}" })).status, 200);
    assert.equal(new TextDecoder().decode(await asked[1]?.body(10)), "{}");
    assert.equal((await ask(`${cups}/moved`)).status, 502);
  }));

test("AGG2 what the server serves is part of discovery", () =>
  withServer(kettle, async ({ world, ask }) => {
    await world.clock.sleep(
      rootScope("pause", () => {}),
      500,
    );
    const { groups } = JSON.parse((await ask("/apis")).text);
    assert.deepEqual(groups.at(-1), {
      name: "tea.example.com",
      versions: [{ groupVersion: "tea.example.com/v1", version: "v1" }],
      preferredVersion: { groupVersion: "tea.example.com/v1", version: "v1" },
    });
    assert.deepEqual(JSON.parse((await ask("/apis/tea.example.com/v1")).text), list);
    assert.equal(JSON.parse((await ask("/openapi/v3")).text).paths["apis/tea.example.com/v1"].serverRelativeURL, openapi);
    assert.equal((await ask(openapi)).text, JSON.stringify({ path: "/openapi/v3/apis/tea.example.com/v1" }));
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const { items } = JSON.parse((await ask("/apis", { accept })).text);
    const cup = { group: "tea.example.com", version: "v1", kind: "Cup" };
    assert.deepEqual(items.at(-1).versions, [
      {
        version: "v1",
        resources: [
          {
            resource: "cups",
            responseKind: cup,
            scope: "Namespaced",
            singularResource: "cup",
            verbs: ["get", "list"],
            subresources: [{ subresource: "handle", responseKind: { ...cup, kind: "Handle" }, verbs: ["get"] }],
          },
        ],
        freshness: "Current",
      },
    ]);
  }));

test("AGG3 a server that cannot be reached is not available, and says why", () => {
  let isUp = true;
  return withServer(
    async (request) => (isUp ? kettle(request) : { status: 500, headers: {}, body: bytes("") }),
    async ({ world, api, ask, available }) => {
      const pause = (milliseconds: number) =>
        world.clock.sleep(
          rootScope("pause", () => {}),
          milliseconds,
        );
      isUp = false;
      await pause(60_000);
      assert.equal(await available(), "Available False FailedDiscoveryCheck");
      assert.deepEqual(await ask(cups), { status: 503, text: "service unavailable\n" });
      isUp = true;
      await pause(10_000);
      assert.equal(await available(), "Available True Passed");
      await api.registry.of(EndpointSlice).delete("tea", "kettle-1");
      await pause(31_000);
      assert.equal(await available(), "Available False EndpointsNotFound");
      await api.registry.of(Service).delete("tea", "kettle");
      await pause(31_000);
      assert.equal(await available(), "Available False ServiceNotFound");
      await api.registry.of(APIService).delete("", "v1.tea.example.com");
      await pause(1_000);
      assert.equal((await ask(cups)).status, 404);
    },
  );
});

test("AGG4 a part of this process serves a version as well; own versions are listed; servers are told how to know this one", () =>
  withServer(
    kettle,
    async ({ world, api, ask, available }) => {
      await world.clock.sleep(
        rootScope("pause", () => {}),
        3_000,
      );
      assert.equal(await available(), "Available True Local");
      assert.equal((await ask(`${cups}/blue`)).text, JSON.stringify({ path: `${cups}/blue` }));
      const { status, spec: own } = await api.registry.of(APIService).get("", "v1.apps");
      assert.deepEqual([own.groupPriorityMinimum, own.versionPriority, status.conditions?.[0]?.reason], [17_800, 15, "Local"]);
      const { data } = await api.registry.of(ConfigMap).get("kube-system", "extension-apiserver-authentication");
      assert.equal(data?.["requestheader-client-ca-file"], "CA");
      assert.equal(data?.["requestheader-username-headers"], '["X-Remote-User"]');
    },
    {
      inProcess: { "v1.tea.example.com": kettle },
      listLocal: true,
      requestHeader: {
        clientCa: "CA",
        allowedNames: ["front-proxy-client"],
        usernameHeaders: ["X-Remote-User"],
        uidHeaders: [],
        groupHeaders: [],
        extraHeaderPrefixes: [],
      },
    },
  ));

test("AGG5 a server that stops in the middle of its answer is not available", () => {
  let isStuck = false;
  return withServer(
    async (request) => (isStuck ? { status: 200, headers: {}, body: { stream: (sink) => void sink.write(bytes("{")) } } : kettle(request)),
    async ({ world, available }) => {
      const pause = (milliseconds: number) =>
        world.clock.sleep(
          rootScope("pause", () => {}),
          milliseconds,
        );
      await pause(1_000);
      assert.equal(await available(), "Available True Passed");
      isStuck = true;
      await pause(40_000);
      assert.equal(await available(), "Available False FailedDiscoveryCheck");
    },
  );
});

test("AGG6 a request that outlasts the time limit is given up at the server it went to", () =>
  withServer(
    async (request) => (request.path.endsWith("/slow") ? Promise.withResolvers<HttpResponse>().promise : kettle(request)),
    async ({ world, ask, asked }) => {
      await world.clock.sleep(
        rootScope("pause", () => {}),
        500,
      );
      assert.equal((await ask(`${cups}/slow`)).status, 504);
      assert.equal(asked.at(-1)?.path, `${cups}/slow`);
      assert.equal(asked.at(-1)?.signal.aborted, true);
    },
  ));
