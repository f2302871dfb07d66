// nodes/proxy, pods/proxy and services/proxy: any request, handed on to a kubelet, a Pod or one of a Service's endpoints.
import { Pod } from "#api/core/pod/pod.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { parseIp } from "#schema/derive/formats.ts";
import type { Authorizer } from "../../authorization/authorizer.ts";
import { forbiddenError } from "../../forbidden.ts";
import { badRequest } from "../errors.ts";
import type { Answer, Call, CustomSubresource } from "../resource.ts";
import type { Kubelets } from "./kubelet-connection.ts";
import { relay } from "./relay.ts";

const verbs = ["create", "delete", "get", "patch", "update"] as const;

function proxySubresource(options: string, handle: (call: Call) => Promise<Answer>): CustomSubresource {
  return { type: "custom", verbs, takes: { group: "", version: "v1", kind: options }, anyMethod: true, longRunning: true, handle };
}

/** Kubelets run commands for who upgrades the connection, whatever its method: that needs the right to create, not only to read. */
export function nodeProxy(kubelets: Kubelets, authorizer: Authorizer): CustomSubresource {
  return proxySubresource("NodeProxyOptions", async (call) => {
    const { registry, request, world } = call;
    if (request.http.upgrade && request.info.verb !== "create") {
      const asCreate = { ...request.info, verb: "create" };
      const { decision, reason } = await authorizer.authorize(request.user, asCreate);
      if (decision !== "allow") throw forbiddenError(request.user, asCreate, reason);
    }
    const { client, url } = await kubelets.of(registry, targetOf(request.info.name).name);
    return relay(world, request.http, { client, url, path: pathOf(call) });
  });
}

export const podProxy = proxySubresource("PodProxyOptions", async (call) => {
  const { registry, request } = call;
  const { scheme, name, port } = targetOf(request.info.name);
  const pod = await registry.of(Pod).get(request.info.namespace, name);
  const address = pod.status.podIP ?? "";
  if (address === "") throw badRequest("address not allowed");
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const named = ports.find((one) => one.name === port)?.containerPort;
  return relayTo(
    call,
    scheme,
    address,
    port === "" ? (ports[0]?.containerPort ?? (scheme === "https" ? 443 : 80)) : (named ?? numberOf(port)),
  );
});

export const serviceProxy = proxySubresource("ServiceProxyOptions", async (call) => {
  const { registry, request, world } = call;
  const { scheme, name, port } = targetOf(request.info.name);
  const { namespace } = request.info;
  const service = await registry.of(Service).get(namespace, name);
  const ports = service.spec.ports ?? [];
  const wanted = port === "" && ports.length === 1 ? ports[0] : ports.find((one) => one.name === port || String(one.port) === port);
  if (!wanted)
    throw new StatusError("ServiceUnavailable", `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const slices = await registry.of(EndpointSlice).peekList(namespace);
  const targets = slices
    .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name)
    .flatMap(({ endpoints, ports: offered }) => {
      const found = offered?.find((one) => (one.name ?? "") === (wanted.name ?? ""))?.port;
      if (found === undefined) return [];
      return endpoints.flatMap(({ addresses, conditions }) =>
        conditions?.ready === false || addresses[0] === undefined ? [] : [{ address: addresses[0], port: Number(found) }],
      );
    });
  const target = targets[world.random.integer(Math.max(1, targets.length))];
  if (!target) throw new StatusError("ServiceUnavailable", `no endpoints available for service ${JSON.stringify(name)}`);
  return relayTo(call, scheme, target.address, target.port);
});

async function relayTo(call: Call, scheme: "http" | "https", address: string, port: number): Promise<Answer> {
  if (!mayBeProxied(address)) throw badRequest("address not allowed");
  const url = `${scheme}://${address.includes(":") ? `[${address}]` : address}:${port}`;
  const client = call.world.network.client({ url, http: "1.1", ...(scheme === "https" && { insecure: true }) });
  const { request } = call;
  const close = () => client.close();
  if (request.http.signal.aborted) close();
  else request.http.signal.addEventListener("abort", close, { once: true });
  return relay(call.world, request.http, { client, url, path: pathOf(call) });
}

/** "https:web:8443", "web:http", "web" */
function targetOf(text: string): { readonly scheme: "http" | "https"; readonly name: string; readonly port: string } {
  const parts = text.split(":");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 1) return { scheme: "http", name: first, port: "" };
  if (parts.length === 2) return { scheme: "http", name: first, port: second };
  if (parts.length === 3 && ["http", "https", ""].includes(first)) {
    return { scheme: first === "https" ? "https" : "http", name: second, port: third };
  }
  throw badRequest(`invalid request ${JSON.stringify(text)}`);
}

function numberOf(port: string): number {
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number < 1 || number > 65_535) throw badRequest(`invalid port ${JSON.stringify(port)}`);
  return number;
}

/** The path behind ".../proxy" with the query. Steps upwards are refused, however they are written. */
function pathOf({ rest, request }: Call): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(rest);
  } catch {
    throw badRequest("the path is not well-formed");
  }
  if (decoded.split(/[/\\]/).some((segment) => segment === ".." || segment === ".")) {
    throw badRequest('the path must not contain ".." or "."');
  }
  const { query } = request.http;
  return `${rest === "" ? "/" : rest}${query === "" ? "" : `?${query}`}`;
}

/** Not the server's own machine, nor what only its own link knows. A name is no address: where it leads is for others to say. */
export function mayBeProxied(address: string): boolean {
  const bytes = parseIp(address);
  if (!bytes) return false;
  const [first = 0, second = 0] = bytes;
  if (bytes.length === 4) return first !== 0 && first !== 127 && !(first === 169 && second === 254) && first < 224;
  // An address of the other family within this one, as in ::ffff:127.0.0.1, is judged as what it is; so are :: and ::1.
  const embeds = bytes.subarray(0, 10).every((byte) => byte === 0) && (bytes[10] === 0 || bytes[10] === 255) && bytes[10] === bytes[11];
  if (embeds) return mayBeProxied(bytes.subarray(12).join("."));
  return first !== 255 && !(first === 254 && (second & 0xc0) === 0x80);
}
