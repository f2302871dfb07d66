// How a joining machine recognises the cluster before it trusts anybody: cluster-info is read from whoever answers, and believed only when
// it is signed with our token and the authority in it has the digest that was given.
import { clusterInfo, type BootstrapToken, isSignedWith } from "#api/core/secret/bootstrap-token.ts";
import { decodeBase64 } from "#base/base64.ts";
import { hex } from "#base/sha256.ts";
import { NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { readYaml } from "#wire/yaml/yaml.ts";
import { BootstrapError } from "./layout.ts";

export interface FoundCluster {
  /** "https://192.168.51.10:6443". */
  readonly server: string;
  readonly ca: string;
}

export interface DiscoveryOptions {
  /** "192.168.51.10:6443". */
  readonly address: string;
  readonly token: BootstrapToken;
  /** "sha256:…" of an authority's public key; one of them has to fit. */
  readonly caHashes: readonly string[];
}

const timeoutMilliseconds = 10_000;
const bodyBytesMax = 1024 * 1024;

export async function discoverCluster(world: World, { address, token, caHashes }: DiscoveryOptions): Promise<FoundCluster> {
  const url = `https://${address}`;
  const data = await readClusterInfo(world, { url, insecure: true });
  const found = believe(world, data, { token, caHashes, address });
  // Whoever answered may have passed on what another signed: who we go on with has to hold the authority's key.
  const again = await readClusterInfo(world, { url, ca: found.ca });
  if (again["kubeconfig"] !== data["kubeconfig"])
    throw new BootstrapError(`${address} says one thing to strangers and another to those who trust it`, "Ask who runs it.");
  return found;
}

/** Digest by which people tell an authority: of its public key, as kubeadm's. */
export function caHash(world: Pick<World, "crypto">, ca: string): string {
  const spki = decodeBase64(world.crypto.publicKeyOf(ca).replace(/-----[^-]+-----|\s/g, ""));
  if (typeof spki === "number") throw new BootstrapError("the certificate authority's key cannot be read");
  return `sha256:${hex(world.crypto.sha256(spki))}`;
}

/** Throws BootstrapError for whatever is not proven. */
export function believe(
  world: Pick<World, "crypto">,
  data: Readonly<Record<string, string>>,
  { token, caHashes, address }: DiscoveryOptions,
): FoundCluster {
  const signed = isSignedWith(data, token);
  if (signed === "not with this token")
    throw new BootstrapError(
      `the cluster at ${address} does not know the token ${token.id}: it has ended, or belongs to another cluster`,
      "Make a new one there: keelson token create",
    );
  if (signed === "no")
    throw new BootstrapError(`${address} does not know the secret part of the token: it is not the cluster that made it`, "Check both.");
  const [cluster] = (readYaml(data["kubeconfig"] ?? "") as unknown as RawKubeconfig).clusters ?? [];
  const server = cluster?.cluster?.server;
  const bytes = decodeBase64(cluster?.cluster?.["certificate-authority-data"] ?? "");
  if (typeof server !== "string" || typeof bytes === "number" || bytes.length === 0)
    throw new BootstrapError(`what ${address} says of its cluster names no server or no authority`);
  const ca = new TextDecoder().decode(bytes);
  const hash = caHash(world, ca);
  if (!caHashes.includes(hash))
    throw new BootstrapError(`the authority of the cluster at ${address} is ${hash}, and not the one that was given`, "Check --ca-hash.");
  return { server, ca };
}

interface RawKubeconfig {
  readonly clusters?: readonly {
    readonly cluster?: { readonly server?: string; readonly "certificate-authority-data"?: string };
  }[];
}

async function readClusterInfo(
  world: World,
  options: { readonly url: string; readonly insecure?: boolean; readonly ca?: string },
): Promise<Readonly<Record<string, string>>> {
  const client = world.network.client(options);
  const path = `/api/v1/namespaces/${clusterInfo.namespace}/configmaps/${clusterInfo.name}`;
  try {
    const response = await client.request({ method: "GET", path, headers: { accept: "application/json" }, timeoutMilliseconds });
    const text = new TextDecoder().decode((await response.bytes()).subarray(0, bodyBytesMax));
    if (response.status === 404)
      throw new BootstrapError(`${options.url} has no ConfigMap ${clusterInfo.namespace}/${clusterInfo.name}: nobody may join there yet`);
    if (response.status !== 200) throw new BootstrapError(`${options.url} does not say what cluster it is: ${response.status}`);
    const { data } = JSON.parse(text) as { readonly data?: Readonly<Record<string, string>> };
    return data ?? {};
  } catch (error) {
    if (error instanceof NetworkError)
      throw new BootstrapError(
        `${options.url} cannot be asked which cluster it is: ${error.message}`,
        "Is it the address of the API server, and can this machine reach it?",
      );
    if (error instanceof SyntaxError) throw new BootstrapError(`${options.url} is no API server`);
    throw error;
  } finally {
    client.close();
  }
}
