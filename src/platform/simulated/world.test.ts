import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope, ScopeStopped } from "#base/scope.ts";
import type { HttpHandler } from "#wire/http/message.ts";
import { settleByMicrotasks } from "./settle.ts";
import { SimulationStuck } from "./clock.ts";
import { simulatedWorld } from "./world.ts";
import type { SimulatedWorld } from "./world.ts";

const newScope = () =>
  rootScope("test", (error) => {
    throw error;
  });
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);
const ok =
  (body: string): HttpHandler =>
  async () => ({ status: 200, headers: { "content-type": "text/plain" }, body: bytes(body) });

test("timers fire in the order they are due, and promises settle in between", async () => {
  const world = simulatedWorld({ seed: 1 });
  const seen: string[] = [];
  const { clock } = world;
  clock.timer(20, () => seen.push("20"));
  clock.timer(10, () => {
    seen.push("10");
    void Promise.resolve()
      .then(() => {})
      .then(() => seen.push("after 10"));
    clock.timer(0, () => seen.push("10 again"));
  });
  clock.timer(10, () => seen.push("10, second"));
  clock.timer(15, () => seen.push("never")).cancel();
  await world.advance(19);
  assert.deepEqual(seen, ["10", "after 10", "10, second", "10 again"]);
  assert.equal(clock.monotonic(), 19);
  await world.advance(1);
  assert.deepEqual(seen.at(-1), "20");
  assert.equal(clock.pending, 0);
});

test("many timers keep their order, cancelled ones never fire", async () => {
  const world = simulatedWorld({ seed: 3 });
  const fired: number[] = [];
  const due: number[] = [];
  for (let i = 0; i < 500; i++) {
    const wait = world.random.integer(1000);
    const timer = world.clock.timer(wait, () => fired.push(world.clock.monotonic()));
    if (i % 3 === 0) timer.cancel();
    else due.push(wait);
  }
  assert.equal(world.clock.pending, due.length);
  await world.advance(1000);
  assert.deepEqual(
    fired,
    due.sort((a, b) => a - b),
  );
});

test("sleep ends with ScopeStopped as soon as its scope stops", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = newScope();
  const sleeping = assert.rejects(world.clock.sleep(scope, 1000), ScopeStopped);
  await scope.stop();
  await sleeping;
  assert.equal(world.clock.pending, 0);
});

test("run moves time as far as its task needs; a task that waits for nothing is told so", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = newScope();
  const took = await world.run(async () => {
    await world.clock.sleep(scope, 90_000);
    await world.clock.endOfTurn();
    return world.clock.monotonic();
  });
  assert.equal(took, 90_000);
  await assert.rejects(
    world.run(() => new Promise(() => {})),
    SimulationStuck,
  );
  await assert.rejects(
    world.run(() => world.clock.sleep(scope, 5_000), 1_000),
    /within 1000 ms/,
  );
  await assert.rejects(
    world.run(async () => {
      throw new Error("boom");
    }),
    /boom/,
  );
});

test("a simulation whose time was never moved says so", () => {
  const world = simulatedWorld({ seed: 1 });
  world.clock.timer(5, () => {});
  assert.throws(() => world.close(), /never moved/);
});

test("endOfTurn comes after everything that can go on now, without moving time, whatever the host has", async () => {
  for (const settle of [undefined, settleByMicrotasks]) {
    const world = simulatedWorld({ seed: 1, ...(settle && { settle }) });
    const seen: string[] = [];
    const turn = world.clock.endOfTurn().then(() => seen.push("turn"));
    void (async () => {
      for (let i = 0; i < 50; i++) await undefined;
      seen.push("chain");
    })();
    await turn;
    assert.deepEqual(seen, ["chain", "turn"]);
  }
});

test("random numbers stay in range and are spread; streams do not disturb each other", () => {
  const { random } = simulatedWorld({ seed: 7 });
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const draw = random.integer(10);
    counts[draw] = (counts[draw] as number) + 1;
  }
  assert.ok(
    counts.every((count) => count > 850 && count < 1150),
    String(counts),
  );
  const [one, other] = [simulatedWorld({ seed: 7 }).random, simulatedWorld({ seed: 7 }).random];
  other.fraction();
  assert.equal(one.stream("a").fraction(), other.stream("a").fraction());
  assert.notEqual(one.stream("a").fraction(), one.stream("b").fraction());
});

async function story(seed: number): Promise<string> {
  const world = simulatedWorld({ seed });
  const scope = newScope();
  const other = world.machine("machine-2");
  world.fabric.delay({ minimumMilliseconds: 1, maximumMilliseconds: 50 });
  await other.network.serve(scope, { host: "0.0.0.0", port: 80 }, async (request) => {
    await world.clock.sleep(scope, world.random.integer(20));
    other.log.info("answered", { path: request.path, at: world.clock.monotonic(), id: other.crypto.uuid() });
    return { status: 200, headers: {}, body: bytes(request.path) };
  });
  const client = world.network.client({ url: "http://machine-2" });
  await world.run(async () => {
    const key = await world.crypto.generateKey("ecdsa-p256");
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const response = await client.request({ method: "GET", path: `/${index}` });
        world.log.info("got", { body: text(await response.bytes()), at: world.clock.monotonic() });
      }),
    );
    world.log.info("key", { key: key.publicKey });
  });
  await scope.stop();
  return world.log.text();
}

test("the same seed is the same run, another seed another", async () => {
  const [first, again, different] = [await story(42), await story(42), await story(43)];
  assert.equal(first, again);
  assert.notEqual(first, different);
  assert.ok(first.includes("answered") && first.split("\n").length === 41);
});

test("a request needs no moving of time on links without delay, and gives method, query, headers and body", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = newScope();
  const listener = await world.network.serve(scope, { host: "127.0.0.1", port: 0 }, async (request) => ({
    status: 201,
    headers: { "x-seen": `${request.method} ${request.path} ${request.query} ${request.headers["x-a"] ?? ""}` },
    body: [await request.body(100), bytes("!")],
  }));
  const client = world.network.client({ url: `http://127.0.0.1:${listener.port}` });
  const response = await client.request({ method: "POST", path: "/a?b=1", headers: { "X-A": "yes" }, body: bytes("hello") });
  assert.equal(response.status, 201);
  assert.equal(response.headers["x-seen"], "POST /a b=1 yes");
  assert.equal(text(await response.bytes()), "hello!");
  await scope.stop();
  await assert.rejects(client.request({ method: "GET", path: "/" }), { code: "ECONNREFUSED" });
  client.close();
});

test("a streamed body comes as it is written; leaving it tells the server", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = newScope();
  let aborted = false;
  await world.network.serve(scope, { host: "127.0.0.1", port: 80 }, async (request) => {
    request.signal.addEventListener("abort", () => {
      aborted = true;
    });
    return {
      status: 200,
      headers: {},
      body: {
        stream: (sink) => {
          const tick = (count: number) => {
            sink.write(bytes(`event ${count}\n`));
            world.clock.timer(1000, () => tick(count + 1));
          };
          tick(1);
        },
      },
    };
  });
  const client = world.network.client({ url: "http://localhost" });
  const seen: string[] = [];
  await world.run(async () => {
    const response = await client.request({ method: "GET", path: "/watch" });
    for await (const chunk of response.body) {
      seen.push(`${world.clock.monotonic()} ${text(chunk).trim()}`);
      if (seen.length === 3) break;
    }
  });
  assert.deepEqual(seen, ["0 event 1", "1000 event 2", "2000 event 3"]);
  await world.clock.settle();
  assert.equal(aborted, true);
  await scope.stop();
});

test("a client certificate becomes the peer's identity; a foreign one is marked; a wrong name is refused", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = newScope();
  const { crypto, clock } = world;
  const validity = { notBefore: clock.now() - 1000, notAfter: clock.now() + 3_600_000 };
  const newCa = async (commonName: string) => {
    const key = await crypto.generateKey("ecdsa-p256");
    const certificate = await crypto.issueCertificate({
      subject: { commonName },
      publicKey: key.publicKey,
      signingKey: key.privateKey,
      isCa: true,
      ...validity,
    });
    return { key, certificate };
  };
  const issue = async (ca: Awaited<ReturnType<typeof newCa>>, commonName: string, organizations: string[], dnsNames: string[]) => {
    const key = await crypto.generateKey("ecdsa-p256");
    const certificate = await crypto.issueCertificate({
      subject: { commonName, organizations },
      publicKey: key.publicKey,
      signingKey: ca.key.privateKey,
      issuer: ca.certificate,
      dnsNames,
      ...validity,
    });
    return { certificate, key: key.privateKey };
  };
  const [ca, foreign] = [await newCa("ours"), await newCa("theirs")];
  const server = await issue(ca, "server", [], ["api.test"]);
  world.fabric.name("api.test", ["127.0.0.1"]);
  world.fabric.name("other.test", ["127.0.0.1"]);
  await world.network.serve(scope, { host: "127.0.0.1", port: 443, tls: { ...server, clientCa: ca.certificate } }, async ({ peer }) => ({
    status: 200,
    headers: {},
    body: bytes(JSON.stringify(peer.certificate ?? peer.untrustedCertificate ?? "anonymous")),
  }));
  const ask = async (options: object) => {
    const response = await world.network
      .client({ url: "https://api.test", ca: ca.certificate, ...options })
      .request({ method: "GET", path: "/" });
    return JSON.parse(text(await response.bytes())) as unknown;
  };
  assert.deepEqual(await ask(await issue(ca, "alice", ["ops"], [])), {
    commonName: "alice",
    organizations: ["ops"],
    notAfter: validity.notAfter,
  });
  assert.equal(await ask(await issue(foreign, "mallory", ["ops"], [])), true);
  assert.equal(await ask({}), "anonymous");
  await assert.rejects(ask({ ca: foreign.certificate }), { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
  await assert.rejects(ask({ url: "https://other.test" }), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  await world.advance(3_600_000);
  await assert.rejects(ask({}), { code: "CERT_HAS_EXPIRED" });
  await scope.stop();
});

test("tokens and signing requests verify with their own key only", async () => {
  const { crypto } = simulatedWorld({ seed: 1 });
  const [mine, theirs] = [await crypto.generateKey("rsa-2048"), await crypto.generateKey("rsa-2048")];
  const token = await crypto.signToken({ sub: "wörld", exp: 2 ** 40 }, { privateKey: mine.privateKey, keyId: "1" });
  assert.deepEqual(await crypto.verifyToken(token, [{ publicKey: mine.publicKey, keyId: "1" }]), { sub: "wörld", exp: 2 ** 40 });
  await assert.rejects(crypto.verifyToken(token, [{ publicKey: theirs.publicKey, keyId: "1" }]), { name: "CryptoError" });
  await assert.rejects(crypto.verifyToken(`${token}x`, [{ publicKey: mine.publicKey, keyId: "1" }]), { name: "CryptoError" });
  const request = await crypto.createSigningRequest({
    subject: { commonName: "system:node:a", organizations: ["system:nodes"] },
    key: mine,
  });
  assert.equal((await crypto.readSigningRequest(request)).subject.commonName, "system:node:a");
  await assert.rejects(crypto.readSigningRequest("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"), {
    name: "CryptoError",
  });
  assert.match(crypto.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

async function twoMachines(): Promise<{ one: SimulatedWorld; two: SimulatedWorld; scope: ReturnType<typeof newScope> }> {
  const one = simulatedWorld({ seed: 5, name: "one" });
  const two = one.machine("two");
  const scope = newScope();
  await two.network.serve(scope, { host: "0.0.0.0", port: 80 }, ok("fine"));
  return { one, two, scope };
}

test("a cut link makes requests time out, and heals", async () => {
  const { one, scope } = await twoMachines();
  const client = one.network.client({ url: "http://10.0.0.2" });
  one.fabric.cut("one", "two");
  const before = one.clock.monotonic();
  await assert.rejects(
    one.run(() => client.request({ method: "GET", path: "/", timeoutMilliseconds: 700 })),
    { code: "ETIMEDOUT" },
  );
  assert.equal(one.clock.monotonic() - before, 700);
  const pending = client.request({ method: "GET", path: "/" });
  await one.advance(5_000);
  one.fabric.heal();
  assert.equal(text(await (await pending).bytes()), "fine");
  await scope.stop();
});

test("an address that nobody has is unreachable, a name that nobody has is unknown", async () => {
  const { one, scope } = await twoMachines();
  await assert.rejects(
    one.run(() => one.network.connect({ host: "10.9.9.9", port: 1 })),
    { code: "EHOSTUNREACH" },
  );
  await assert.rejects(one.network.client({ url: "http://nobody" }).request({ method: "GET", path: "/" }), { code: "ENOTFOUND" });
  await scope.stop();
});

test("raw connections carry bytes in order both ways under random delays, push back, and end", async () => {
  const { one, two, scope } = await twoMachines();
  one.fabric.delay({ minimumMilliseconds: 0, maximumMilliseconds: 40 });
  await two.network.listen(scope, { host: "10.0.0.2", port: 7 }, async (stream) => {
    for await (const chunk of stream.incoming) await stream.write(chunk);
    stream.end();
  });
  let received = "";
  await one.run(async () => {
    const stream = await one.network.connect({ host: "two", port: 7 });
    for (let index = 0; index < 50; index++) await stream.write(bytes(`${index},`));
    stream.end();
    for await (const chunk of stream.incoming) received += text(chunk);
    await stream.closed;
  });
  assert.equal(received, Array.from({ length: 50 }, (_, index) => `${index},`).join(""));
  await scope.stop();
});

test("a writer waits for a reader that does not read, and fails when the connection is reset", async () => {
  const { one, two, scope } = await twoMachines();
  await two.network.listen(scope, { host: "0.0.0.0", port: 7 }, () => {});
  const stream = await one.network.connect({ host: "two", port: 7 });
  let written = 0;
  const writing = (async () => {
    for (;;) {
      await stream.write(new Uint8Array(100_000));
      written += 1;
    }
  })();
  await one.clock.settle();
  assert.equal(written, 2);
  one.fabric.reset("two");
  await assert.rejects(writing, { code: "ECONNRESET" });
  await stream.closed;
  await scope.stop();
});

test("an upgrade hands over the connection; a refusal is the response", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = newScope();
  await world.network.serve(scope, { host: "127.0.0.1", port: 80 }, async (request) => {
    if (request.path !== "/exec" || !request.upgrade) return { status: 403, headers: {}, body: bytes("no") };
    const { stream } = request.upgrade({ upgrade: "echo" });
    void (async () => {
      for await (const chunk of stream.incoming) await stream.write(bytes(text(chunk).toUpperCase()));
      stream.end();
    })();
    return { status: 101, headers: {}, upgraded: true };
  });
  const client = world.network.client({ url: "http://127.0.0.1" });
  const answer = await client.upgrade({ method: "POST", path: "/exec" });
  assert.ok("stream" in answer);
  await answer.stream.write(bytes("shout"));
  answer.stream.end();
  let heard = "";
  for await (const chunk of answer.stream.incoming) heard += text(chunk);
  assert.equal(heard, "SHOUT");
  const refused = await client.upgrade({ method: "POST", path: "/" });
  assert.ok("refused" in refused && refused.refused.status === 403);
  await scope.stop();
});

test("closing a listener lets running requests end within the grace, then drops them", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = newScope();
  const listener = await world.network.serve(scope, { host: "127.0.0.1", port: 80 }, async (request) => {
    await world.clock.sleep(scope, Number(request.path.slice(1)));
    return { status: 200, headers: {}, body: bytes("done") };
  });
  const client = world.network.client({ url: "http://127.0.0.1" });
  const short = client.request({ method: "GET", path: "/1000" });
  const long = client.request({ method: "GET", path: "/9000" });
  const dropped = assert.rejects(long, { code: "ECONNRESET" });
  await world.clock.settle();
  await world.run(() => listener.close(5_000));
  assert.equal((await short).status, 200);
  await dropped;
  await scope.stop();
});

test("datagrams arrive where they are sent, and get lost on a cut link", async () => {
  const { one, two, scope } = await twoMachines();
  const seen: string[] = [];
  await two.network.datagrams(scope, { host: "0.0.0.0", port: 53 }, (datagram) =>
    seen.push(`${datagram.host}:${datagram.port} ${text(datagram.bytes)}`),
  );
  const socket = await one.network.datagrams(scope, { host: "0.0.0.0", port: 5000 }, () => {});
  socket.send(bytes("a"), "10.0.0.2", 53);
  await one.clock.settle();
  one.fabric.cut("two", "one");
  socket.send(bytes("b"), "10.0.0.2", 53);
  await one.clock.settle();
  assert.deepEqual(seen, ["10.0.0.1:5000 a"]);
  await scope.stop();
});

test("two servers cannot share a port, and a free one is found", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = newScope();
  await world.network.serve(scope, { host: "0.0.0.0", port: 80 }, ok(""));
  await assert.rejects(world.network.serve(scope, { host: "127.0.0.1", port: 80 }, ok("")), { code: "EADDRINUSE" });
  await assert.rejects(world.network.serve(scope, { host: "10.7.7.7", port: 81 }, ok("")), { code: "EADDRNOTAVAIL" });
  assert.ok((await world.network.listen(scope, { host: "127.0.0.1", port: 0 }, () => {})).port > 0);
  await scope.stop();
});

test("files: folders, links, replacing, removing, and the system's codes", async () => {
  const { files } = simulatedWorld({ seed: 1 });
  await assert.rejects(files.read("/a/b"), { code: "ENOENT" });
  await files.makeFolder("/a/b/c");
  await files.write("/a/b/x", "one");
  await files.append("/a/b/x", " two");
  assert.equal(await files.readText("/a/b/x"), "one two");
  await files.link("b", "/a/link");
  assert.equal(await files.readText("/a/link/x"), "one two");
  assert.equal((await files.stat("/a/link"))?.kind, "link");
  assert.equal((await files.stat("/a/link", { follow: true }))?.kind, "folder");
  await assert.rejects(files.list("/a/b/x"), { code: "ENOTDIR" });
  await assert.rejects(files.read("/a/b"), { code: "EISDIR" });
  await assert.rejects(files.remove("/a/b"), { code: "ENOTEMPTY" });
  const before = await files.stat("/a/b/x");
  await files.replace("/a/b/x", "three", { mode: 0o600 });
  const after = await files.stat("/a/b/x");
  assert.equal(after?.mode, 0o600);
  assert.notEqual(after?.inode, before?.inode);
  await files.rename("/a/b/x", "/a/y");
  assert.deepEqual(await files.list("/a"), ["b", "link", "y"]);
  await files.remove("/a/link");
  await files.remove("/a", { recursive: true });
  assert.deepEqual(await files.list("/"), []);
  await files.link("/loop", "/loop");
  await assert.rejects(files.read("/loop"), { code: "ELOOP" });
  await assert.rejects(files.write("relative", ""), { code: "EINVAL" });
});

test("a growing file is followed by offset", async () => {
  const { files } = simulatedWorld({ seed: 1 });
  await files.write("/log", "first\n");
  const open = await files.open("/log");
  assert.equal(text(await open.read(0, 100)), "first\n");
  await files.append("/log", "second\n");
  assert.equal(text(await open.read(6, 3)), "sec");
  assert.equal((await open.read(99, 5)).length, 0);
});

test("a watch calls back once a turn, for its folder or its file, until it is closed", async () => {
  const { files, clock } = simulatedWorld({ seed: 1 });
  await files.makeFolder("/etc/manifests");
  let calls = 0;
  const watch = files.watch("/etc/manifests", () => {
    calls += 1;
  });
  await files.write("/etc/manifests/a.yaml", "x");
  await files.replace("/etc/manifests/b.yaml", "y");
  await files.write("/etc/elsewhere", "z");
  await clock.settle();
  assert.equal(calls, 1);
  await files.remove("/etc/manifests/a.yaml");
  await clock.settle();
  assert.equal(calls, 2);
  let found = 0;
  files.watch("/run/later/file", () => {
    found += 1;
  });
  await files.makeFolder("/run/later");
  await clock.settle();
  await files.write("/run/later/file", "x");
  await clock.settle();
  await files.write("/run/later/other", "x");
  await clock.settle();
  assert.equal(found, 2);
  watch.close();
  await files.write("/etc/manifests/c.yaml", "x");
  await clock.settle();
  assert.equal(calls, 2);
});

test("a full disk refuses, a power cut may lose what was written but never what was replaced", async () => {
  let lost = 0;
  for (let seed = 0; seed < 20; seed++) {
    const { files } = simulatedWorld({ seed });
    await files.write("/written", "new");
    await files.replace("/replaced", "new");
    files.crash();
    assert.equal(await files.readText("/replaced"), "new");
    if ((await files.readText("/written")) !== "new") lost += 1;
  }
  assert.ok(lost > 3 && lost < 17, `${lost} of 20 lost`);
  const { files } = simulatedWorld({ seed: 1, diskBytes: 10 });
  await files.write("/a", "12345678");
  await assert.rejects(files.append("/a", "90123"), { code: "ENOSPC" });
  assert.equal((await files.space("/")).free, 2);
  await files.remove("/a");
  assert.equal((await files.space("/")).free, 10);
});

test("programs: output, input, exit codes, signals, time-outs", async () => {
  const world = simulatedWorld({ seed: 1 });
  const { processes } = world;
  processes.register("cat", async ({ stdin, writeOut, arguments: words }) => {
    for await (const chunk of stdin) writeOut(`${words[0] ?? ""}${text(chunk)}`);
    return 3;
  });
  processes.register("/bin/stubborn", ({ onSignal, writeError }) => {
    onSignal("SIGTERM", () => writeError("not yet"));
    return new Promise(() => {});
  });
  assert.deepEqual(await processes.run("/usr/bin/cat", [">"], { input: "hi" }), { stdout: ">hi", stderr: "", code: 3 });
  await assert.rejects(processes.spawn("nothing"), { code: "ENOENT" });
  const child = await processes.spawn("/bin/stubborn");
  await world.clock.settle();
  child.kill("SIGTERM");
  await world.clock.settle();
  assert.deepEqual(processes.running, [child.id]);
  assert.equal(processes.signal(child.id, "SIGKILL"), true);
  assert.deepEqual(await child.exited, { signal: "SIGKILL" });
  assert.equal(processes.signal(child.id, 0), false);
  const late = await world.run(() => processes.run("/bin/stubborn", [], { timeoutMilliseconds: 500 }));
  assert.equal(late.signal, "SIGKILL");
});

test("a power cut takes programs, listeners, connections and what was not synced; the other machine lives on", async () => {
  const { one, two, scope } = await twoMachines();
  await two.network.listen(scope, { host: "0.0.0.0", port: 7 }, () => {});
  two.processes.register("sleep", () => new Promise(() => {}));
  const child = await two.processes.spawn("sleep");
  const stream = await one.network.connect({ host: "two", port: 7 });
  const database = await two.databases.open("/db");
  await one.run(() => database.commit([{ key: bytes("kept"), value: bytes("1") }]));
  const lost = assert.rejects(database.commit([{ key: bytes("late"), value: bytes("1") }]), { name: "DatabaseError" });
  two.powerCut();
  await lost;
  assert.deepEqual(await child.exited, { signal: "SIGKILL" });
  await assert.rejects(stream.incoming[Symbol.asyncIterator]().next(), { code: "ECONNRESET" });
  await assert.rejects(one.network.connect({ host: "two", port: 80 }), { code: "ECONNREFUSED" });
  const rows: string[] = [];
  await one.run(async () => {
    for await (const page of (await two.databases.open("/db")).scan(bytes("a"), bytes("z"))) rows.push(...page.map(({ key }) => text(key)));
  });
  assert.equal(rows[0], "kept");
  await scope.stop();
});
