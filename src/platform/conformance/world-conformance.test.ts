// What every World promises, tested on each of them. A simulation is worth as much as it behaves like the machine it stands for.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import type { Scope } from "#base/scope.ts";
import { nodeWorld } from "../node/world.ts";
import { simulatedWorld } from "../simulated/world.ts";
import type { World } from "../world.ts";

interface WorldUnderTest {
  readonly world: World;
  /** An empty folder. */
  readonly folder: string;
  /** Moves time where time is virtual; elsewhere just waits for the task. */
  run<T>(task: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const bytes = (value: string) => new TextEncoder().encode(value);
const text = (value: Uint8Array) => new TextDecoder().decode(value);

testWorld("simulated", async () => {
  const world = simulatedWorld({ seed: 1 });
  await world.files.makeFolder("/empty");
  return { world, folder: "/empty", run: (task) => world.run(task), close: async () => {} };
});

testWorld("node", async () => {
  const folder = await mkdtemp(join(tmpdir(), "keelson-world-"));
  return { world: nodeWorld(), folder, run: (task) => task(), close: () => rm(folder, { recursive: true }) };
});

/** Declares the suite for one kind of World. */
function testWorld(name: string, make: () => Promise<WorldUnderTest>): void {
  const check = (title: string, body: (under: { world: World; folder: string; scope: Scope }) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const { world, folder, run, close } = await make();
      const scope = rootScope("test", (error) => {
        throw error;
      });
      try {
        await run(() => body({ world, folder, scope }));
      } finally {
        await run(() => scope.stop());
        await close();
      }
    });

  check("F1 a file holds what was written, appended and replaced", async ({ world: { files }, folder }) => {
    const path = `${folder}/a`;
    await files.write(path, "one");
    await files.append(path, " two");
    assert.equal(await files.readText(path), "one two");
    await files.write(path, "1");
    assert.equal(text(await files.read(path)), "1");
    const before = await files.stat(path);
    await files.replace(path, "three", { mode: 0o600 });
    const after = await files.stat(path);
    assert.equal(await files.readText(path), "three");
    assert.deepEqual([after?.kind, after?.size, after?.mode], ["file", 5, 0o600]);
    assert.notEqual(after?.inode, before?.inode);
    assert.deepEqual(await files.list(folder), ["a"]);
  });

  check("F2 failures carry the system's codes", async ({ world: { files }, folder }) => {
    await files.makeFolder(`${folder}/full/deep`);
    await files.write(`${folder}/file`, "");
    const fails = (task: Promise<unknown>, code: string) => assert.rejects(task, { name: "FileError", code });
    await fails(files.read(`${folder}/none`), "ENOENT");
    await fails(files.read(`${folder}/full`), "EISDIR");
    await fails(files.write(`${folder}/none/a`, ""), "ENOENT");
    await fails(files.write(`${folder}/file/a`, ""), "ENOTDIR");
    await fails(files.replace(`${folder}/none/a`, ""), "ENOENT");
    await fails(files.list(`${folder}/none`), "ENOENT");
    await fails(files.list(`${folder}/file`), "ENOTDIR");
    await fails(files.open(`${folder}/none`), "ENOENT");
    await fails(files.makeFolder(`${folder}/file`), "EEXIST");
    await fails(files.rename(`${folder}/none`, `${folder}/b`), "ENOENT");
    await fails(files.rename(`${folder}/file`, `${folder}/full`), "EISDIR");
    await fails(files.readLink(`${folder}/file`), "EINVAL");
    await fails(files.changeMode(`${folder}/none`, 0o600), "ENOENT");
    await fails(files.link("x", `${folder}/file`), "EEXIST");
    assert.equal(await files.stat(`${folder}/none`), undefined);
    assert.equal(await files.stat(`${folder}/none/below`), undefined);
  });

  check("F3 folders are made with their parents, and removed whole only when asked", async ({ world: { files }, folder }) => {
    await files.makeFolder(`${folder}/a/b/c`);
    await files.makeFolder(`${folder}/a/b/c`);
    await files.write(`${folder}/a/b/file`, "x");
    await assert.rejects(files.remove(`${folder}/a`));
    assert.equal(await files.readText(`${folder}/a/b/file`), "x");
    await files.remove(`${folder}/a`, { recursive: true });
    await files.remove(`${folder}/a`, { recursive: true });
    await files.remove(`${folder}/never`);
    assert.deepEqual(await files.list(folder), []);
  });

  check("F4 links are followed on the way, not at the end unless asked, and never when removing", async ({ world: { files }, folder }) => {
    await files.makeFolder(`${folder}/v1`);
    await files.write(`${folder}/v1/key`, "old");
    await files.link("v1", `${folder}/..data`);
    await files.link("..data/key", `${folder}/key`);
    assert.equal(await files.readText(`${folder}/key`), "old");
    assert.equal(await files.readLink(`${folder}/key`), "..data/key");
    assert.equal((await files.stat(`${folder}/..data`))?.kind, "link");
    assert.equal((await files.stat(`${folder}/..data`, { follow: true }))?.kind, "folder");
    await files.makeFolder(`${folder}/v2`);
    await files.write(`${folder}/v2/key`, "new");
    await files.link("v2", `${folder}/..next`);
    await files.rename(`${folder}/..next`, `${folder}/..data`);
    assert.equal(await files.readText(`${folder}/key`), "new");
    await files.remove(`${folder}/..data`, { recursive: true });
    assert.deepEqual(await files.list(folder), ["key", "v1", "v2"]);
    assert.equal(await files.stat(`${folder}/key`, { follow: true }), undefined);
    assert.equal(await files.readText(`${folder}/v2/key`), "new");
  });

  check("F5 a growing file is read by offset", async ({ world: { files }, folder }) => {
    await files.write(`${folder}/log`, "first\n");
    const open = await files.open(`${folder}/log`);
    assert.equal(text(await open.read(0, 100)), "first\n");
    await files.append(`${folder}/log`, "second\n");
    assert.equal(text(await open.read(6, 3)), "sec");
    assert.equal((await open.read(100, 10)).length, 0);
    assert.equal((await open.stat()).size, 13);
    await open.close();
  });

  check("F6 a watched folder reports what is written, replaced and removed in it", async ({ world: { files, clock }, folder, scope }) => {
    let calls = 0;
    const watch = files.watch(folder, () => calls++);
    const called = async (action: () => Promise<void>) => {
      const before = calls;
      await action();
      for (let tries = 0; calls === before && tries < 200; tries++) await clock.sleep(scope, 10);
      assert.ok(calls > before);
      await clock.sleep(scope, 150);
    };
    await called(() => files.write(`${folder}/a`, "x"));
    await called(() => files.replace(`${folder}/a`, "y"));
    await called(() => files.remove(`${folder}/a`));
    watch.close();
    const before = calls;
    await files.write(`${folder}/b`, "x");
    await clock.sleep(scope, 150);
    assert.equal(calls, before);
  });

  check("T1 timers wait, can be cancelled, and never go back", async ({ world: { clock }, scope }) => {
    const begin = clock.monotonic();
    let fired = false;
    const timer = clock.timer(5, () => {
      fired = true;
    });
    timer.cancel();
    await clock.sleep(scope, 30);
    await clock.endOfTurn();
    assert.equal(fired, false);
    assert.ok(clock.monotonic() - begin >= 29);
    const child = scope.child("child");
    const asleep = assert.rejects(clock.sleep(child, 60_000), { name: "ScopeStopped" });
    await child.stop();
    await asleep;
  });

  check("N1 a request carries method, path, query, headers and body, and so does its answer", async ({ world: { network }, scope }) => {
    const listener = await network.serve(scope, { host: "127.0.0.1", port: 0 }, async (request) => ({
      status: 201,
      headers: { "x-seen": `${request.method} ${request.path} ${request.query} ${request.headers["x-a"] ?? ""}` },
      body: [await request.body(100), bytes("!")],
    }));
    const client = network.client({ url: `http://127.0.0.1:${listener.port}` });
    const response = await client.request({ method: "POST", path: "/a%20b?c=1&d", headers: { "X-A": "yes" }, body: bytes("hello") });
    assert.deepEqual([response.status, response.headers["x-seen"], text(await response.bytes())], [201, "POST /a%20b c=1&d yes", "hello!"]);
    client.close();
  });

  check("N2 a body above the limit is refused while reading", async ({ world: { network }, scope }) => {
    const listener = await network.serve(scope, { host: "127.0.0.1", port: 0 }, async (request) => {
      const failure = await request.body(10).then(
        () => "read",
        (error: Error) => error.name,
      );
      return { status: 413, headers: {}, body: bytes(failure) };
    });
    const client = network.client({ url: `http://127.0.0.1:${listener.port}` });
    const response = await client.request({ method: "POST", path: "/", body: new Uint8Array(11) });
    assert.equal(text(await response.bytes()), "BodyTooLarge");
    client.close();
  });

  check("N3 a streamed body comes as it is written, and leaving it aborts the request", async ({ world: { network, clock }, scope }) => {
    let aborted = false;
    const listener = await network.serve(scope, { host: "127.0.0.1", port: 0 }, async (request) => {
      request.signal.addEventListener("abort", () => {
        aborted = true;
      });
      return { status: 200, headers: {}, body: { stream: (sink) => sink.write(bytes("event")) } };
    });
    const client = network.client({ url: `http://127.0.0.1:${listener.port}` });
    const response = await client.request({ method: "GET", path: "/" });
    let seen = "";
    for await (const chunk of response.body) {
      seen += text(chunk);
      break;
    }
    assert.equal(seen, "event");
    for (let tries = 0; !aborted && tries < 200; tries++) await clock.sleep(scope, 10);
    assert.equal(aborted, true);
    client.close();
  });

  check("N4 nothing listens, a port is taken, nobody answers in time", async ({ world: { network }, scope }) => {
    const listener = await network.serve(scope, { host: "127.0.0.1", port: 0 }, async (request) => {
      await new Promise<void>((resolve) => request.signal.addEventListener("abort", () => resolve(), { once: true }));
      return { status: 200, headers: {} };
    });
    const client = network.client({ url: `http://127.0.0.1:${listener.port}` });
    await assert.rejects(client.request({ method: "GET", path: "/", timeoutMilliseconds: 50 }), {
      name: "NetworkError",
      code: "ETIMEDOUT",
    });
    await assert.rejects(
      network.serve(scope, { host: "127.0.0.1", port: listener.port }, async () => ({ status: 200, headers: {} })),
      { name: "NetworkError", code: "EADDRINUSE" },
    );
    await listener.close(0);
    await assert.rejects(client.request({ method: "GET", path: "/" }), { name: "NetworkError", code: "ECONNREFUSED" });
    await assert.rejects(network.connect({ host: "127.0.0.1", port: listener.port }), { name: "NetworkError", code: "ECONNREFUSED" });
    client.close();
  });

  check("N5 an upgrade hands over the connection; a refusal is the response", async ({ world: { network }, scope }) => {
    const listener = await network.serve(scope, { host: "127.0.0.1", port: 0 }, async (request) => {
      if (request.path !== "/exec" || !request.upgrade) return { status: 403, headers: {}, body: bytes("no") };
      const { stream } = request.upgrade({ connection: "Upgrade", upgrade: "echo" });
      void (async () => {
        for await (const chunk of stream.incoming) await stream.write(bytes(text(chunk).toUpperCase()));
        stream.end();
      })();
      return { status: 101, headers: {}, upgraded: true };
    });
    const client = network.client({ url: `http://127.0.0.1:${listener.port}` });
    const ask = (path: string) => client.upgrade({ method: "POST", path, headers: { connection: "Upgrade", upgrade: "echo" } });
    const answer = await ask("/exec");
    assert.ok("stream" in answer);
    assert.equal(answer.headers["upgrade"], "echo");
    await answer.stream.write(bytes("shout"));
    answer.stream.end();
    let heard = "";
    for await (const chunk of answer.stream.incoming) heard += text(chunk);
    assert.equal(heard, "SHOUT");
    await answer.stream.closed;
    const refused = await ask("/other");
    assert.ok("refused" in refused);
    assert.deepEqual([refused.refused.status, text(await refused.refused.bytes())], [403, "no"]);
    client.close();
  });

  check("N6 raw connections carry bytes both ways, half-close, and tell when the peer is gone", async ({ world: { network }, scope }) => {
    const listener = await network.listen(scope, { host: "127.0.0.1", port: 0 }, async (stream, address) => {
      assert.match(address, /^127\.0\.0\.1:\d+$/);
      let all = "";
      for await (const chunk of stream.incoming) all += text(chunk);
      await stream.write(bytes(`${all.length}`));
      stream.end();
    });
    const stream = await network.connect({ host: "127.0.0.1", port: listener.port });
    for (let index = 0; index < 20; index++) await stream.write(new Uint8Array(10_000));
    stream.end();
    let answer = "";
    for await (const chunk of stream.incoming) answer += text(chunk);
    assert.equal(answer, "200000");
    await stream.closed;
    await assert.rejects(stream.write(bytes("late")));
  });

  check("N7 datagrams come with their sender's address, and can be answered", async ({ world: { network }, scope }) => {
    const server = await network.datagrams(scope, { host: "127.0.0.1", port: 0 }, (datagram) =>
      server.send(bytes(`you said ${text(datagram.bytes)}`), datagram.host, datagram.port),
    );
    const heard = await new Promise<string>((resolve, reject) => {
      network
        .datagrams(scope, { host: "127.0.0.1", port: 0 }, (datagram) => resolve(text(datagram.bytes)))
        .then((socket) => socket.send(bytes("hello"), "127.0.0.1", server.port))
        .catch(reject);
    });
    assert.equal(heard, "you said hello");
  });

  check(
    "N8 over TLS the client's certificate is the peer's identity, and the server's is verified",
    async ({ world: { network, crypto, clock }, scope }) => {
      const validity = { notBefore: clock.now() - 60_000, notAfter: clock.now() + 3_600_000 };
      const newCa = async (commonName: string) => {
        const key = await crypto.generateKey("ecdsa-p256");
        const request = {
          subject: { commonName },
          publicKey: key.publicKey,
          signingKey: key.privateKey,
          isCa: true,
          usages: ["cert sign"] as const,
        };
        return { key, certificate: await crypto.issueCertificate({ ...request, ...validity }) };
      };
      const issue = async (
        ca: Awaited<ReturnType<typeof newCa>>,
        commonName: string,
        organizations: readonly string[],
        names: { dnsNames?: string[]; ipAddresses?: string[] },
      ) => {
        const key = await crypto.generateKey("ecdsa-p256");
        const request = {
          subject: { commonName, organizations },
          publicKey: key.publicKey,
          signingKey: ca.key.privateKey,
          issuer: ca.certificate,
        };
        const certificate = await crypto.issueCertificate({
          ...request,
          ...names,
          usages: ["digital signature"],
          extendedUsages: ["server auth", "client auth"],
          ...validity,
        });
        return { certificate, key: key.privateKey };
      };
      const [ours, theirs] = [await newCa("ours"), await newCa("theirs")];
      const server = await issue(ours, "server", [], { dnsNames: ["api.test"], ipAddresses: ["127.0.0.1"] });
      const listener = await network.serve(
        scope,
        { host: "127.0.0.1", port: 0, tls: { ...server, clientCa: ours.certificate } },
        async ({ peer }) => ({
          status: 200,
          headers: { "content-type": "application/json" },
          body: bytes(JSON.stringify(peer.certificate ?? (peer.untrustedCertificate ? "untrusted" : "anonymous"))),
        }),
      );
      for (const http of ["2", "1.1"] as const) {
        const ask = async (options: object) => {
          const client = network.client({ url: `https://127.0.0.1:${listener.port}`, ca: ours.certificate, http, ...options });
          try {
            return JSON.parse(text(await (await client.request({ method: "GET", path: "/" })).bytes())) as unknown;
          } finally {
            client.close();
          }
        };
        const alice = await ask(await issue(ours, "alice", ["ops", "dev"], {}));
        assert.deepEqual(alice, {
          commonName: "alice",
          organizations: ["ops", "dev"],
          notAfter: Math.floor(validity.notAfter / 1000) * 1000,
        });
        assert.equal(await ask(await issue(theirs, "mallory", ["ops"], {})), "untrusted");
        assert.equal(await ask({}), "anonymous");
        assert.equal(await ask({ serverName: "api.test" }), "anonymous");
        assert.equal(await ask({ ca: theirs.certificate, insecure: true }), "anonymous");
        await assert.rejects(ask({ serverName: "other.test" }), { name: "NetworkError", code: "ERR_TLS_CERT_ALTNAME_INVALID" });
        await assert.rejects(ask({ ca: theirs.certificate }), { name: "NetworkError" });
      }
    },
  );

  check("C1 certificates lead to their CA only, and only in their time", async ({ world: { crypto, clock } }) => {
    const now = clock.now();
    const validity = { notBefore: now - 60_000, notAfter: now + 3_600_000 };
    const caKey = await crypto.generateKey("ecdsa-p256");
    const otherKey = await crypto.generateKey("ecdsa-p256");
    const issueCa = (key: typeof caKey, commonName: string) =>
      crypto.issueCertificate({
        subject: { commonName },
        publicKey: key.publicKey,
        signingKey: key.privateKey,
        isCa: true,
        usages: ["cert sign"],
        ...validity,
      });
    const [ca, other] = [await issueCa(caKey, "ours"), await issueCa(otherKey, "theirs")];
    const key = await crypto.generateKey("ecdsa-p256");
    const pem = await crypto.createSigningRequest({
      subject: { commonName: "system:node:a", organizations: ["system:nodes"] },
      key,
      dnsNames: ["a.test"],
      ipAddresses: ["10.0.0.9"],
    });
    const request = await crypto.readSigningRequest(pem);
    assert.deepEqual(request.subject, { commonName: "system:node:a", organizations: ["system:nodes"] });
    assert.deepEqual([request.dnsNames, request.ipAddresses, request.emailAddresses, request.uris], [["a.test"], ["10.0.0.9"], [], []]);
    const certificate = await crypto.issueCertificate({
      subject: request.subject,
      publicKey: request.publicKey,
      signingKey: caKey.privateKey,
      issuer: ca,
      dnsNames: request.dnsNames,
      ipAddresses: request.ipAddresses,
      extendedUsages: ["client auth"],
      ...validity,
    });
    const read = crypto.readCertificate(certificate);
    assert.deepEqual([read.subject, read.dnsNames, read.ipAddresses, read.isCa], [request.subject, ["a.test"], ["10.0.0.9"], false]);
    assert.equal(read.notAfter, Math.floor(validity.notAfter / 1000) * 1000);
    assert.equal(crypto.readCertificate(ca).isCa, true);
    assert.equal(crypto.verifyCertificate(certificate, `${other}\n${ca}`, now), true);
    assert.equal(crypto.verifyCertificate(certificate, other, now), false);
    assert.equal(crypto.verifyCertificate(certificate, ca, now + 7_200_000), false);
    assert.equal(crypto.verifyCertificate(certificate, ca, now - 7_200_000), false);
    assert.throws(() => crypto.readCertificate("nonsense"), { name: "CryptoError" });
    await assert.rejects(crypto.readSigningRequest("nonsense"), { name: "CryptoError" });
  });

  check("C2 tokens verify with their own key only", async ({ world: { crypto } }) => {
    for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
      const [mine, theirs] = [await crypto.generateKey(algorithm), await crypto.generateKey(algorithm)];
      const token = await crypto.signToken({ sub: "wörld", exp: 2 ** 40 }, { privateKey: mine.privateKey, keyId: "1" });
      assert.deepEqual(
        await crypto.verifyToken(token, [
          { publicKey: theirs.publicKey, keyId: "2" },
          { publicKey: mine.publicKey, keyId: "1" },
        ]),
        {
          sub: "wörld",
          exp: 2 ** 40,
        },
      );
      await assert.rejects(crypto.verifyToken(token, [{ publicKey: theirs.publicKey, keyId: "1" }]), { name: "CryptoError" });
      await assert.rejects(crypto.verifyToken("a.b", [{ publicKey: mine.publicKey, keyId: "1" }]), { name: "CryptoError" });
      const jwk = crypto.publicJwk(mine.publicKey, "1");
      assert.deepEqual([jwk["kid"], jwk["use"], jwk["alg"]], ["1", "sig", algorithm === "ecdsa-p256" ? "ES256" : "RS256"]);
    }
  });

  check("C3 identifiers, digests and comparisons", async ({ world: { crypto, random } }) => {
    assert.match(crypto.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.notEqual(crypto.uuid(), crypto.uuid());
    assert.equal(crypto.randomBytes(33).length, 33);
    assert.equal(crypto.sha256(bytes("abc"))[0], 0xba);
    assert.equal(crypto.equal(bytes("same"), bytes("same")), true);
    assert.equal(crypto.equal(bytes("same"), bytes("sama")), false);
    assert.equal(crypto.equal(bytes("same"), bytes("longer")), false);
    const draw = random.integer(6);
    assert.ok(Number.isInteger(draw) && draw >= 0 && draw < 6);
  });
}
