// What servers behind APIServices need to know this server and its users by: the ConfigMap extension-apiserver-authentication.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Registry } from "../registry/resource.ts";

export interface RequestHeaderOptions {
  /** PEM of the authority that signs for whoever may speak for users: --requestheader-client-ca-file. */
  readonly clientCa?: string;
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
  /** PEM of the authority that signs users' certificates: --client-ca-file. */
  readonly usersCa?: string;
}

const place = { namespace: "kube-system", name: "extension-apiserver-authentication" };

/** Makes it, or brings it up to date; what others added stays. */
export async function keepAuthenticationConfigMap(registry: Registry, options: RequestHeaderOptions | undefined): Promise<void> {
  if (!options) return;
  const rest = registry.of(ConfigMap);
  const data = dataOf(options);
  const { namespace, name } = place;
  if (await rest.peek(namespace, name)) {
    await rest.update(namespace, name, (current) => {
      const isSame = Object.entries(data).every(([key, value]) => current.data?.[key] === value);
      return isSame ? current : { ...current, data: { ...current.data, ...data } };
    });
    return;
  }
  await rest.create({ metadata: place, data }).catch((error: unknown) => {
    if (!isReason(error, "AlreadyExists")) throw error;
  });
}

function dataOf({ clientCa, usersCa, ...lists }: RequestHeaderOptions): Readonly<Record<string, string>> {
  return {
    ...(usersCa && { "client-ca-file": usersCa }),
    ...(clientCa && {
      "requestheader-client-ca-file": clientCa,
      "requestheader-allowed-names": JSON.stringify(lists.allowedNames),
      "requestheader-username-headers": JSON.stringify(lists.usernameHeaders),
      "requestheader-uid-headers": JSON.stringify(lists.uidHeaders),
      "requestheader-group-headers": JSON.stringify(lists.groupHeaders),
      "requestheader-extra-headers-prefix": JSON.stringify(lists.extraHeaderPrefixes),
    }),
  };
}
