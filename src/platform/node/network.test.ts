import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http2, { type ClientHttp2Session } from "node:http2";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { after, before, describe, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { rootScope, type Scope } from "#base/scope.ts";
import { BodyTooLarge, type HttpHandler, type HttpRequest, type Sink } from "#wire/http/message.ts";
import type { HttpClient, HttpClientOptions, Listener, NetworkError } from "../network.ts";
import { nodeCrypto } from "./crypto.ts";
import { nodeLog } from "./log.ts";
import { nodeNetwork } from "./network.ts";

const lines: string[] = [];
const network = nodeNetwork(nodeLog({ write: (line) => lines.push(line) }));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bytes = (content: string): Uint8Array => Buffer.from(content);
const pieces = Array.from({ length: 2_000 }, (_, index) => Buffer.alloc(3_500, index % 251));

let secrets: {
  ca: string;
  certificate: string;
  key: string;
  clientCertificate: string;
  clientKey: string;
  strangerCertificate: string;
  strangerKey: string;
};

before(async () => {
  const validity = { notBefore: Date.now() - 1_000, notAfter: Date.now() + 3_600_000 };
  const make = async (commonName: string, organizations: string[], issuer?: { key: string; certificate: string }) => {
    const key = await nodeCrypto.generateKey("ecdsa-p256");
    const certificate = await nodeCrypto.issueCertificate({
      subject: { commonName, organizations },
      publicKey: key.publicKey,
      signingKey: issuer?.key ?? key.privateKey,
      ...(issuer ? { issuer: issuer.certificate } : { isCa: true }),
      usages: issuer ? ["digital signature"] : ["cert sign"],
      ...(issuer && { extendedUsages: ["client auth", "server auth"], dnsNames: ["api.test"], ipAddresses: ["127.0.0.1"] }),
      ...validity,
    });
    return { key: key.privateKey, certificate };
  };
  const ca = await make("ca", []);
  const server = await make("server", [], ca);
  const client = await make("alice", ["system:masters", "developers"], ca);
  const stranger = await make("mallory", ["system:masters"], await make("ca", []));
  secrets = {
    ca: ca.certificate,
    certificate: server.certificate,
    key: server.key,
    clientCertificate: client.certificate,
    clientKey: client.key,
    strangerCertificate: stranger.certificate,
    strangerKey: stranger.key,
  };
});

interface Served {
  readonly scope: Scope;
  readonly listener: Listener;
  client(options?: Partial<HttpClientOptions>): HttpClient;
}

async function served(
  t: TestContext,
  handler: HttpHandler,
  options: { plain?: boolean; headTimeoutMilliseconds?: number } = {},
): Promise<Served> {
  const scope = rootScope("test", (error) => assert.fail(String(error)));
  const { plain = false, ...rest } = options;
  const tls = { certificate: secrets.certificate, key: secrets.key, clientCa: secrets.ca };
  const listener = await network.serve(scope, { host: "127.0.0.1", port: 0, ...(!plain && { tls }), ...rest }, handler);
  const clients: HttpClient[] = [];
  t.after(async () => {
    for (const client of clients) client.close();
    await listener.close(0);
    await scope.stop();
  });
  return {
    scope,
    listener,
    client: (more = {}) => {
      const client = network.client({ url: `${plain ? "http" : "https"}://127.0.0.1:${listener.port}`, ca: secrets.ca, ...more });
      clients.push(client);
      return client;
    },
  };
}

const example: HttpHandler = async (request) => {
  switch (request.path) {
    case "/pieces":
      return { status: 200, headers: {}, body: pieces };
    case "/few":
      return { status: 200, headers: { "content-type": "text/plain" }, body: [bytes("a"), bytes("b"), bytes("c")] };
    case "/peer":
      return { status: 200, headers: {}, body: bytes(JSON.stringify(request.peer)) };
    case "/head":
      return { status: 200, headers: {}, body: bytes(JSON.stringify([request.method, request.query, request.headers])) };
    case "/empty":
      return { status: 204, headers: {} };
    case "/broken":
      throw new Error("a mistake");
    default:
      try {
        return { status: 201, headers: {}, body: await request.body(100_000) };
      } catch (error) {
        if (error instanceof BodyTooLarge) return { status: 413, headers: {}, body: bytes("too large") };
        throw error;
      }
  }
};

for (const http of ["1.1", "2"] as const) {
  describe(`HTTP/${http} over TLS`, () => {
    test("methods, queries, headers and bodies arrive", async (t) => {
      const client = (await served(t, example)).client({ http });
      const echoed = await client.request({ method: "POST", path: "/echo", body: bytes("hello") });
      assert.equal(echoed.status, 201);
      assert.equal(text(await echoed.bytes()), "hello");
      const seen = await client.request({ method: "DELETE", path: "/head?a=b%20c?d", headers: { "x-one": "1", cookie: "c=d" } });
      const [method, query, headers] = JSON.parse(text(await seen.bytes()));
      assert.deepEqual([method, query, headers["x-one"], headers.cookie], ["DELETE", "a=b%20c?d", "1", "c=d"]);
      assert.match(headers.host, /^127\.0\.0\.1:/);
      const few = await client.request({ method: "GET", path: "/few" });
      assert.deepEqual([few.headers["content-length"], few.headers["content-type"], text(await few.bytes())], ["3", "text/plain", "abc"]);
      const head = await client.request({ method: "HEAD", path: "/few" });
      assert.deepEqual([head.headers["content-length"], (await head.bytes()).length], ["3", 0]);
      const none = await client.request({ method: "GET", path: "/empty" });
      assert.deepEqual([none.status, (await none.bytes()).length], [204, 0]);
    });

    test("a large body of many pieces comes whole", async (t) => {
      const client = (await served(t, example)).client({ http });
      const response = await client.request({ method: "GET", path: "/pieces" });
      assert.equal(response.headers["content-length"], "7000000");
      assert.ok(Buffer.concat(pieces).equals(await response.bytes()));
    });

    test("a body over the limit is answered, and the client goes on", async (t) => {
      const client = (await served(t, example)).client({ http });
      const refused = await client.request({ method: "POST", path: "/echo", body: new Uint8Array(3_000_000) });
      assert.equal(refused.status, 413);
      assert.equal(text(await refused.bytes()), "too large");
      assert.equal((await client.request({ method: "POST", path: "/echo", body: bytes("x") })).status, 201);
    });

    test("a handler that throws is answered with 500 and logged", async (t) => {
      const client = (await served(t, example)).client({ http });
      assert.equal((await client.request({ method: "GET", path: "/broken" })).status, 500);
      assert.match(lines.at(-1) ?? "", /a mistake/);
    });

    test("a trusted client certificate becomes the peer; an untrusted one is told", async (t) => {
      const { client } = await served(t, example);
      const ask = async (options: Partial<HttpClientOptions>) =>
        JSON.parse(text(await (await client({ http, ...options }).request({ method: "GET", path: "/peer" })).bytes()));
      const known = await ask({ certificate: secrets.clientCertificate, key: secrets.clientKey });
      assert.equal(known.certificate.commonName, "alice");
      assert.deepEqual(known.certificate.organizations, ["system:masters", "developers"]);
      assert.ok(known.certificate.notAfter > Date.now());
      const stranger = await ask({ certificate: secrets.strangerCertificate, key: secrets.strangerKey });
      assert.deepEqual([stranger.certificate, stranger.untrustedCertificate], [undefined, true]);
      const nobody = await ask({});
      assert.deepEqual(Object.keys(nobody), ["address"]);
    });

    test("a stream's writes of one turn arrive together, its end ends it, and leaving it aborts it", async (t) => {
      let sink: Sink | undefined;
      const { client } = await served(t, async () => ({ status: 200, headers: {}, body: { stream: (given) => void (sink = given) } }));
      const response = await client({ http }).request({ method: "GET", path: "/watch" });
      const chunks = response.body[Symbol.asyncIterator]();
      assert.ok(sink);
      sink.write(bytes("one\n"));
      sink.write(bytes("two\n"));
      assert.equal(sink.bufferedBytes, 8);
      assert.equal(text((await chunks.next()).value), "one\ntwo\n");
      sink.write(bytes("three\n"));
      sink.end();
      assert.equal(text((await chunks.next()).value), "three\n");
      assert.equal((await chunks.next()).done, true);
      assert.equal(sink.signal.aborted, false);

      const left = await client({ http }).request({ method: "GET", path: "/watch" });
      const { signal } = sink;
      const aborted = new Promise((resolve) => signal.addEventListener("abort", () => resolve("aborted")));
      sink.write(bytes("x"));
      for await (const _ of left.body) break;
      assert.equal(await aborted, "aborted");

      const unread = await client({ http }).request({ method: "GET", path: "/watch" });
      const { signal: unreadSignal } = sink;
      const dropped = new Promise((resolve) => unreadSignal.addEventListener("abort", () => resolve("aborted")));
      await unread.body[Symbol.asyncIterator]().return?.();
      assert.equal(await dropped, "aborted", "also by who never read anything");
    });

    test("what a peer does not take is counted", async (t) => {
      let sink: Sink | undefined;
      const { client } = await served(t, async () => ({ status: 200, headers: {}, body: { stream: (given) => void (sink = given) } }));
      const response = await client({ http }).request({ method: "GET", path: "/watch" });
      assert.ok(sink);
      const aborted = new Promise<void>((resolve) => sink?.signal.addEventListener("abort", () => resolve()));
      for (let round = 0; round < 64; round++) {
        sink.write(new Uint8Array(1024 * 1024));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(sink.bufferedBytes > 16 * 1024 * 1024, `${sink.bufferedBytes} bytes are counted`);
      for await (const _ of response.body) break;
      await aborted;
    });

    test("a stream that is cut lets go of what its peer has not taken", async (t) => {
      let sink: Sink | undefined;
      const { client } = await served(t, async () => ({ status: 200, headers: {}, body: { stream: (given) => void (sink = given) } }));
      const response = await client({ http }).request({ method: "GET", path: "/watch" });
      assert.ok(sink?.cut);
      const aborted = new Promise<void>((resolve) => sink?.signal.addEventListener("abort", () => resolve()));
      for (let round = 0; round < 64; round++) {
        sink.write(new Uint8Array(1024 * 1024));
        await new Promise((resolve) => setImmediate(resolve));
      }
      const read = (async () => {
        for await (const _ of response.body);
      })();
      sink.cut();
      await assert.rejects(read);
      await aborted;
    });

    test("a cut body is an error, never an end", async (t) => {
      const { client, listener } = await served(t, async () => ({
        status: 200,
        headers: {},
        body: { stream: (sink) => sink.write(bytes("half")) },
      }));
      const response = await client({ http }).request({ method: "GET", path: "/" });
      const whole = response.bytes();
      const expected = assert.rejects(whole, (error: NetworkError) => error.name === "NetworkError" && error.code === "ECONNRESET");
      await listener.close(0);
      await expected;
    });

    test("no answer in time, giving up, and closing the client", async (t) => {
      const gone: Promise<unknown>[] = [];
      const { client } = await served(t, (request) => {
        gone.push(new Promise<void>((resolve) => request.signal.addEventListener("abort", () => resolve())));
        return new Promise(() => {});
      });
      const asked = client({ http });
      await assert.rejects(asked.request({ method: "POST", path: "/", timeoutMilliseconds: 50 }), {
        name: "NetworkError",
        code: "ETIMEDOUT",
      });
      const given = new AbortController();
      const waiting = asked.request({ method: "POST", path: "/", signal: given.signal });
      setImmediate(() => given.abort(new Error("enough")));
      await assert.rejects(waiting, { message: "enough" });
      await gone[0];
    });

    test("closing lets a running request end and tells streams at once", async (t) => {
      let answer: (() => void) | undefined;
      let asked: (() => void) | undefined;
      const running = new Promise<void>((resolve) => (asked = resolve));
      const { client, listener } = await served(t, async (request) => {
        if (request.path === "/stream") {
          const stream = (sink: Sink): void => sink.signal.addEventListener("abort", () => sink.end());
          return { status: 200, headers: {}, body: { stream } };
        }
        await new Promise<void>((resolve) => {
          answer = resolve;
          asked?.();
        });
        return { status: 200, headers: {}, body: bytes("done") };
      });
      const user = client({ http });
      const stream = await user.request({ method: "GET", path: "/stream" });
      const slow = user.request({ method: "GET", path: "/slow" });
      await running;
      const closed = listener.close(5_000);
      assert.equal((await stream.bytes()).length, 0);
      answer?.();
      assert.equal(text(await (await slow).bytes()), "done");
      await closed;
      await assert.rejects(user.request({ method: "GET", path: "/slow" }), { code: "ECONNREFUSED" });
    });

    test("new certificates hold for new connections", async (t) => {
      const { client, listener } = await served(t, example);
      listener.reload({ certificate: secrets.strangerCertificate, key: secrets.strangerKey, clientCa: secrets.ca });
      await assert.rejects(client({ http }).request({ method: "GET", path: "/few" }), (error: NetworkError) =>
        /CERT|SIGNATURE|VERIFY/.test(error.code),
      );
    });
  });
}

describe("the client", () => {
  test("says why a server cannot be reached or trusted", async (t) => {
    const { client, listener } = await served(t, example);
    await assert.rejects(client({ ca: secrets.strangerCertificate }).request({ method: "GET", path: "/few" }), (error: NetworkError) =>
      /UNABLE|CERT/.test(error.code),
    );
    await assert.rejects(client({ serverName: "other.test" }).request({ method: "GET", path: "/few" }), {
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
    assert.equal((await client({ serverName: "api.test" }).request({ method: "GET", path: "/few" })).status, 200);
    assert.equal((await client({ ca: secrets.strangerCertificate, insecure: true }).request({ method: "GET", path: "/few" })).status, 200);
    await listener.close(0);
    await assert.rejects(client().request({ method: "GET", path: "/few" }), { name: "NetworkError", code: "ECONNREFUSED" });
  });

  test("replaces an HTTP/2 connection that died", async (t) => {
    const seen = new Set<string>();
    const { client, scope, listener } = await served(t, async (request) => {
      seen.add(request.peer.address);
      return { status: 200, headers: {} };
    });
    const user = client();
    await user.request({ method: "GET", path: "/" });
    await listener.close(0);
    const tls = { certificate: secrets.certificate, key: secrets.key };
    await network.serve(scope, { host: "127.0.0.1", port: listener.port, tls }, async () => ({ status: 202, headers: {} }));
    assert.equal((await user.request({ method: "POST", path: "/" })).status, 202);
    assert.equal(seen.size, 1);
  });

  test("opens a second HTTP/2 connection when the first is full of streams", async (t) => {
    const seen = new Set<string>();
    const { client } = await served(t, async (request) => {
      seen.add(request.peer.address);
      return { status: 200, headers: {}, body: { stream: (sink) => sink.write(bytes("x")) } };
    });
    const user = client();
    await Promise.all(Array.from({ length: 300 }, () => user.request({ method: "GET", path: "/watch" })));
    assert.equal(seen.size, 2);
  });

  test("speaks HTTP/1.1 with a server that knows nothing else, and over a unix socket", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "keelson-"));
    const scope = rootScope("test", () => {});
    t.after(async () => {
      await scope.stop();
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, "api.sock");
    await network.serve(scope, { host: `unix://${path}`, port: 0 }, example);
    const client = network.client({ url: `unix://${path}` });
    const response = await client.request({ method: "GET", path: "/peer" });
    assert.deepEqual(JSON.parse(text(await response.bytes())), { address: "unix" });
    client.close();
    const { client: plain } = await served(t, example, { plain: true });
    assert.equal(text(await (await plain().request({ method: "GET", path: "/few" })).bytes()), "abc");
  });
});

test("answers over HTTP/2 that come while others are asked are whole", async (t) => {
  const client = (await served(t, example)).client({ http: "2" });
  const body = Buffer.alloc(20_000, "x");
  let asked = 0;
  const ask = async () => {
    while (asked < 3_000) {
      asked += 1;
      const answer = await client.request({ method: "POST", path: "/echo", body: asked % 3 === 0 ? body : bytes("hello") });
      if (asked % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      await answer.bytes();
    }
  };
  await Promise.all(Array.from({ length: 24 }, ask));
});

describe("upgrades", () => {
  test("one that is refused leaves nothing open, although more was said", async (t) => {
    const said = Promise.withResolvers<void>();
    const handler: HttpHandler = async () => {
      socket.write("more", () => said.resolve());
      await said.promise;
      return { status: 403, headers: {}, body: bytes("no") };
    };
    const { listener } = await served(t, handler, { plain: true });
    const socket = net.connect({ host: "127.0.0.1", port: listener.port, allowHalfOpen: true });
    socket.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: x\r\n\r\n");
    await new Promise((resolve) => socket.resume().once("end", resolve));
    socket.end();
    const began = performance.now();
    await listener.close(10_000);
    assert.ok(performance.now() - began < 5_000, "nobody was waited for");
    socket.destroy();
  });

  const echo: HttpHandler = async (request: HttpRequest) => {
    if (request.path === "/refuse" || !request.upgrade)
      return { status: 403, headers: {}, body: bytes(request.upgrade ? "no" : "no upgrade asked") };
    const { stream, head } = request.upgrade({ connection: "Upgrade", upgrade: "echo" });
    void (async () => {
      if (head.length > 0) await stream.write(head);
      for await (const chunk of stream.incoming) await stream.write(chunk);
      stream.end();
    })();
    return { status: 101, headers: {}, upgraded: true };
  };

  for (const plain of [false, true]) {
    test(`take the connection over${plain ? " without TLS" : ""}, both ways and half-closed`, async (t) => {
      const { client } = await served(t, echo, { plain });
      const answer = await client().upgrade({ method: "POST", path: "/", headers: { upgrade: "echo" } });
      assert.ok("stream" in answer);
      assert.equal(answer.headers["upgrade"], "echo");
      await answer.stream.write(bytes("hello "));
      await answer.stream.write(new Uint8Array(500_000).fill(97));
      answer.stream.end();
      const got: Uint8Array[] = [];
      for await (const chunk of answer.stream.incoming) got.push(chunk);
      assert.equal(Buffer.concat(got).length, 500_006);
      await answer.stream.closed;
    });
  }

  test("the next one goes on with what TLS agreed on before, as the same client", async (t) => {
    const seen: unknown[] = [];
    const tlsOptions = { cert: secrets.certificate, key: secrets.key, ca: secrets.ca, requestCert: true, rejectUnauthorized: false };
    const server = tls.createServer(tlsOptions, (socket) => {
      seen.push([socket.isSessionReused(), socket.authorized, socket.getPeerCertificate().subject.CN]);
      socket.on("error", () => {});
      socket.once("data", () => socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    const { ca, clientCertificate: certificate, clientKey: key } = secrets;
    const client = network.client({ url: `https://127.0.0.1:${port}`, ca, certificate, key });
    for (let time = 0; time < 2; time += 1) {
      const answer = await client.upgrade({ method: "POST", path: "/", headers: { upgrade: "echo" } });
      assert.ok("stream" in answer);
      answer.stream.destroy();
    }
    client.close();
    assert.deepEqual(seen, [
      [false, true, "alice"],
      [true, true, "alice"],
    ]);
  });

  test("refused, the answer is ordinary HTTP", async (t) => {
    const { client } = await served(t, echo);
    const answer = await client().upgrade({ method: "POST", path: "/refuse", headers: { upgrade: "echo" } });
    assert.ok("refused" in answer);
    assert.equal(answer.refused.status, 403);
    assert.equal(text(await answer.refused.bytes()), "no");
  });
});

describe("HTTP/1.1 as it may come", () => {
  async function raw(port: number, sent: string): Promise<string> {
    const socket = net.connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    socket.write(sent);
    let received = "";
    // A server that refuses does not read what is still being sent.
    socket.on("error", () => {});
    socket.on("data", (chunk) => (received += chunk));
    await new Promise((resolve) => socket.on("end", resolve).on("close", resolve));
    socket.destroy();
    return received;
  }

  test("pipelined requests are answered in their order", async (t) => {
    const waits: (() => void)[] = [];
    const { listener } = await served(
      t,
      async (request) => {
        if (request.path === "/one") await new Promise<void>((resolve) => waits.push(resolve));
        if (request.path === "/two") {
          const stream = (sink: Sink): void => {
            sink.write(bytes("/two"));
            sink.end();
            setImmediate(() => waits[0]?.());
          };
          return { status: 200, headers: {}, body: { stream } };
        }
        return { status: 200, headers: {}, body: bytes(request.path) };
      },
      { plain: true },
    );
    const received = await raw(
      listener.port,
      ["/one", "/two", "/three"]
        .map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n${path === "/three" ? "Connection: close\r\n" : ""}\r\n`)
        .join(""),
    );
    assert.deepEqual(received.match(/\/(one|two|three)/g), ["/one", "/two", "/three"]);
  });

  test("ambiguous lengths, bad heads and heads that never end are refused", async (t) => {
    const { listener } = await served(t, example, { plain: true, headTimeoutMilliseconds: 80 });
    const smuggled = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert.match(await raw(listener.port, smuggled), /^HTTP\/1.1 400 /);
    assert.match(
      await raw(listener.port, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
      /^HTTP\/1.1 400 /,
    );
    assert.match(await raw(listener.port, "GET / HTTP/1.1\r\n\r\n"), /^HTTP\/1.1 400 /);
    assert.match(await raw(listener.port, `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(2_000_000)}\r\n\r\n`), /^HTTP\/1.1 431 /);
    assert.match(await raw(listener.port, "GET / HTTP/1.1\r\nHost: a\r\nX: "), /^HTTP\/1.1 408 /);
  });

  test("chunked bodies, Expect: 100-continue and HTTP/1.0 are served", async (t) => {
    const { listener } = await served(t, example, { plain: true });
    const chunked = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert.match(await raw(listener.port, chunked), /\r\n\r\nabcde$/);
    const expecting = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi";
    assert.match(await raw(listener.port, expecting), /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 201 [^]*\r\n\r\nhi$/);
    assert.match(await raw(listener.port, "GET /few HTTP/1.0\r\n\r\n"), /\r\n\r\nabc$/);
  });
});

describe("HTTP/2 as it may come", () => {
  const connect = (listener: Listener): Promise<ClientHttp2Session> =>
    new Promise((resolve, reject) => {
      const session = http2.connect(`https://127.0.0.1:${listener.port}`, { rejectUnauthorized: false }, () => resolve(session));
      session.on("error", reject);
    });

  test("a body that was cut off is never taken for a whole one", async (t) => {
    const session = Promise.withResolvers<ClientHttp2Session>();
    const outcome = Promise.withResolvers<string>();
    const { listener } = await served(t, async (request) => {
      const body = request.body(1_000).then(
        (whole) => `whole: ${text(whole)}`,
        (error) => error.code as string,
      );
      (await session.promise).destroy();
      outcome.resolve(await body);
      return { status: 200, headers: {} };
    });
    const connected = await connect(listener);
    const stream = connected.request({ ":method": "POST", ":path": "/" });
    stream.on("error", () => {});
    stream.write("half", () => session.resolve(connected));
    assert.equal(await outcome.promise, "ECONNRESET");
  });

  test("a connection that resets streams as fast as it can is dropped, and others are served", async (t) => {
    const { listener, client } = await served(t, async (request) => {
      if (request.path === "/slow") await new Promise((resolve) => setTimeout(resolve, 5));
      return example(request);
    });
    const session = await connect(listener);
    session.on("error", () => {});
    const dropped = new Promise<void>((resolve) => session.on("close", resolve));
    const flood = (): void => {
      for (let count = 0; count < 100 && !session.closed && !session.destroyed; count++) {
        const stream = session.request({ ":path": "/slow" });
        stream.on("error", () => {});
        stream.on("ready", () => stream.close(8));
      }
      if (!session.destroyed) setTimeout(flood, 1);
    };
    flood();
    await dropped;
    assert.equal((await client().request({ method: "GET", path: "/few" })).status, 200);
  });

  test("Expect: 100-continue is told to continue", async (t) => {
    const { listener } = await served(t, example);
    const session = await connect(listener);
    const stream = session.request({ ":method": "POST", ":path": "/", expect: "100-continue" });
    stream.once("continue", () => stream.end("hi"));
    let got = "";
    for await (const chunk of stream) got += chunk;
    assert.equal(got, "hi");
    session.destroy();
  });
});

test("loading the World does not load what may never be used", async () => {
  const program = `await import(${JSON.stringify(new URL("world.ts", import.meta.url).href)}).then(({ nodeWorld }) => nodeWorld());
    console.log(JSON.stringify([process.moduleLoadList.includes("NativeModule internal/http2/core"), "getMetadata" in Reflect]))`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
  assert.deepEqual(JSON.parse(stdout), [false, false]);
});

describe("streams and datagrams", () => {
  const scope = rootScope("streams", () => {});
  after(() => scope.stop());

  test("TCP and unix sockets carry bytes both ways", async () => {
    const folder = mkdtempSync(join(tmpdir(), "keelson-"));
    const upper = (stream: Awaited<ReturnType<typeof network.connect>>): void =>
      void (async () => {
        for await (const chunk of stream.incoming) await stream.write(bytes(text(chunk).toUpperCase()));
        stream.end();
      })();
    const path = join(folder, "s");
    const tcp = await network.listen(scope, { host: "127.0.0.1", port: 0 }, upper);
    await network.listen(scope, { path }, upper);
    for (const to of [{ host: "127.0.0.1", port: tcp.port }, { path }]) {
      const stream = await network.connect(to);
      await stream.write(bytes("abc"));
      stream.end();
      let got = "";
      for await (const chunk of stream.incoming) got += text(chunk);
      assert.equal(got, "ABC");
      await stream.closed;
    }
    await tcp.close();
    await assert.rejects(network.connect({ host: "127.0.0.1", port: tcp.port }), { name: "NetworkError", code: "ECONNREFUSED" });
    await assert.rejects(network.connect({ path: join(folder, "none") }), { code: "ENOENT" });
    rmSync(folder, { recursive: true });
  });

  test("datagrams arrive with their sender", async () => {
    let arrived: ((content: string) => void) | undefined;
    const answer = new Promise<string>((resolve) => (arrived = resolve));
    const server = await network.datagrams(scope, { host: "127.0.0.1", port: 0 }, ({ bytes: got, host, port }) =>
      server.send(got, host, port),
    );
    const client = await network.datagrams(scope, { host: "127.0.0.1", port: 0 }, ({ bytes: got, port }) =>
      arrived?.(`${text(got)} from ${port === server.port}`),
    );
    client.send(bytes("ping"), "127.0.0.1", server.port);
    assert.equal(await answer, "ping from true");
    await assert.rejects(
      network.datagrams(scope, { host: "127.0.0.1", port: server.port }, () => {}),
      { code: "EADDRINUSE" },
    );
  });

  test("a taken port and a bad certificate are said", async (t) => {
    const { listener } = await served(t, example);
    await assert.rejects(network.serve(scope, { host: "127.0.0.1", port: listener.port }, example), {
      name: "NetworkError",
      code: "EADDRINUSE",
    });
    await assert.rejects(network.serve(scope, { host: "127.0.0.1", port: 0, tls: { certificate: "x", key: "y" } }, example), {
      name: "NetworkError",
    });
  });
});
