// Who may do what, put together as every cluster has it: certificates, tokens, the Node and RBAC authorisers, the default roles, and the
// kinds that tell about all this. A host hands it to `startApiServer` (needs.security).
import type { Client } from "#client/client.ts";
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { HttpResponse } from "#wire/http/message.ts";
import type { Authenticator } from "./authentication/authenticator.ts";
import { bearerTokenAuthenticator, firstOf } from "./authentication/bearer-token.ts";
import { bootstrapTokens } from "./authentication/bootstrap-tokens.ts";
import { clientCertificateAuthenticator } from "./authentication/client-certificate.ts";
import { issuerDocuments, type ServiceAccountIssuer } from "./authentication/service-accounts/issuer.ts";
import { serviceAccountTokens } from "./authentication/service-accounts/service-account-tokens.ts";
import { type StaticToken, staticTokens } from "./authentication/static-tokens.ts";
import { cachedTokens } from "./authentication/token-cache.ts";
import { authorizerChain } from "./authorization/authorization.ts";
import type { Authorizer } from "./authorization/authorizer.ts";
import { type ControllerRole, defaultRoles } from "./authorization/default-roles.ts";
import { livePodsOfNodes, nodeAuthorizer } from "./authorization/node/node-authorizer.ts";
import { escalationParts } from "./authorization/rbac/escalation.ts";
import { rbacAuthorizer } from "./authorization/rbac/rbac-authorizer.ts";
import { liveRoles } from "./authorization/rbac/roles.ts";
import { reconcileDefaultRoles } from "./authorization/reconcile-roles.ts";
import { accessReviewParts } from "./registry/access-reviews/access-reviews.ts";
import { certificateSigningRequestPart } from "./registry/certificate-signing-request/certificate-signing-request.ts";
import type { KubeletAccess } from "./registry/kubelet/kubelet-connection.ts";
import { kubeletParts } from "./registry/kubelet/kubelet-parts.ts";
import type { Registry, ResourcePart } from "./registry/resource.ts";
import { selfSubjectReviewPart } from "./registry/self-subject-review/self-subject-review.ts";
import { tokenRequestPart } from "./registry/token-request/token-request.ts";
import { tokenReviewPart } from "./registry/token-review/token-review.ts";

export type { ControllerRole } from "./authorization/default-roles.ts";
export type { KubeletAccess } from "./registry/kubelet/kubelet-connection.ts";
export { parseTokenFile } from "./authentication/static-tokens.ts";

export interface SecurityOptions {
  readonly issuer: ServiceAccountIssuer;
  /** Of --token-auth-file (`parseTokenFile`), or made at bootstrap. */
  readonly tokens?: readonly StaticToken[];
  /** --enable-bootstrap-token-auth. */
  readonly bootstrapTokens?: boolean;
  /** --service-account-max-token-expiration, in seconds. */
  readonly tokenExpirationSecondsMax?: number;
  /** How kubelets are reached for logs, exec and proxies; without it there are none of these. */
  readonly kubelets?: KubeletAccess;
  /** What the controllers declared; becomes system:controller:<name>. */
  readonly controllers?: readonly ControllerRole[];
}

export interface SecurityParts {
  readonly scope: Scope;
  readonly world: World;
  readonly registry: Registry;
  /** May be asked for once the server serves, not before. */
  readonly client: Client;
}

export interface Security {
  readonly authenticators: readonly Authenticator[];
  readonly authorizers: readonly Authorizer[];
  readonly resources: readonly ResourcePart[];
  readonly paths: Readonly<Record<string, () => Promise<HttpResponse>>>;
  /** To be run when the server serves: writes the default roles. */
  afterStart(): Promise<void>;
}

export function security(options: SecurityOptions): (parts: SecurityParts) => Security {
  return (parts) => {
    const { scope, world, registry } = parts;
    const { issuer } = options;
    const tokens = firstOf([
      staticTokens(world, options.tokens ?? [], issuer.audiences),
      cachedTokens(world, serviceAccountTokens(world, registry, issuer)),
      ...(options.bootstrapTokens ? [bootstrapTokens(world, registry, issuer.audiences)] : []),
    ]);
    const roles = liveRoles(scope, world, parts);
    const authorizers = [nodeAuthorizer(livePodsOfNodes(scope, world, parts)), rbacAuthorizer(roles)];
    const authorizer = authorizerChain(authorizers);
    const maximum = options.tokenExpirationSecondsMax;
    return {
      authenticators: [clientCertificateAuthenticator(world), bearerTokenAuthenticator(tokens, issuer.audiences)],
      authorizers,
      resources: [
        tokenRequestPart({ issuer, ...(maximum !== undefined && { expirationSecondsMax: maximum }) }),
        tokenReviewPart(tokens, issuer.audiences),
        selfSubjectReviewPart,
        ...accessReviewParts(authorizer),
        ...escalationParts(roles, authorizer),
        certificateSigningRequestPart,
        ...(options.kubelets ? kubeletParts(world, options.kubelets, authorizer) : []),
      ],
      paths: Object.fromEntries([...issuerDocuments(world, issuer)].map(([path, response]) => [path, async () => response])),
      afterStart: () => reconcileDefaultRoles(registry, defaultRoles(options.controllers)),
    };
  };
}
