import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeWorld } from "#platform/node/world.ts";
import type { HttpRequest } from "#wire/http/message.ts";
import { layoutWriter, nameAnnotation, withFolders } from "./image-layout.ts";
import { commandScript, librariesIn } from "./installed-images.ts";
import { pauseProgram } from "./pause.ts";
import { respond } from "./registry.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("a layer is an archive that tar reads, and the same content gives the same bytes", () => {
  const content = new TextEncoder().encode("hello\n");
  const deep = `${"a".repeat(60)}/${"b".repeat(60)}/c`;
  const parts = [
    tarHeader({ kind: "folder", path: "tmp", mode: 0o1777 }),
    tarHeader({ kind: "file", path: deep, mode: 0o755, size: content.length }),
    content,
    tarPadding(content.length),
    tarHeader({ kind: "link", path: "l", mode: 0o777, target: "tmp" }),
    tarEnd,
  ];
  const folder = mkdtempSync(join(tmpdir(), "keelson-tar-"));
  try {
    const path = join(folder, "layer.tar");
    writeFileSync(path, Buffer.concat(parts));
    const listing = execFileSync("tar", ["-tvf", path, "--numeric-owner", "--utc"], { encoding: "utf8" }).split("\n");
    assert.match(listing[0] as string, /^drwxrwxrwt 0\/0 +0 1970-01-01 00:00 tmp\/$/);
    assert.match(listing[1] as string, new RegExp(`^-rwxr-xr-x 0/0 +6 1970-01-01 00:00 ${deep}$`));
    assert.match(listing[2] as string, /^lrwxrwxrwx 0\/0 +0 1970-01-01 00:00 l -> tmp$/);
    assert.equal(readFileSync(path).length % 512, 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  assert.throws(() => tarHeader({ kind: "file", path: "x".repeat(200), mode: 0o644 }), /too long/);
});

test("folders stand before what is in them, once", () => {
  const file = (path: string) => ({ kind: "file", path, mode: 0o644, from: new Uint8Array() }) as const;
  assert.deepEqual(
    withFolders([file("usr/b"), file("usr/a/x"), { kind: "folder", path: "usr/a", mode: 0o700 }]).map(({ path, mode }) => [path, mode]),
    [
      ["usr", 0o755],
      ["usr/a", 0o700],
      ["usr/a/x", 0o644],
      ["usr/b", 0o644],
    ],
  );
});

test("pause is a static program for both processors, and ends when it is told to", async () => {
  assert.equal(pauseProgram("mips"), undefined);
  for (const [architecture, machine] of [
    ["x64", 62],
    ["arm64", 183],
  ] as const) {
    const bytes = pauseProgram(architecture) as Uint8Array;
    assert.equal(text(bytes.subarray(1, 4)), "ELF");
    assert.equal(new DataView(bytes.buffer).getUint16(18, true), machine);
    assert.ok(bytes.length < 512);
  }
  if (process.platform !== "linux") return;
  const folder = mkdtempSync(join(tmpdir(), "keelson-pause-"));
  try {
    const path = join(folder, "pause");
    writeFileSync(path, pauseProgram(process.arch) as Uint8Array, { mode: 0o755 });
    const world = nodeWorld();
    const child = await world.processes.spawn(path, { stdin: "ignore" });
    // Between its start and the blocking of signals SIGTERM kills it; both ends are ends.
    child.kill("SIGTERM");
    const exit = await child.exited;
    assert.ok(exit.code === 0 || exit.signal === "SIGTERM", JSON.stringify(exit));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("libraries are found in what ldd prints", () => {
  const printed =
    "\tlinux-vdso.so.1 (0x00007fe48efe3000)\n\tlibdl.so.2 => /lib/x86_64-linux-gnu/libdl.so.2 (0x00007fe48efcd000)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007fe48efe5000)\n\tlibgone.so => not found\n";
  assert.deepEqual(librariesIn(printed), ["/lib/x86_64-linux-gnu/libdl.so.2", "/lib64/ld-linux-x86-64.so.2"]);
});

test("a command of the image needs no shell", () => {
  assert.match(commandScript("kube-proxy"), /^#!\/usr\/lib\/keelson\/node --[a-zA-Z=-]+\nprocess\.argv\.splice\(2, 0, "kube-proxy"\);\n/);
});

test("the registry serves a layout's images by tag and digest, and nothing else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-images-"));
  const world = nodeWorld();
  try {
    const writer = await layoutWriter(world, folder);
    const layer = await writer.layer([{ kind: "file", path: "pause", mode: 0o755, from: new Uint8Array([1, 2, 3]) }]);
    const manifest = await writer.image({ names: ["docker.io/keelson/hello:latest"], layers: [layer], config: { entrypoint: ["/pause"] } });
    assert.equal((await respond(world, folder, ask("/v2/keelson/hello/manifests/latest"))).status, 404, "not before the index is there");
    const index = await writer.finish();
    assert.equal(index.manifests[0]?.annotations?.[nameAnnotation], "docker.io/keelson/hello:latest");

    assert.equal((await respond(world, folder, ask("/v2/"))).status, 200);
    const head = await respond(world, folder, ask("/v2/keelson/hello/manifests/latest", "HEAD"));
    assert.equal(head.status, 200);
    assert.equal(head.headers["docker-content-digest"], manifest.digest);
    assert.equal(head.headers["content-length"], String(manifest.size));
    assert.equal((await respond(world, folder, ask(`/v2/keelson/hello/manifests/${manifest.digest}`))).status, 200);
    const blob = await respond(world, folder, ask(`/v2/keelson/hello/blobs/${layer.digest}`));
    assert.equal(blob.headers["content-length"], String(layer.size));
    for (const [path, status] of [
      ["/v2/library/nginx/manifests/latest", 404],
      ["/v2/keelson/hello/manifests/2", 404],
      ["/v2/keelson/hello/blobs/sha256:../../../etc/passwd", 404],
      ["/v2/keelson/hello/blobs/latest", 400],
      [`/v2/keelson/hello/blobs/sha256:${"0".repeat(64)}`, 404],
      ["/v2/_catalog", 404],
    ] as const)
      assert.equal((await respond(world, folder, ask(path))).status, status, path);
    assert.equal((await respond(world, folder, ask("/v2/keelson/hello/manifests/latest", "PUT"))).status, 405);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function ask(path: string, method = "GET"): HttpRequest {
  return {
    method,
    path,
    query: "ns=docker.io",
    headers: {},
    peer: { address: "127.0.0.1:1" },
    body: async () => new Uint8Array(),
    signal: new AbortController().signal,
  };
}
