// POST serviceaccounts/<name>/token: a signed token for the account, good for a while, and only while what it is bound to exists.
import { TokenRequest } from "#api/authentication.k8s.io/token-request/token-request.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { isReason } from "#api/meta/status-error.ts";
import { formatTime } from "#schema/time.ts";
import type { FieldError, Kind, KubernetesObject } from "#schema/kind.ts";
import type { ServiceAccountIssuer } from "../../authentication/service-accounts/issuer.ts";
import { type Reference, type ServiceAccountClaims, tokenClaims } from "../../authentication/service-accounts/claims.ts";
import { badRequest, conflict } from "../errors.ts";
import { invalid } from "../invalid.ts";
import { type Answer, type Call, type Registry, type ResourcePart, resourcePart } from "../resource.ts";

const secondsMin = 10 * 60;
const secondsMax = 2 ** 32;

export interface TokenRequestOptions {
  readonly issuer: ServiceAccountIssuer;
  /** --service-account-max-token-expiration; a longer wish is cut, not refused. */
  readonly expirationSecondsMax?: number;
}

export function tokenRequestPart(options: TokenRequestOptions): ResourcePart {
  return resourcePart({
    kind: ServiceAccount,
    subresources: {
      token: {
        type: "custom",
        verbs: ["create"],
        takes: { group: TokenRequest.group, version: TokenRequest.version, kind: TokenRequest.name },
        handle: (call) => issueToken(call, options),
      },
    },
  });
}

async function issueToken(call: Call, { issuer, expirationSecondsMax }: TokenRequestOptions): Promise<Answer> {
  const { registry, world, request } = call;
  const { namespace, name } = request.info;
  const account = await registry.of(ServiceAccount).get(namespace, name);
  const sent = withName(await call.read(TokenRequest), name, namespace);
  const errors = problems(sent);
  if (errors.length > 0) throw invalid(TokenRequest, name, errors);
  const asked = (await call.admit("CREATE", sent)) ?? sent;
  const { spec } = asked;
  const audiences = spec.audiences.length > 0 ? spec.audiences : issuer.audiences;
  const claims = await boundClaims(registry, account, asked);
  const seconds = Math.min(Number(spec.expirationSeconds), expirationSecondsMax ?? secondsMax);
  const issuedAt = Math.floor(world.clock.now() / 1_000);
  const expiresAt = issuedAt + seconds;
  const token = await world.crypto.signToken(
    tokenClaims(claims, { issuer: issuer.issuer, audiences, id: world.crypto.uuid(), issuedAt, expiresAt }),
    issuer.signing,
  );
  const answer: TokenRequest = {
    ...asked,
    metadata: { ...asked.metadata, name, namespace, creationTimestamp: formatTime(world.clock.now()) },
    spec: { ...spec, audiences, expirationSeconds: seconds },
    status: { token, expirationTimestamp: formatTime(expiresAt * 1_000) },
  };
  return { object: { ...answer }, kind: TokenRequest, status: 201 };
}

function withName(sent: TokenRequest, name: string, namespace: string): TokenRequest {
  const { metadata } = sent;
  if (metadata.name && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest(`the namespace of the object (${metadata.namespace}) does not match the namespace on the request (${namespace})`);
  }
  return { ...sent, metadata: { ...metadata, name, namespace } };
}

function problems({ spec }: TokenRequest): readonly FieldError[] {
  const seconds = Number(spec.expirationSeconds);
  const field = "spec.expirationSeconds";
  if (seconds < secondsMin) return [{ type: "Invalid", field, value: seconds, detail: "may not specify a duration less than 10 minutes" }];
  if (seconds > secondsMax)
    return [{ type: "Invalid", field, value: seconds, detail: "may not specify a duration larger than 2^32 seconds" }];
  return [];
}

async function boundClaims(registry: Registry, account: ServiceAccount, { spec }: TokenRequest): Promise<ServiceAccountClaims> {
  const namespace = account.metadata.namespace ?? "";
  const claims: ServiceAccountClaims = { namespace, serviceAccount: referenceTo(account) };
  const reference = spec.boundObjectRef;
  if (!reference) return claims;
  const { kind = "", apiVersion = "", name = "", uid = "" } = reference;
  switch (`${apiVersion}/${kind}`) {
    case "v1/Pod": {
      const pod = await bound(registry, Pod, namespace, name, uid);
      if (pod.spec.serviceAccountName !== account.metadata.name) {
        throw badRequest(
          `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
        );
      }
      const node = await nodeOf(registry, pod);
      return { ...claims, pod: referenceTo(pod), ...(node && { node }) };
    }
    case "v1/Secret":
      return { ...claims, secret: referenceTo(await bound(registry, Secret, namespace, name, uid)) };
    case "v1/Node":
      return { ...claims, node: referenceTo(await bound(registry, Node, "", name, uid)) };
    default:
      throw badRequest(`cannot bind token to object of type ${apiVersion}, Kind=${kind}`);
  }
}

async function bound<T extends KubernetesObject>(
  registry: Registry,
  kind: Kind<T>,
  namespace: string,
  name: string,
  uid: string,
): Promise<T> {
  const object = await registry.of(kind).get(namespace, name);
  if (uid !== "" && uid !== object.metadata.uid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict(kind, name, why);
  }
  return object;
}

async function nodeOf(registry: Registry, { spec }: Pod): Promise<Reference | undefined> {
  if (!spec.nodeName) return undefined;
  try {
    return referenceTo(await registry.of(Node).get("", spec.nodeName));
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}

function referenceTo({ metadata: { name, uid } }: KubernetesObject): Reference {
  return { name, uid };
}
