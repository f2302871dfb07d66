// Who asks: the API server says so in headers, and shows a certificate that its cluster gave to nobody else.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import type { Client } from "#client/client.ts";
import type { Caller } from "#component/delegated.ts";
import type { HttpRequest } from "#wire/http/message.ts";

export interface FrontProxy {
  /** PEM of the authority that signs for whoever may speak for users. */
  readonly clientCa: string;
  /** Names of certificates that may; any where there are none. */
  readonly allowedNames: readonly string[];
  readonly userHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
}

/** As the API server publishes it; undefined where it speaks for nobody. */
export async function readFrontProxy(client: Client): Promise<FrontProxy | undefined> {
  const { data = {} } = await client.get(ConfigMap, { namespace: "kube-system", name: "extension-apiserver-authentication" });
  const clientCa = data["requestheader-client-ca-file"];
  if (!clientCa) return undefined;
  return {
    clientCa,
    allowedNames: wordsOf(data["requestheader-allowed-names"]),
    userHeaders: wordsOf(data["requestheader-username-headers"]),
    groupHeaders: wordsOf(data["requestheader-group-headers"]),
  };
}

/** Whom the front proxy speaks for; undefined when it is none, or names nobody. */
export function spokenFor({ allowedNames, userHeaders, groupHeaders }: FrontProxy, { peer, headers }: HttpRequest): Caller | undefined {
  const { certificate } = peer;
  if (!certificate || (allowedNames.length > 0 && !allowedNames.includes(certificate.commonName))) return undefined;
  const said = (names: readonly string[]) => names.flatMap((name) => headers[name.toLowerCase()] ?? []);
  const [user] = said(userHeaders);
  if (!user) return undefined;
  const groups = said(groupHeaders).flatMap((text) => text.split(", "));
  return { user, groups };
}

function wordsOf(json: string | undefined): readonly string[] {
  try {
    const words: unknown = JSON.parse(json ?? "[]");
    return Array.isArray(words) ? words.filter((word) => typeof word === "string") : [];
  } catch {
    return [];
  }
}
