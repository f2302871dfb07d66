import assert from "node:assert/strict";
import { test } from "node:test";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { rootScope, type Scope } from "#base/scope.ts";
import { sharedInformers } from "#client/informers.ts";
import type { Datagram } from "#platform/network.ts";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { FakeCluster } from "../../test/support/fake-cluster.ts";
import { startDns } from "./dns.ts";
import { answersTo, readAnswers, readQuery, types, writeAnswer, writeQuestion } from "./message.ts";

type Ask = (
  name: string,
  type: keyof typeof types,
  over?: "udp" | "tcp",
) => Promise<ReturnType<typeof readAnswers> & { readonly bytes: Uint8Array }>;

function withDns(
  body: (given: {
    world: SimulatedWorld;
    scope: Scope;
    cluster: FakeCluster;
    ask: Ask;
    port: number;
    asked: readonly string[];
  }) => Promise<void>,
): Promise<void> {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const cluster = new FakeCluster();
  cluster.put(Namespace, { metadata: { name: "default" } });
  cluster.put(Service, {
    metadata: { namespace: "default", name: "web" },
    spec: { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"], ports: [{ name: "http", protocol: "TCP", port: 80 }] },
  });
  cluster.put(Service, { metadata: { namespace: "default", name: "many" }, spec: { clusterIP: "None", clusterIPs: ["None"] } });
  cluster.put(Service, { metadata: { namespace: "default", name: "away" }, spec: { type: "ExternalName", externalName: "Example.org" } });
  cluster.put(Service, {
    metadata: { namespace: "default", name: "alias" },
    spec: { type: "ExternalName", externalName: "web.default.svc.cluster.local" },
  });
  cluster.put(EndpointSlice, {
    metadata: { namespace: "default", name: "many-1", labels: { "kubernetes.io/service-name": "many" } },
    addressType: "IPv4",
    ports: [],
    endpoints: Array.from({ length: 100 }, (_, at) => ({ addresses: [`10.244.0.${at}`], conditions: { ready: true } })),
  });
  return world.run(async () => {
    const resolver = world.machine("resolver");
    const address = resolver.network.addresses().find(({ internal }) => !internal)?.address as string;
    const asked: string[] = [];
    const corporate = await resolver.network.datagrams(scope, { host: address, port: 5353 }, ({ bytes, host, port }) => {
      const query = readQuery(bytes);
      if (query)
        corporate.send(
          writeAnswer(
            query,
            { code: 0, authoritative: true, answers: [{ name: query.question.name, seconds: 60, type: "A", address: "10.9.9.9" }] },
            512,
          ),
          host,
          port,
        );
    });
    const upstream = await resolver.network.datagrams(scope, { host: address, port: 53 }, ({ bytes, host, port }) => {
      const query = readQuery(bytes);
      if (!query || !query.question.name.endsWith("example.org")) return;
      asked.push(query.question.name);
      if (query.question.name === "missing.example.org") {
        const soa = { name: "example.org", seconds: 60, type: "SOA", server: "a", mailbox: "b", serial: 1, negativeSeconds: 10 } as const;
        upstream.send(writeAnswer(query, { code: 3, authoritative: false, answers: [], authority: [soa] }, 512), host, port);
        return;
      }
      upstream.send(
        writeAnswer(
          query,
          { code: 0, authoritative: false, answers: [{ name: query.question.name, seconds: 60, type: "A", address: "93.184.216.34" }] },
          512,
        ),
        host,
        port,
      );
    });
    const client = cluster.client(world);
    const { port } = await startDns(scope, world, {
      informers: sharedInformers(scope, world, client),
      host: "127.0.0.1",
      port: 0,
      settings: () => ({
        domain: "cluster.local",
        seconds: 5,
        answersPods: true,
        lameduckMilliseconds: 0,
        hosts: new Map([["printer.example", ["192.0.2.9"]]]),
        zones: [
          { zone: "", upstreams: ["198.51.100.1", `${address}:53`], order: "sequential", cacheSeconds: 30 },
          { zone: "corp.example", upstreams: [`${address}:5353`], order: "sequential", cacheSeconds: 0 },
        ],
      }),
    });
    let next = 0;
    const ask: Ask = async (name, type, over = "udp") => {
      const question = writeQuestion(name, types[type]);
      question[1] = next += 1;
      const bytes =
        over === "udp"
          ? await new Promise<Uint8Array>((resolve) => {
              void world.network
                .datagrams(scope, { host: "127.0.0.1", port: 0 }, (datagram) => resolve(datagram.bytes))
                .then((socket) => socket.send(question, "127.0.0.1", port));
            })
          : await overTcp(world, question, port);
      assert.equal(bytes[1], question[1]);
      return { ...readAnswers(bytes), bytes };
    };
    await body({ world, scope, cluster, ask, port, asked });
    await scope.stop();
  });
}

async function overTcp(world: SimulatedWorld, question: Uint8Array, port: number): Promise<Uint8Array> {
  const stream = await world.network.connect({ host: "127.0.0.1", port });
  await stream.write(Uint8Array.from([0, question.length, ...question]));
  let all: number[] = [];
  for await (const chunk of stream.incoming) {
    all = [...all, ...chunk];
    if (all.length >= 2 && all.length >= 2 + (((all[0] as number) << 8) | (all[1] as number))) break;
  }
  stream.destroy();
  return Uint8Array.from(all.slice(2));
}

test("a Service's name has its address; its AAAA is empty, not unknown; what a search list makes of other names is unknown", () =>
  withDns(async ({ ask }) => {
    const found = await ask("web.default.svc.cluster.local", "A");
    assert.deepEqual(found.answers, [{ name: "web.default.svc.cluster.local", seconds: 5, type: "A", address: "10.96.0.9" }]);
    const empty = await ask("web.default.svc.cluster.local", "AAAA");
    assert.deepEqual([empty.code, empty.answers.length, empty.bytes[9]], [0, 0, 1], "no error, no answer, one SOA");
    for (const name of [
      "web.default.svc.cluster.local.default.svc.cluster.local",
      "example.org.svc.cluster.local",
      "example.org.cluster.local",
    ])
      for (const type of ["A", "AAAA"] as const) assert.equal((await ask(name, type)).code, 3, `${name} ${type}`);
  }));

test("a name is answered as it was spelled", () =>
  withDns(async ({ ask }) => {
    assert.equal((await ask("wEb.DeFault.svc.cluster.LOCAL", "A")).answers[0]?.name, "wEb.DeFault.svc.cluster.LOCAL");
  }));

test("a datagram holds what fits and says that more is there; TCP holds all", () =>
  withDns(async ({ ask }) => {
    const cut = await ask("many.default.svc.cluster.local", "A");
    assert.ok(cut.bytes.length <= 512 && cut.answers.length > 10, `${cut.answers.length} answers in ${cut.bytes.length} bytes`);
    assert.equal((cut.bytes[2] as number) & 0x02, 0x02);
    const whole = await ask("many.default.svc.cluster.local", "A", "tcp");
    assert.equal(whole.answers.length, 100);
    assert.equal((whole.bytes[2] as number) & 0x02, 0);
  }));

test("an external name is told with what it stands for, outside and inside", () =>
  withDns(async ({ ask }) => {
    const outside = await ask("away.default.svc.cluster.local", "A");
    assert.deepEqual(
      outside.answers.map(({ type }) => type),
      ["CNAME", "A"],
    );
    const inside = await ask("alias.default.svc.cluster.local", "A");
    assert.deepEqual(
      inside.answers.map((record) => (record.type === "A" ? record.address : record.type)),
      ["CNAME", "10.96.0.9"],
    );
  }));

test("other names are asked further up; who never answers is a failure", () =>
  withDns(async ({ ask }) => {
    assert.equal((await ask("example.org", "A")).answers.length, 1);
    assert.equal((await ask("silent.example", "A")).code, 2);
  }));

test("a reply is kept for as long as it says, at most as long as is wanted, and told with the time that is left; so is a denial", () =>
  withDns(async ({ ask, asked, world, scope }) => {
    assert.equal((await ask("www.example.org", "A")).answers[0]?.seconds, 60);
    await world.clock.sleep(scope, 7_000);
    const later = await ask("WWW.example.org", "A");
    assert.equal(later.answers[0]?.seconds, 23, "30 seconds at most, of which 7 are over");
    assert.equal(later.answers[0]?.name.toLowerCase(), "www.example.org");
    assert.deepEqual(asked, ["www.example.org"]);
    await world.clock.sleep(scope, 24_000);
    await ask("www.example.org", "A");
    assert.equal(asked.length, 2, "asked again when the time is over");
    for (let at = 0; at < 3; at += 1) assert.equal((await ask("missing.example.org", "A")).code, 3);
    assert.equal(asked.filter((name) => name === "missing.example.org").length, 1);
    await world.clock.sleep(scope, 11_000);
    await ask("missing.example.org", "A");
    assert.equal(asked.filter((name) => name === "missing.example.org").length, 2, "a denial is kept as long as its SOA says");
  }));

test("the same question of many at once is asked once; who did not answer is asked last", () =>
  withDns(async ({ ask, asked, world }) => {
    const started = world.clock.monotonic();
    await Promise.all([ask("a.example.org", "A"), ask("a.example.org", "A"), ask("a.example.org", "A")]);
    assert.deepEqual(asked, ["a.example.org"]);
    const spelled = await Promise.all([ask("c.example.org", "A"), ask("C.eXample.org", "A")]);
    assert.deepEqual(
      spelled.map(({ bytes }) => String.fromCharCode(...bytes.subarray(13, 14))),
      ["c", "C"],
      "each as it was spelled",
    );
    assert.ok(world.clock.monotonic() - started >= 2_000, "the first resolver is waited for once");
    const again = world.clock.monotonic();
    await ask("b.example.org", "A");
    assert.ok(world.clock.monotonic() - again < 1_000);
  }));

test("a domain of its own is asked for at its own resolver; names given by hand are answered here", () =>
  withDns(async ({ ask, asked }) => {
    const found = await ask("wiki.corp.example", "A");
    assert.deepEqual(
      found.answers.map((record) => record.type === "A" && record.address),
      ["10.9.9.9"],
    );
    assert.deepEqual(asked, []);
    const printer = await ask("printer.example", "A");
    assert.deepEqual(
      printer.answers.map((record) => record.type === "A" && record.address),
      ["192.0.2.9"],
    );
  }));

test("the target of a port is written out: it may not point to a name before it", () =>
  withDns(async ({ ask }) => {
    const { bytes } = await ask("_http._tcp.web.default.svc.cluster.local", "SRV");
    const text = String.fromCharCode(...bytes);
    const whole = "\u0003web\u0007default\u0003svc\u0007cluster\u0005local\u0000";
    assert.ok(text.indexOf(whole) < text.lastIndexOf(whole), "once in the question, once as the target");
  }));

test("a version of EDNS that is not known is refused as such", () =>
  withDns(async ({ world, scope, port }) => {
    const question = Uint8Array.from([...writeQuestion("web.default.svc.cluster.local", types.A), 0, 0, 41, 16, 0, 0, 1, 0, 0, 0, 0]);
    question[11] = 1;
    const bytes = await new Promise<Uint8Array>((resolve) => {
      void world.network
        .datagrams(scope, { host: "127.0.0.1", port: 0 }, (datagram) => resolve(datagram.bytes))
        .then((socket) => socket.send(question, "127.0.0.1", port));
    });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    assert.equal((bytes[3] as number) & 0xf, 0);
    assert.equal(view.getUint16(bytes.length - 10), 41);
    assert.equal(bytes[bytes.length - 6], 1, "16 is told by the upper bits");
  }));

test("only a reply to the very question is taken", () => {
  const asked = writeQuestion("example.org", types.A);
  const reply = (change: (bytes: Uint8Array) => void, name = "example.org") => {
    const bytes = writeQuestion(name, types.A);
    bytes[2] = 0x81;
    change(bytes);
    return bytes;
  };
  assert.ok(
    answersTo(
      asked,
      reply(() => {}),
    ),
  );
  assert.ok(!answersTo(asked, asked), "a question is no reply");
  assert.ok(
    !answersTo(
      asked,
      reply((bytes) => (bytes[1] = 7)),
    ),
    "another id",
  );
  assert.ok(
    !answersTo(
      asked,
      reply(() => {}, "example.net"),
    ),
    "another name",
  );
});

test("an answer that cannot be sent costs nothing but itself", async () => {
  const simulated = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  let take = (_: Datagram): void => {};
  let sent = 0;
  const network = {
    listen: async () => ({ host: "127.0.0.1", port: 53, close: async () => {} }),
    datagrams: async (_scope: Scope, at: { host: string; port: number }, received: typeof take) => {
      take = received;
      const send = () => {
        sent += 1;
        throw new RangeError("Port should be > 0 and < 65536. Received 0.");
      };
      return { ...at, send, close: () => {} };
    },
  };
  const world = { ...simulated, network } as unknown as SimulatedWorld;
  await simulated.run(async () => {
    const informers = sharedInformers(scope, world, new FakeCluster().client(world));
    const settings = () => ({
      domain: "cluster.local",
      seconds: 5,
      answersPods: false,
      lameduckMilliseconds: 0,
      hosts: new Map([["printer.example", ["192.0.2.9"]]]),
      zones: [],
    });
    await startDns(scope, world, { informers, host: "127.0.0.1", port: 53, settings });
    for (let question = 0; question < 2; question += 1)
      take({ bytes: writeQuestion("printer.example", types.A), host: "10.0.0.9", port: 0 });
    await simulated.clock.sleep(scope, 100);
    await scope.stop();
  });
  assert.equal(sent, 2);
});

test("a silent connection is closed", () =>
  withDns(async ({ world, port }) => {
    const stream = await world.network.connect({ host: "127.0.0.1", port });
    try {
      for await (const _ of stream.incoming);
    } catch {}
    const ended = world.clock.monotonic();
    assert.ok(ended >= 10_000 && ended < 11_000, `closed after ${ended} ms`);
  }));

test("malformed questions are refused, whatever their bytes", () => {
  const good = writeQuestion("web.default.svc.cluster.local", types.A);
  for (let length = 0; length < good.length; length += 1)
    assert.ok(length < 12 ? readQuery(good.subarray(0, length)) === undefined : throws(() => readQuery(good.subarray(0, length))));
  for (let at = 0; at < good.length; at += 1)
    for (const byte of [0, 1, 63, 64, 0xc0, 0xff]) {
      const bytes = Uint8Array.from(good);
      bytes[at] = byte;
      throws(() => readQuery(bytes));
    }
  const looping = Uint8Array.from([...good.subarray(0, 12), 0xc0, 12, 0, 1, 0, 1]);
  assert.ok(throws(() => readQuery(looping)));
});

function throws(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    assert.equal((error as Error).name, "DnsFormatError");
    return true;
  }
}
