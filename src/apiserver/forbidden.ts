// What a user is told who may not: upstream's sentence, which people and tools match on.
import { StatusError } from "#api/meta/status-error.ts";
import type { RequestInfo, User } from "./request.ts";

export function forbiddenError(user: User, info: RequestInfo, reason: string): StatusError {
  const { verb, path, group, resource, subresource, namespace, name } = info;
  const who = JSON.stringify(user.name);
  const why = reason === "" ? "" : `: ${reason}`;
  if (!info.isResourceRequest) {
    return new StatusError("Forbidden", `forbidden: User ${who} cannot ${verb} path ${JSON.stringify(path)}${why}`, {});
  }
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const qualified = group === "" ? resource : `${resource}.${group}`;
  const what = name === "" ? qualified : `${qualified} ${JSON.stringify(name)}`;
  const text = `User ${who} cannot ${verb} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}`;
  return new StatusError("Forbidden", `${what} is forbidden: ${text}${why}`, {
    ...(name !== "" && { name }),
    ...(group !== "" && { group }),
    kind: resource,
  });
}
