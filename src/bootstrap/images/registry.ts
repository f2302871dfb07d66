// A registry of the images that came with the installation, for this machine alone: the reading half of the OCI distribution protocol over
// an image layout. containerd asks it before docker.io, so that `--image=keelson/hello` works with no network.
import type { Scope } from "#base/scope.ts";
import { NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { HttpRequest, HttpResponse, Sink } from "#wire/http/message.ts";
import { imageRegistryPort, imagesFolder } from "../layout.ts";
import { nameAnnotation, readIndex } from "./image-layout.ts";

const chunkBytes = 256 * 1024;
const bufferedMax = 1024 * 1024;
const retryMilliseconds = 5_000;

/** Serves on 127.0.0.1 until the scope stops. A taken port is no reason for the caller to fail: it is tried again. */
export function serveImages(scope: Scope, world: World, { folder = imagesFolder, port = imageRegistryPort } = {}): void {
  scope.start("image registry", async (task) => {
    for (let attempt = 1; ; attempt += 1) {
      const problem = await beginServing(task, world, { folder, port });
      if (!problem) break;
      // At first it may be `keelson up` that serves them.
      if (attempt > 2) world.log.warn("the images of the installation cannot be served yet", { port, error: problem.message });
      await world.clock.sleep(task, retryMilliseconds);
    }
    await new Promise<void>((resolve) => task.signal.addEventListener("abort", () => resolve(), { once: true }));
  });
}

/** Gives what is in the way, such as another who serves them; undefined once they are served, until the scope stops. */
export async function beginServing(
  scope: Scope,
  world: World,
  { folder = imagesFolder, port = imageRegistryPort } = {},
): Promise<NetworkError | undefined> {
  try {
    await world.network.serve(scope, { host: "127.0.0.1", port }, (request) => respond(world, folder, request));
    return undefined;
  } catch (error) {
    if (error instanceof NetworkError) return error;
    throw error;
  }
}

export async function respond(world: World, folder: string, request: HttpRequest): Promise<HttpResponse> {
  const { method, path } = request;
  if (method !== "GET" && method !== "HEAD") return failure(405, "UNSUPPORTED", "only reading is possible here");
  if (path === "/v2/" || path === "/v2") return { status: 200, headers: { "content-type": "application/json" }, body: encode("{}") };
  const [, name = "", what, reference = ""] = /^\/v2\/([a-z0-9._/-]{1,255})\/(manifests|blobs)\/([A-Za-z0-9:._-]{1,200})$/.exec(path) ?? [];
  const index = await readIndex(world, folder);
  const named = (index?.manifests ?? []).filter(({ annotations }) => annotations?.[nameAnnotation]?.startsWith(`docker.io/${name}:`));
  if (named.length === 0) return failure(404, "NAME_UNKNOWN", "no image of that name came with the installation");
  if (what === "manifests") {
    const manifest = named.find(
      ({ digest, annotations }) => digest === reference || annotations?.[nameAnnotation] === `docker.io/${name}:${reference}`,
    );
    return manifest
      ? content(world, folder, method, manifest)
      : failure(404, "MANIFEST_UNKNOWN", "no image of that tag came with the installation");
  }
  if (!/^sha256:[0-9a-f]{64}$/.test(reference)) return failure(400, "DIGEST_INVALID", "a digest is sha256: and 64 hexadecimal digits");
  return content(world, folder, method, { digest: reference, mediaType: "application/octet-stream" });
}

async function content(
  world: World,
  folder: string,
  method: string,
  { digest, mediaType }: { readonly digest: string; readonly mediaType: string },
): Promise<HttpResponse> {
  const path = `${folder}/blobs/sha256/${digest.slice("sha256:".length)}`;
  const info = await world.files.stat(path);
  if (info?.kind !== "file") return failure(404, "BLOB_UNKNOWN", "there is no such blob");
  const headers = { "content-type": mediaType, "content-length": String(info.size), "docker-content-digest": digest };
  if (method === "HEAD") return { status: 200, headers };
  return { status: 200, headers, body: { stream: (sink) => void send(world, path, info.size, sink) } };
}

async function send(world: World, path: string, size: number, sink: Sink): Promise<void> {
  try {
    const file = await world.files.open(path);
    try {
      for (let at = 0; at < size && !sink.signal.aborted; ) {
        const chunk = await file.read(at, Math.min(chunkBytes, size - at));
        if (chunk.length === 0) break;
        sink.write(chunk);
        at += chunk.length;
        while (sink.bufferedBytes > bufferedMax && !sink.signal.aborted) await pause(world);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    // The reader sees fewer bytes than were announced.
    world.log.warn("an image's blob cannot be read", { path, error: String(error) });
  }
  sink.end();
}

function pause(world: World): Promise<void> {
  return new Promise((resolve) => void world.clock.timer(5, resolve));
}

function failure(status: number, code: string, message: string): HttpResponse {
  return { status, headers: { "content-type": "application/json" }, body: encode(JSON.stringify({ errors: [{ code, message }] })) };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
