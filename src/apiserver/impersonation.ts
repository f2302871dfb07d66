// `kubectl --as`: one user acting as another, each header allowed by a permission of its own.
import { StatusError } from "#api/meta/status-error.ts";
import type { Headers } from "#wire/http/message.ts";
import type { Authorizer } from "./authorization/authorizer.ts";
import { forbiddenError } from "./forbidden.ts";
import type { RequestInfo, User } from "./request.ts";

const extraPrefix = "impersonate-extra-";
const serviceAccountPattern = /^system:serviceaccount:([^:]+):([^:]+)$/;
const anonymous = "system:anonymous";

export function asksForAnother(headers: Headers): boolean {
  return (
    headers["impersonate-user"] !== undefined || headers["impersonate-group"] !== undefined || headers["impersonate-uid"] !== undefined
  );
}

/** The user the request is to be served as. Rejects with Forbidden where that is not allowed. */
export async function impersonated(user: User, headers: Headers, authorizer: Authorizer): Promise<User> {
  const name = headers["impersonate-user"] ?? "";
  const groups = listed(headers["impersonate-group"]);
  const uid = headers["impersonate-uid"] ?? "";
  if (name === "") {
    throw new StatusError("InternalError", "Internal error occurred: requested impersonation without impersonating a user");
  }
  const check = async (wanted: Partial<RequestInfo>): Promise<void> => {
    const info: RequestInfo = { ...blank, ...wanted };
    const { decision, reason } = await authorizer.authorize(user, info);
    if (decision !== "allow") throw forbiddenError(user, info, reason);
  };
  const account = serviceAccountPattern.exec(name);
  if (account) await check({ resource: "serviceaccounts", namespace: account[1] as string, name: account[2] as string });
  else await check({ resource: "users", name });
  for (const group of groups) await check({ resource: "groups", name: group });
  const identity = { group: "authentication.k8s.io" };
  if (uid !== "") await check({ ...identity, resource: "uids", name: uid });
  const extra: Record<string, readonly string[]> = Object.create(null);
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(extraPrefix)) continue;
    const key = decoded(header.slice(extraPrefix.length));
    extra[key] = listed(value);
    for (const each of listed(value)) await check({ ...identity, resource: "userextras", subresource: key, name: each });
  }
  return { name, groups: groupsOf(name, groups, account?.[1]), ...(uid !== "" && { uid }), extra };
}

const blank: RequestInfo = {
  verb: "impersonate",
  isResourceRequest: true,
  path: "",
  group: "",
  version: "v1",
  resource: "",
  subresource: "",
  namespace: "",
  name: "",
};

function groupsOf(name: string, asked: readonly string[], accountNamespace: string | undefined): readonly string[] {
  const groups = [...asked];
  if (accountNamespace !== undefined && groups.length === 0) {
    groups.push("system:serviceaccounts", `system:serviceaccounts:${accountNamespace}`);
  }
  const always = name === anonymous ? "system:unauthenticated" : "system:authenticated";
  return groups.includes(always) || groups.includes("system:unauthenticated") ? groups : [...groups, always];
}

function listed(value: string | undefined): readonly string[] {
  return value === undefined || value === "" ? [] : value.split(", ");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
