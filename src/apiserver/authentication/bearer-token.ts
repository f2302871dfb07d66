// Users by bearer token: in the Authorization header, or as a WebSocket subprotocol, which is all a browser can send.
import { decodeBase64 } from "#base/base64.ts";
import type { HttpRequest } from "#wire/http/message.ts";
import { unauthorized } from "./authentication.ts";
import type { Authenticator, TokenAuthenticator } from "./authenticator.ts";

const protocolPrefix = "base64url.bearer.authorization.k8s.io.";
const tokenLengthMax = 64 * 1024;

/** `audiences` are the API server's own: a token for somebody else is refused. */
export function bearerTokenAuthenticator(tokens: TokenAuthenticator, audiences: readonly string[]): Authenticator {
  return {
    name: "bearer token",
    async authenticate(request) {
      const token = tokenOf(request);
      if (token === undefined) return undefined;
      if (token.length > tokenLengthMax) throw unauthorized();
      const known = await tokens.authenticateToken(token, audiences);
      if (!known) throw unauthorized();
      return known.user;
    },
  };
}

/** The first that knows the token decides. */
export function firstOf(authenticators: readonly TokenAuthenticator[]): TokenAuthenticator {
  return {
    async authenticateToken(token, audiences) {
      for (const authenticator of authenticators) {
        const known = await authenticator.authenticateToken(token, audiences);
        if (known) return known;
      }
      return undefined;
    },
  };
}

function tokenOf({ headers }: HttpRequest): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) {
    const [, token] = /^bearer +([^ ]+) *$/i.exec(authorization) ?? [];
    if (token !== undefined) return token;
  }
  if (headers["upgrade"]?.toLowerCase() !== "websocket") return undefined;
  for (const offered of (headers["sec-websocket-protocol"] ?? "").split(",")) {
    const protocol = offered.trim();
    if (protocol.startsWith(protocolPrefix)) return decodeToken(protocol.slice(protocolPrefix.length));
  }
  return undefined;
}

function decodeToken(text: string): string {
  const plain = text.replaceAll("-", "+").replaceAll("_", "/");
  const bytes = decodeBase64(plain + "=".repeat((4 - (plain.length % 4)) % 4));
  if (typeof bytes === "number") throw unauthorized();
  return new TextDecoder().decode(bytes);
}

/** The Sec-WebSocket-Protocol header without the token that came in it: what may be passed on. */
export function withoutTokenProtocol(header: string): string {
  const kept = header.split(",").map((protocol) => protocol.trim());
  return kept.filter((protocol) => !protocol.startsWith(protocolPrefix)).join(", ");
}
