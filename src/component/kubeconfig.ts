// Kubeconfig files: where the cluster is, and who we are there. Read with clear words about what is wrong, and written the way users expect.
import type { World } from "#platform/world.ts";
import { readYaml, writeYaml } from "#wire/yaml/yaml.ts";
import { ConfigError } from "./component.ts";

export interface ClusterAccess {
  /** "https://192.168.50.1:6443". */
  readonly server: string;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly token?: string;
  /** A file the token is read from anew before each use. */
  readonly tokenFile?: string;
  readonly serverName?: string;
  readonly insecure?: boolean;
  readonly namespace?: string;
}

interface Named {
  readonly name: string;
}
interface RawKubeconfig {
  readonly "current-context"?: string;
  readonly clusters?: readonly (Named & { readonly cluster?: Readonly<Record<string, unknown>> })[];
  readonly users?: readonly (Named & { readonly user?: Readonly<Record<string, unknown>> })[];
  readonly contexts?: readonly (Named & { readonly context?: Readonly<Record<string, unknown>> })[];
}

/** Reads the current context of a kubeconfig. Rejects with ConfigError that names the file and what is missing. */
export async function readKubeconfig(world: World, path: string): Promise<ClusterAccess> {
  const wrong = (what: string) => new ConfigError(`kubeconfig ${path}: ${what}`);
  let text: string;
  try {
    text = await world.files.readText(path);
  } catch (error) {
    throw wrong(`cannot be read: ${(error as Error).message}`);
  }
  let config: RawKubeconfig;
  try {
    config = (readYaml(text) ?? {}) as RawKubeconfig;
  } catch (error) {
    throw wrong(`is not YAML: ${(error as Error).message}`);
  }
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  const named = <T extends Named>(list: readonly T[] | undefined, name: unknown, what: string): T => {
    const found = Array.isArray(list) ? (list as readonly (T | null)[]).find((one) => one?.name === name) : undefined;
    if (!found) throw wrong(`has no ${what} named ${JSON.stringify(name ?? "")}`);
    return found;
  };
  const context = named(config.contexts, config["current-context"], "context").context ?? {};
  const cluster = named(config.clusters, context["cluster"], "cluster").cluster ?? {};
  const user = context["user"] === undefined ? {} : (named(config.users, context["user"], "user").user ?? {});
  const words = (record: Readonly<Record<string, unknown>>, name: string) => {
    const value = record[name];
    if (value !== undefined && typeof value !== "string") throw wrong(`${name} is not text`);
    return value === "" ? undefined : value;
  };
  const server = words(cluster, "server");
  if (!server) throw wrong("its cluster names no server");

  /** What stands in the file itself as base64, or in a file beside it. */
  async function pem(record: Readonly<Record<string, unknown>>, name: string): Promise<string | undefined> {
    const data = words(record, `${name}-data`);
    if (data) {
      try {
        return atob(data.replace(/\s/g, ""));
      } catch {
        throw wrong(`${name}-data is not base64`);
      }
    }
    const file = words(record, name);
    if (!file) return undefined;
    try {
      return await world.files.readText(absolute(folder, file));
    } catch (error) {
      throw wrong(`${name} cannot be read: ${(error as Error).message}`);
    }
  }

  const [ca, certificate, key] = await Promise.all([
    pem(cluster, "certificate-authority"),
    pem(user, "client-certificate"),
    pem(user, "client-key"),
  ]);
  const token = words(user, "token");
  for (const way of ["exec", "auth-provider", "username"])
    if (user[way] !== undefined && !certificate && !token && user["tokenFile"] === undefined)
      throw wrong(`its user signs in by ${way}, which is not known here: use a certificate or a token`);
  const tokenFile = words(user, "tokenFile");
  const serverName = words(cluster, "tls-server-name");
  const namespace = words(context, "namespace");
  return {
    server,
    ...(ca && { ca }),
    ...(certificate && { certificate }),
    ...(key && { key }),
    ...(token && { token }),
    ...(tokenFile && { tokenFile: absolute(folder, tokenFile) }),
    ...(serverName && { serverName }),
    ...(cluster["insecure-skip-tls-verify"] === true && { insecure: true }),
    ...(namespace && { namespace }),
  };
}

const absolute = (folder: string, file: string) => (file.startsWith("/") ? file : `${folder}/${file}`);

export interface KubeconfigOptions {
  /** The name of cluster and context: "keelson". */
  readonly name: string;
  readonly user: string;
  readonly server: string;
  readonly ca: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly token?: string;
}

/** A kubeconfig with everything inside, no files beside it. */
export function kubeconfigText({ name, user, server, ca, certificate, key, token }: KubeconfigOptions): string {
  return writeYaml({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { "certificate-authority-data": btoa(ca), server } }],
    users: [
      {
        name: user,
        user: {
          ...(certificate && { "client-certificate-data": btoa(certificate) }),
          ...(key && { "client-key-data": btoa(key) }),
          ...(token && { token }),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user } }],
    "current-context": name,
  });
}
