// nodes/proxy, pods/proxy and services/proxy: any request, handed on to a kubelet, a Pod or one of a Service's endpoints.
import { Pod } from "#api/core/pod/pod.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { parseIp } from "#base/ip.ts";
import type { Authorizer } from "../../authorization/authorizer.ts";
import { forbiddenError } from "../../forbidden.ts";
import { badRequest } from "../errors.ts";
import type { Answer, Call, CustomSubresource } from "../resource.ts";
import { type Kubelets, urlOf } from "./kubelet-connection.ts";
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
    const { scheme, name, port } = targetOf(request.info.name);
    const kubelet = await kubelets.of(registry, name);
    const address = await proxiedAddress(world, kubelet.address);
    if (port !== "" && port !== String(kubelet.port)) return relayTo(call, scheme, address, numberOf(port));
    const redirect = toFolder(call);
    if (redirect) return redirect;
    return relay(world, request.http, { client: kubelet.client, url: kubelet.url, path: pathOf(call), prefix: prefixOf(call) });
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
  const redirect = toFolder(call);
  if (redirect) return redirect;
  const path = pathOf(call);
  const url = urlOf(scheme, address, port);
  const client = call.world.network.client({ url, http: "1.1", ...(scheme === "https" && { insecure: true }) });
  return relay(call.world, call.request.http, { client, url, path, prefix: prefixOf(call), done: () => client.close() });
}

/** Pages find what lies beside them only below a path that ends with a slash. */
function toFolder({ rest, request: { http } }: Call): Answer | undefined {
  if (rest !== "" || http.upgrade || (http.method !== "GET" && http.method !== "HEAD") || http.path.endsWith("/")) return undefined;
  const location = `${http.path}/${http.query === "" ? "" : `?${http.query}`}`;
  return { response: { status: 301, headers: { location } } };
}

/** The part of the asked path that stands for the target: ".../pods/web/proxy". */
function prefixOf({ rest, request: { http } }: Call): string {
  return (rest === "" ? http.path : http.path.slice(0, http.path.length - rest.length)).replace(/\/$/, "");
}

/** What a Node says it is reached by may be a name: where it leads to now is judged. */
async function proxiedAddress(world: Call["world"], address: string): Promise<string> {
  const leadsTo = parseIp(address) ? [address] : await world.network.resolve(address).catch(() => []);
  const [first] = leadsTo;
  if (first === undefined || !leadsTo.every(mayBeProxied)) throw badRequest("address not allowed");
  return first;
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
