// Logs, exec and proxies against a kubelet of the simulation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allKinds } from "#api/all.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { rootScope } from "#base/scope.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import type { HttpClient } from "#platform/network.ts";
import { simulatedWorld, type SimulatedWorld } from "#platform/simulated/world.ts";
import { openMemoryStore } from "#store/memory/memory-store.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "#wire/http/message.ts";
import { WebSocket } from "#wire/websocket/web-socket.ts";
import { serviceAccountIssuer } from "../../authentication/service-accounts/issuer.ts";
import { security } from "../../security.ts";
import { startApiServer } from "../../start.ts";
import { mayBeProxied } from "./proxy.ts";
import { relay } from "./relay.ts";

interface Setting {
  readonly world: SimulatedWorld;
  readonly client: HttpClient;
  readonly asked: HttpRequest[];
}

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = async (response: { bytes(): Promise<Uint8Array> }) => new TextDecoder().decode(await response.bytes());
const admin = { authorization: "Bearer admin" };

async function withKubelet(kubelet: HttpHandler, run: (setting: Setting) => Promise<void>): Promise<void> {
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
        subject: { commonName: "n1" },
        publicKey: key.publicKey,
        signingKey: key.privateKey,
        isCa: true,
        ipAddresses: [address],
        notBefore: now - 1_000,
        notAfter: now + 1e9,
      });
      await world.network.serve(scope, { host: address, port: 10250, tls: { certificate, key: key.privateKey } }, (request) => {
        asked.push(request);
        return kubelet(request);
      });
      const issuer = serviceAccountIssuer(world, { issuers: ["https://i"], signingKey: key });
      const tokens = [
        { token: "admin", user: { name: "admin", groups: ["system:masters"] } },
        { token: "reader", user: { name: "reader", groups: ["readers"] } },
      ];
      const api = await startApiServer(scope, world, {
        store: await openMemoryStore(scope, world),
        kinds: allKinds,
        security: security({ issuer, tokens, kubelets: { addressTypes: ["InternalIP"], ca: certificate, without } }),
        admission: [],
        connect: (handle) =>
          restClient(inProcessTransport(handle, { identity: { user: "", groups: [] }, userAgent: "t" }), { fieldManager: "t" }),
      });
      await api.started;
      const nodes = api.registry.of(Node);
      await nodes.create({ metadata: { name: "n1" } });
      await nodes.update(
        "",
        "n1",
        (node) => ({
          ...node,
          status: { ...node.status, addresses: [{ type: "InternalIP", address }], daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } },
        }),
        { subresource: "status" },
      );
      await api.registry.of(Pod).create({
        metadata: { name: "web", namespace: "default" },
        spec: {
          nodeName: "n1",
          containers: [
            { name: "a", image: "i" },
            { name: "b", image: "i" },
          ],
        },
      });
      const { port } = await world.network.serve(scope, { host: address, port: 6443 }, api.handle);
      const client = world.network.client({ url: `http://${address}:${port}` });
      await run({ world, client, asked });
      client.close();
    });
  } finally {
    await scope.stop();
    world.close();
  }
  assert.deepEqual(failures, []);
}

const pod = "/api/v1/namespaces/default/pods/web";
const without = { label: "example.com/none", why: "has no kubelet" };

test("logs come from the kubelet, with its refusals in its words", () =>
  withKubelet(
    async ({ path }) =>
      path.endsWith("/b")
        ? { status: 400, headers: {}, body: bytes('container "b" in pod "web" is waiting to start: ContainerCreating') }
        : { status: 200, headers: {}, body: { stream: (sink) => (sink.write(bytes("one\n")), sink.write(bytes("two\n")), sink.end()) } },
    async ({ client, asked }) => {
      const log = await client.request({ method: "GET", path: `${pod}/log?container=a&tailLines=2&follow=true`, headers: admin });
      assert.equal(log.status, 200);
      assert.equal(await textOf(log), "one\ntwo\n");
      assert.equal(asked[0]?.path, "/containerLogs/default/web/a");
      assert.equal(asked[0]?.query, "follow=true&tailLines=2");
      assert.equal(asked[0]?.headers["authorization"], undefined);
      const message = async (query: string) => {
        const response = await client.request({ method: "GET", path: `${pod}/log${query}`, headers: admin });
        return [response.status, JSON.parse(await textOf(response)).message];
      };
      assert.deepEqual(await message("?container=b"), [400, 'container "b" in pod "web" is waiting to start: ContainerCreating']);
      assert.deepEqual(await message(""), [400, "a container name must be specified for pod web, choose one of: [a b]"]);
      assert.deepEqual(await message("?container=c"), [400, "container c is not valid for pod web"]);
      assert.equal((await message("?container=a&tailLines=-1"))[0], 422);
      const labels = `{"metadata":{"labels":{"${without.label}":""}}}`;
      const headers = { ...admin, "content-type": "application/merge-patch+json" };
      await client.request({ method: "PATCH", path: "/api/v1/nodes/n1", headers, body: bytes(labels) });
      assert.deepEqual(await message("?container=a"), [405, 'node "n1" has no kubelet']);
    },
  ));

test("a log that is not answered within the time limit is given up at the kubelet", () =>
  withKubelet(
    () => Promise.withResolvers<HttpResponse>().promise,
    async ({ client, asked }) => {
      const asking = { method: "GET", path: `${pod}/log?container=a`, headers: admin, timeoutMilliseconds: 90_000 };
      assert.equal((await client.request(asking)).status, 504);
      assert.deepEqual(
        asked.map(({ signal }) => signal.aborted),
        [true],
      );
    },
  ));

test("a log is read over a WebSocket, piece by piece, as bytes or base64; a client that goes is told to the kubelet", () => {
  const left = Promise.withResolvers<void>();
  return withKubelet(
    async ({ path }) => ({
      status: 200,
      headers: {},
      body: {
        stream: (sink) => {
          sink.write(bytes("one\n"));
          if (path.endsWith("/a")) sink.end();
          else sink.signal.addEventListener("abort", () => left.resolve());
        },
      },
    }),
    async ({ client }) => {
      const headers = { ...admin, upgrade: "websocket", connection: "Upgrade", "sec-websocket-version": "13", "sec-websocket-key": "a2V5" };
      const open = async (container: string, protocol: string) => {
        const asking = { ...headers, ...(protocol && { "sec-websocket-protocol": protocol }) };
        return client.upgrade({ method: "GET", path: `${pod}/log?container=${container}`, headers: asking });
      };
      const socketOf = (answer: Awaited<ReturnType<typeof open>>, protocol: string) => {
        assert.ok("stream" in answer);
        assert.equal(answer.headers["sec-websocket-protocol"], protocol || undefined);
        return new WebSocket(answer.stream, { side: { randomBytes: (length) => new Uint8Array(length) } });
      };
      for (const [protocol, type, text] of [
        ["", "binary", "one\n"],
        ["binary.k8s.io", "binary", "one\n"],
        ["base64.binary.k8s.io", "text", btoa("one\n")],
      ] as const) {
        const heard = [];
        for await (const message of socketOf(await open("a", protocol), protocol).messages())
          heard.push([message.type, new TextDecoder().decode(message.bytes)]);
        assert.deepEqual(heard, [
          [type, ""],
          [type, text],
        ]);
      }
      const other = await open("a", "v5.channel.k8s.io");
      assert.ok("refused" in other);
      assert.equal(other.refused.status, 400);
      const following = socketOf(await open("b", "binary.k8s.io"), "binary.k8s.io");
      following.destroy();
      await left.promise;
    },
  );
});

test("exec hands the connection through, both ways", () =>
  withKubelet(
    async ({ upgrade, headers }) => {
      assert.ok(upgrade);
      const { stream } = upgrade({
        connection: "Upgrade",
        upgrade: headers["upgrade"] ?? "",
        "x-stream-protocol-version": "v4.channel.k8s.io",
      });
      void (async () => {
        for await (const chunk of stream.incoming) await stream.write(bytes(`echo ${new TextDecoder().decode(chunk)}`));
        stream.end();
      })();
      return { status: 101, headers: {}, upgraded: true };
    },
    async ({ client, asked }) => {
      const path = `${pod}/exec?container=a&command=sh&command=-c&command=ls+%2F&stdin=true&stdout=true&tty=false`;
      const answer = await client.upgrade({ method: "POST", path, headers: { ...admin, upgrade: "SPDY/3.1", connection: "Upgrade" } });
      assert.ok("stream" in answer);
      assert.equal(answer.headers["x-stream-protocol-version"], "v4.channel.k8s.io");
      await answer.stream.write(bytes("hello"));
      const [first] = [await answer.stream.incoming[Symbol.asyncIterator]().next()];
      assert.equal(new TextDecoder().decode(first.value), "echo hello");
      answer.stream.destroy();
      assert.equal(asked[0]?.path, "/exec/default/web/a");
      assert.equal(asked[0]?.query, "input=1&output=1&error=1&command=sh&command=-c&command=ls+%2F");
    },
  ));

test("all that was said arrives, although the kubelet ends right behind it; and a client that goes is told to the kubelet", () => {
  const told = Promise.withResolvers<void>();
  return withKubelet(
    async ({ upgrade, path }) => {
      assert.ok(upgrade);
      const { stream } = upgrade({ connection: "Upgrade", upgrade: "SPDY/3.1" });
      if (path.startsWith("/exec")) {
        for (let count = 0; count < 100; count++) void stream.write(new Uint8Array(10_000));
        stream.end();
      } else void stream.closed.then(() => told.resolve());
      return { status: 101, headers: {}, upgraded: true };
    },
    async ({ client }) => {
      const headers = { ...admin, upgrade: "SPDY/3.1", connection: "Upgrade" };
      const said = await client.upgrade({ method: "POST", path: `${pod}/exec?container=a&command=x`, headers });
      assert.ok("stream" in said);
      let length = 0;
      for await (const chunk of said.stream.incoming) length += chunk.length;
      assert.equal(length, 1_000_000);
      said.stream.end();
      const left = await client.upgrade({ method: "POST", path: `${pod}/attach?container=a`, headers });
      assert.ok("stream" in left);
      left.stream.destroy();
      await told.promise;
    },
  );
});

test("an upgrade that the kubelet refuses stays an ordinary answer; redirects are not followed", () =>
  withKubelet(
    async ({ path }) =>
      path.startsWith("/attach")
        ? { status: 302, headers: { location: "http://169.254.169.254/" }, body: new Uint8Array(0) }
        : { status: 403, headers: {}, body: bytes("no") },
    async ({ client }) => {
      const upgrade = { ...admin, upgrade: "websocket", connection: "Upgrade" };
      const refused = await client.upgrade({ method: "GET", path: `${pod}/exec?container=a&command=ls`, headers: upgrade });
      assert.ok("refused" in refused);
      assert.equal(refused.refused.status, 403);
      assert.equal(await textOf(refused.refused), "no");
      const redirected = await client.upgrade({ method: "GET", path: `${pod}/attach?container=a`, headers: upgrade });
      assert.ok("refused" in redirected);
      assert.equal(redirected.refused.status, 502);
      assert.match(await textOf(redirected.refused), /redirect this request, which is not permitted/);
    },
  ));

test("proxies refuse steps upwards, and pass all else on without credentials", () =>
  withKubelet(
    async ({ path, query }) => ({ status: 200, headers: { "content-type": "text/plain" }, body: bytes(`${path}?${query}`) }),
    async ({ client, asked }) => {
      const ask = (path: string) => client.request({ method: "GET", path, headers: { ...admin, cookie: "c" } });
      const found = await ask("/api/v1/nodes/n1/proxy/stats/summary?a=b");
      assert.equal(await textOf(found), "/stats/summary?a=b");
      assert.equal(asked[0]?.headers["authorization"], undefined);
      assert.equal(asked[0]?.headers["cookie"], undefined);
      for (const path of ["/a/%2e%2e/b", "/..%2fb", "/%2e%2e%5cb"]) {
        assert.equal((await ask(`/api/v1/nodes/n1/proxy${path}`)).status, 400, path);
      }
      assert.equal(asked.length, 1);
    },
  ));

test("reading rights are not enough to run commands over a WebSocket", () =>
  withKubelet(
    async () => ({ status: 500, headers: {} }),
    async ({ client, asked }) => {
      const bindings = "/apis/rbac.authorization.k8s.io/v1";
      const post = (path: string, body: object) =>
        client.request({
          method: "POST",
          path,
          headers: { ...admin, "content-type": "application/json" },
          body: bytes(JSON.stringify(body)),
        });
      const rules = [{ verbs: ["get"], apiGroups: [""], resources: ["pods/exec", "nodes/proxy"] }];
      assert.equal((await post(`${bindings}/clusterroles`, { metadata: { name: "r" }, rules })).status, 201);
      const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "r" };
      const subjects = [{ kind: "User", name: "reader" }];
      assert.equal((await post(`${bindings}/clusterrolebindings`, { metadata: { name: "r" }, roleRef, subjects })).status, 201);
      const headers = { authorization: "Bearer reader", upgrade: "websocket", connection: "Upgrade" };
      const answer = await client.upgrade({ method: "GET", path: `${pod}/exec?container=a&command=ls`, headers });
      assert.ok("refused" in answer);
      assert.equal(answer.refused.status, 403);
      assert.match(await textOf(answer.refused), /cannot create resource \\"pods\/exec\\"/);
      const proxied = await client.upgrade({ method: "GET", path: "/api/v1/nodes/n1/proxy/exec/default/web/a?command=ls", headers });
      assert.ok("refused" in proxied);
      assert.equal(proxied.refused.status, 403);
      assert.equal(asked.length, 0);
    },
  ));

test("only addresses of others are proxied to, however they are written", () => {
  const own = ["127.0.0.1", "127.8.8.8", "0.0.0.0", "169.254.169.254", "224.0.0.1", "::", "::1", "0:0:0:0:0:0:0:1"];
  const disguised = ["::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "2130706433", "127.1", "0x7f000001", "localhost", "a.b", ""];
  const links = ["fe80::1", "FEBF::1", "ff02::1"];
  for (const address of [...own, ...disguised, ...links]) assert.equal(mayBeProxied(address), false, address);
  for (const address of ["10.0.0.1", "192.168.1.1", "2001:db8::1", "fd00::1", "::ffff:10.0.0.1"]) {
    assert.equal(mayBeProxied(address), true, address);
  }
});

test("an answer without a body lets go of the connection it came by", async () => {
  for (const status of [204, 304]) {
    let isDone = false;
    const client = {
      request: async () => ({ status, headers: { etag: "x" }, body: (async function* () {})(), bytes: async () => new Uint8Array(0) }),
    };
    const http = { method: "GET", path: "/", query: "", headers: {}, signal: new AbortController().signal } as never;
    const answer = await relay({} as never, http, {
      client: client as never,
      url: "http://10.0.0.1",
      path: "/",
      prefix: "",
      done: () => {
        isDone = true;
      },
    });
    assert.deepEqual(answer, { response: { status, headers: { etag: "x" } } });
    assert.equal(isDone, true);
  }
});
