// How to reach the kubelet of a node: its address, its port, and the server's own certificate to show there.
import { Node } from "#api/core/node/node.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { type HttpClient, NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { Registry } from "../resource.ts";

export interface KubeletAccess {
  /** --kubelet-preferred-address-types, best first. */
  readonly addressTypes: readonly string[];
  readonly certificate?: string;
  readonly key?: string;
  /** Nodes with this label have no kubelet to ask; what is said to whoever tries. */
  readonly without?: { readonly label: string; readonly why: string };
  /** Without it kubelets may show any certificate, as upstream. */
  readonly ca?: string;
}

export interface Kubelet {
  readonly url: string;
  readonly client: HttpClient;
  readonly address: string;
  readonly port: number;
}

const defaultPort = 10_250;
const clientsMax = 5_000;
/** Each log that is followed has a connection of its own. */
const streamsMax = 4_096;

export class Kubelets {
  readonly #world: Pick<World, "network">;
  readonly #access: KubeletAccess;
  readonly #clients = new Map<string, HttpClient>();

  constructor(world: Pick<World, "network">, access: KubeletAccess) {
    this.#world = world;
    this.#access = access;
  }

  /** Rejects with StatusError when there is no such node, or no way to it. */
  async of(registry: Pick<Registry, "of">, nodeName: string, { insecure = false } = {}): Promise<Kubelet> {
    const node = await registry.of(Node).get("", nodeName);
    const { without } = this.#access;
    if (without && Object.hasOwn(node.metadata.labels ?? {}, without.label)) {
      throw new StatusError("MethodNotAllowed", `node ${JSON.stringify(nodeName)} ${without.why}`);
    }
    const { addresses = [], daemonEndpoints } = node.status;
    const address = this.#access.addressTypes
      .map((wanted) => addresses.find(({ type }) => type === wanted)?.address)
      .find((found) => found !== undefined && found !== "");
    if (address === undefined) {
      const types = this.#access.addressTypes.join(" ");
      throw new StatusError(
        "InternalError",
        `no preferred addresses found; known addresses: ${JSON.stringify(addresses)}, wanted: [${types}]`,
      );
    }
    const port = daemonEndpoints.kubeletEndpoint.Port || defaultPort;
    const url = urlOf("https", address, port);
    return { url, client: this.#clientOf(url, insecure), address, port };
  }

  #clientOf(url: string, insecure: boolean): HttpClient {
    const id = insecure ? `insecure ${url}` : url;
    let client = this.#clients.get(id);
    if (client) this.#clients.delete(id);
    else {
      const { certificate, key, ca } = this.#access;
      client = this.#world.network.client({
        url,
        http: "1.1",
        maxConnections: streamsMax,
        ...(certificate && key && { certificate, key }),
        ...(ca && !insecure ? { ca } : { insecure: true }),
      });
      if (this.#clients.size >= clientsMax) {
        const [oldest] = this.#clients;
        if (oldest) {
          this.#clients.delete(oldest[0]);
          oldest[1].close();
        }
      }
    }
    this.#clients.set(id, client);
    return client;
  }
}

export function urlOf(scheme: "http" | "https", address: string, port: number): string {
  return `${scheme}://${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** What a client is told when the other side cannot be spoken to. */
export function unreachable(method: string, url: string, error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (!(error instanceof NetworkError)) throw error;
  const word = method.slice(0, 1) + method.slice(1).toLowerCase();
  return new StatusError("InternalError", `${word} ${JSON.stringify(url)}: ${error.message}`);
}
