// Where the server behind an APIService is, and connections to it: with this server's own certificate, and the Service's name checked.
import type { APIService, ServiceReference } from "#api/apiregistration.k8s.io/api-service/api-service.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { decodeBase64 } from "#base/base64.ts";
import type { HttpClient } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { Registry } from "../registry/resource.ts";

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** Why there is no place to ask; words and reasons are upstream's. */
export interface NoPlace {
  readonly reason: "ServiceNotFound" | "ServicePortError" | "EndpointsNotFound" | "MissingEndpoints" | "ServiceAccessError";
  readonly message: string;
}

export interface ServersOptions {
  readonly proxyCertificate?: string;
  readonly proxyKey?: string;
  readonly toEndpoints?: boolean;
}

const clientsMax = 500;
const serviceNameLabel = "kubernetes.io/service-name";

export class Servers {
  readonly #world: World;
  readonly #registry: Registry;
  readonly #options: ServersOptions;
  readonly #clients = new Map<string, HttpClient>();

  constructor(world: World, registry: Registry, options: ServersOptions) {
    this.#world = world;
    this.#registry = registry;
    this.#options = options;
  }

  async placeOf({ namespace = "", name = "", port: number }: ServiceReference): Promise<Place | NoPlace> {
    const wanted = number ?? 443;
    const service = await this.#registry.of(Service).peek(namespace, name);
    if (!service) return { reason: "ServiceNotFound", message: `service/${name} in ${JSON.stringify(namespace)} is not present` };
    if (service.spec.type === "ExternalName") return { host: service.spec.externalName ?? "", port: wanted };
    const port = service.spec.ports?.find((one) => one.port === wanted);
    if (!port) {
      const message = `service/${name} in ${JSON.stringify(namespace)} is not listening on port ${wanted}`;
      return { reason: "ServicePortError", message };
    }
    const slices = (await this.#registry.of(EndpointSlice).peekList(namespace)).filter(
      ({ metadata }) => metadata.labels?.[serviceNameLabel] === name,
    );
    if (slices.length === 0) {
      const message = `cannot find endpointslices for service/${name} in ${JSON.stringify(namespace)}`;
      return { reason: "EndpointsNotFound", message };
    }
    const places = slices.flatMap(({ endpoints, ports }) => {
      const target = ports?.find((one) => (one.name ?? "") === (port.name ?? ""))?.port;
      if (target === undefined) return [];
      return endpoints.flatMap(({ addresses, conditions }) =>
        conditions?.ready === false || addresses[0] === undefined ? [] : [{ host: addresses[0], port: Number(target) }],
      );
    });
    const place = places[this.#world.random.integer(Math.max(1, places.length))];
    if (!place) {
      const portName = JSON.stringify(port.name ?? "");
      const message = `endpoints for service/${name} in ${JSON.stringify(namespace)} have no addresses with port name ${portName}`;
      return { reason: "MissingEndpoints", message };
    }
    const { clusterIP = "" } = service.spec;
    return this.#options.toEndpoints || clusterIP === "" || clusterIP === "None" ? place : { host: clusterIP, port: wanted };
  }

  clientTo({ host, port }: Place, { spec }: APIService): { readonly client: HttpClient; readonly url: string } {
    const { service, caBundle, insecureSkipTLSVerify } = spec;
    const serverName = service ? `${service.name}.${service.namespace}.svc` : host;
    const url = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
    const id = JSON.stringify([url, serverName, caBundle, insecureSkipTLSVerify]);
    let client = this.#clients.get(id);
    if (!client) {
      const { proxyCertificate, proxyKey } = this.#options;
      const ca = caBundle ? decodeBase64(caBundle) : undefined;
      client = this.#world.network.client({
        url,
        http: "1.1",
        serverName,
        ...(insecureSkipTLSVerify ? { insecure: true } : ca instanceof Uint8Array && { ca: new TextDecoder().decode(ca) }),
        ...(proxyCertificate && proxyKey && { certificate: proxyCertificate, key: proxyKey }),
      });
      this.#keep(id, client);
    }
    return { client, url };
  }

  /** Pods come and go, and their addresses with them: the oldest connections are given up. */
  #keep(id: string, client: HttpClient): void {
    if (this.#clients.size >= clientsMax) {
      const [oldest] = this.#clients;
      if (oldest) {
        this.#clients.delete(oldest[0]);
        oldest[1].close();
      }
    }
    this.#clients.set(id, client);
  }
}
