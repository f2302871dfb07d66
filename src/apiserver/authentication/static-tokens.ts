// Tokens that were told at start: a token file, or single ones for bootstrapping.
import { hex } from "#base/sha256.ts";
import type { World } from "#platform/world.ts";
import type { User } from "../request.ts";
import type { TokenAuthenticator } from "./authenticator.ts";

export interface StaticToken {
  readonly token: string;
  readonly user: User;
}

export class TokenFileError extends Error {
  override readonly name = "TokenFileError";
}

/** Looked up by digest, so that timing tells nothing of the tokens. They are good for the API server's own audiences and no other. */
export function staticTokens(
  { crypto }: Pick<World, "crypto">,
  tokens: readonly StaticToken[],
  ownAudiences: readonly string[],
): TokenAuthenticator {
  const digest = (token: string) => hex(crypto.sha256(new TextEncoder().encode(token)));
  const users = new Map(tokens.map(({ token, user }) => [digest(token), user]));
  return {
    async authenticateToken(token, audiences) {
      const user = users.get(digest(token));
      const meant = audiences.filter((audience) => ownAudiences.includes(audience));
      return user && meant.length > 0 ? { user, audiences: meant } : undefined;
    },
  };
}

/** Upstream's --token-auth-file: lines of `token,user,uid,"group1,group2"`. Throws TokenFileError. */
export function parseTokenFile(text: string): readonly StaticToken[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const [token = "", name = "", uid = "", groups = ""] = cells(line);
    if (token === "" || name === "") throw new TokenFileError(`line ${index + 1} of the token file needs a token, a user name and a uid`);
    const names = groups.split(",").map((group) => group.trim());
    return [{ token, user: { name, ...(uid !== "" && { uid }), groups: names.filter((group) => group !== "") } }];
  });
}

function cells(line: string): readonly string[] {
  const found: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/y;
  while (pattern.lastIndex < line.length) {
    const match = pattern.exec(line);
    if (!match) break;
    found.push(match[1]?.replaceAll('""', '"') ?? (match[2] ?? "").trim());
  }
  return found;
}
