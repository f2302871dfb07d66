// What kubectl itself spends on an exec: an API server that says what another one said, and whose commands are over at once.
import { readFile } from "node:fs/promises";
import type { Scope } from "#base/scope.ts";
import { pkiFolder } from "#bootstrap/layout.ts";
import type { ClusterAccess } from "#component/kubeconfig.ts";
import type { World } from "#platform/world.ts";
import type { HttpRequest, HttpResponse } from "#wire/http/message.ts";
import { acceptHeaders } from "#wire/websocket/handshake.ts";
import { WebSocket } from "#wire/websocket/web-socket.ts";

const errorChannel = 3;
const success = new TextEncoder().encode(JSON.stringify({ metadata: {}, status: "Success" }));

/** Serves with the other one's certificate, on the same address; gives the URL. */
export async function serveInstantExec(scope: Scope, world: World, { server, ca, certificate, key }: ClusterAccess): Promise<string> {
  if (!ca || !certificate || !key) throw new Error("who asks the other server has to have a certificate");
  const other = world.network.client({ url: server, ca, certificate, key });
  scope.defer("the other server", () => other.close());
  const known = new Map<string, HttpResponse>();
  const [own, ownKey] = await Promise.all(["crt", "key"].map((ending) => readFile(`${pkiFolder}/apiserver.${ending}`, "utf8")));
  const { hostname } = new URL(server);
  const tls = { certificate: own as string, key: ownKey as string, clientCa: ca };
  const { port } = await world.network.serve(scope, { host: hostname, port: 0, tls }, async (request) =>
    request.path.endsWith("/exec") ? endAtOnce(request) : sayAgain(request),
  );
  return `https://${hostname}:${port}`;

  async function sayAgain({ path, query, headers }: HttpRequest): Promise<HttpResponse> {
    const { accept = "*/*" } = headers;
    const asked = `${path}?${query} ${accept}`;
    let answer = known.get(asked);
    if (!answer) {
      const heard = await other.request({ method: "GET", path: `${path}?${query}`, headers: { accept } });
      const { "content-type": type = "" } = heard.headers;
      answer = { status: heard.status, headers: { "content-type": type }, body: await heard.bytes() };
      known.set(asked, answer);
    }
    return answer;
  }
}

function endAtOnce({ upgrade, headers }: HttpRequest): HttpResponse {
  const accepted = acceptHeaders(headers, "v5.channel.k8s.io");
  if (!upgrade || !accepted) return { status: 400, headers: {} };
  const { stream, head } = upgrade(accepted);
  const socket = new WebSocket(stream, { side: "server", head });
  void (async () => {
    await socket.send(Uint8Array.of(errorChannel, ...success));
    await socket.close(1000, "");
    await stream.closed;
  })().catch(() => stream.destroy());
  return { status: 101, headers: {}, upgraded: true };
}
