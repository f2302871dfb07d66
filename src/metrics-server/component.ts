// metrics-server as a daemon: behind an APIService, asking kubelets with its own account.
import type { Node } from "#api/core/node/node.ts";
import type { Scope } from "#base/scope.ts";
import { accessFor, clientFor } from "#component/cluster-client.ts";
import type { Component } from "#component/component.ts";
import { clientFlags, daemonFlags, daemonValues } from "#component/daemon-flags.ts";
import { type Caller, type Delegated, delegatedTo } from "#component/delegated.ts";
import type { Flag } from "#component/flags.ts";
import { servingTls } from "#component/self-signed.ts";
import { healthResponse, textResponse } from "#component/serving.ts";
import { type HttpClient, NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { HttpHandler, HttpRequest } from "#wire/http/message.ts";
import { type FrontProxy, readFrontProxy, spokenFor } from "./front-proxy.ts";
import { startMetricsServer } from "./metrics-server.ts";

const flags = [
  ...daemonFlags,
  ...clientFlags,
  { name: "bind-address", type: "string", default: "0.0.0.0", doc: "Address to serve at." },
  { name: "secure-port", type: "integer", default: 10_250, doc: "Port to serve at." },
  { name: "cert-dir", type: "string", doc: "", ignored: "a certificate is made in memory where none is given" },
  { name: "tls-cert-file", type: "string", doc: "Certificate to serve with; one is made in memory when absent." },
  { name: "tls-private-key-file", type: "string", doc: "Key that belongs to --tls-cert-file." },
  { name: "metric-resolution", type: "duration", default: 15_000, doc: "How long lies between readings while somebody asks." },
  {
    name: "kubelet-preferred-address-types",
    type: "list",
    default: ["InternalIP", "ExternalIP", "Hostname"],
    doc: "Which of a Node's addresses to use first.",
  },
  { name: "kubelet-use-node-status-port", type: "boolean", default: true, doc: "", ignored: "a Node's own port is always used" },
  {
    name: "kubelet-certificate-authority",
    type: "string",
    doc: "CA bundle that kubelets' certificates must lead to; the cluster's when absent.",
  },
  { name: "kubelet-insecure-tls", type: "boolean", default: false, doc: "Take kubelets' certificates unseen." },
] as const satisfies readonly Flag[];

const scrapeMilliseconds = 10_000;
const bytesMax = 16 * 1024 * 1024;
const defaultKubeletPort = 10_250;
const retryMilliseconds = 1_000;

export const component: Component = {
  name: "metrics-server",
  doc: "Tells what nodes and Pods use now.",
  flags,
  async start(scope, world, arguments_) {
    const values = daemonValues("metrics-server", flags, arguments_, world.log);
    const access = await accessFor(world, values.kubeconfig);
    const client = clientFor(scope, world, access, "metrics-server");
    const ca = values["kubelet-certificate-authority"];
    const kubelets = new Kubelets(world, {
      addressTypes: values["kubelet-preferred-address-types"],
      ca: values["kubelet-insecure-tls"] ? undefined : ca ? await world.files.readText(ca) : access.ca,
      certificate: access.certificate,
      key: access.key,
      token: async () => (access.tokenFile ? (await world.files.readText(access.tokenFile)).trim() : access.token),
    });
    scope.defer("connections to kubelets", () => kubelets.close());
    const resolutionMilliseconds = values["metric-resolution"];
    const api = startMetricsServer(scope, world, { client, scrape: (node) => kubelets.read(node), resolutionMilliseconds });
    const proxy = await untilAnswered(scope, world, () => readFrontProxy(client));
    const tls = await servingTls(world, {
      certificateFile: values["tls-cert-file"],
      keyFile: values["tls-private-key-file"],
      name: "metrics-server",
    });
    await world.network.serve(
      scope,
      {
        host: values["bind-address"],
        port: values["secure-port"],
        tls: { ...tls, ...(proxy && { clientCa: proxy.clientCa }) },
      },
      guarded(api, proxy, delegatedTo(world, client)),
    );
    world.log.info("serving", { address: `${values["bind-address"]}:${values["secure-port"]}` });
  },
};

async function untilAnswered<T>(scope: Scope, world: World, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      world.log.warn("the API server does not tell how it is known; trying again", { error: (error as Error).message });
      await world.clock.sleep(scope, retryMilliseconds);
    }
  }
}

/** Health for everybody, all else for those whom the API server speaks for, or whom it knows by their token, and who may. */
function guarded(api: HttpHandler, proxy: FrontProxy | undefined, delegated: Delegated): HttpHandler {
  return async (request) => {
    const { path, query, method } = request;
    if (path === "/healthz" || path === "/livez" || path === "/readyz") return healthResponse(path, new URLSearchParams(query), []);
    const caller = await callerOf(request).catch(() => undefined);
    if (!caller) return textResponse(401, "Unauthorized");
    try {
      if (!(await delegated.authorize(caller, attributesOf(method, path)))) return textResponse(403, `Forbidden (user=${caller.user})\n`);
    } catch (error) {
      return textResponse(500, `the API server cannot be asked who may: ${(error as Error).message}\n`);
    }
    return api(request);
  };

  /** A certificate here leads to the front proxies' authority: who shows one speaks for others or is nobody. */
  async function callerOf(request: HttpRequest): Promise<Caller | undefined> {
    if (request.peer.certificate) return proxy && spokenFor(proxy, request);
    return delegated.authenticate(request);
  }
}

/** Of the path as it will be answered: empty segments count for nothing, or who may only discover could have everything. */
export function attributesOf(method: string, path: string) {
  const [, group, version, ...rest] = path
    .split("/")
    .filter((segment) => segment !== "")
    .map(decodeURIComponent);
  const isNamespaced = rest[0] === "namespaces";
  const [resource, name] = isNamespaced ? rest.slice(2) : rest;
  if (group === undefined || version === undefined || !resource) return { verb: method.toLowerCase(), path };
  const namespace = isNamespaced ? (rest[1] ?? "") : "";
  return {
    verb: name ? "get" : "list",
    resource: { group, version, resource, ...(name && { name }), ...(namespace !== "" && { namespace }) },
  };
}

interface KubeletsOptions {
  readonly addressTypes: readonly string[];
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly token: () => Promise<string | undefined>;
}

/** Connections to the nodes' kubelets, kept while the nodes are asked. */
class Kubelets {
  readonly #world: World;
  readonly #options: KubeletsOptions;
  readonly #clients = new Map<string, { readonly url: string; readonly client: HttpClient }>();

  constructor(world: World, options: KubeletsOptions) {
    this.#world = world;
    this.#options = options;
  }

  async read(node: Node): Promise<string> {
    const controller = new AbortController();
    const timer = this.#world.clock.timer(scrapeMilliseconds, () => controller.abort());
    try {
      return await this.#read(node, controller.signal);
    } finally {
      timer.cancel();
    }
  }

  async #read(node: Node, signal: AbortSignal): Promise<string> {
    const { client, url } = this.#clientOf(node);
    const token = await this.#options.token();
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const { status, body } = await client.request({ method: "GET", path: "/metrics/resource", headers, signal });
    let text = "";
    let length = 0;
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      length += chunk.length;
      if (length > bytesMax) throw new NetworkError("EMSGSIZE", `${url}/metrics/resource is larger than ${bytesMax} bytes`);
      text += decoder.decode(chunk, { stream: true });
    }
    if (status !== 200) throw new NetworkError("EPROTO", `${url}/metrics/resource: ${status} ${text.slice(0, 256)}`);
    return text;
  }

  #clientOf({ metadata: { name }, status }: Node) {
    const { addresses = [], daemonEndpoints } = status;
    const address = this.#options.addressTypes.map((type) => addresses.find((one) => one.type === type)?.address).find((one) => !!one);
    if (!address) throw new NetworkError("EHOSTUNREACH", `Node ${JSON.stringify(name)} tells no address`);
    const port = daemonEndpoints.kubeletEndpoint.Port || defaultKubeletPort;
    const url = `https://${address.includes(":") ? `[${address}]` : address}:${port}`;
    const known = this.#clients.get(name);
    if (known?.url === url) return known;
    known?.client.close();
    const { ca, certificate, key } = this.#options;
    const client = this.#world.network.client({
      url,
      http: "1.1",
      ...(ca ? { ca } : { insecure: true }),
      ...(certificate && key && { certificate, key }),
    });
    const fresh = { url, client };
    this.#clients.set(name, fresh);
    return fresh;
  }

  close(): void {
    for (const { client } of this.#clients.values()) client.close();
  }
}
