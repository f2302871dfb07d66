// Bootstrap tokens as an administrator handles them: made, listed, deleted, and the line that another machine joins with.
import {
  type BootstrapSecret,
  bootstrapSecretName,
  bootstrapSecretOf,
  type BootstrapToken,
  bootstrapTokenNamespace,
  bootstrapTokenType,
  joiningGroup,
  readBootstrapToken,
} from "#api/core/secret/bootstrap-token.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import type { ClusterAccess } from "#component/kubeconfig.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";
import { caHash } from "./discovery.ts";
import { BootstrapError } from "./layout.ts";

export interface TokenOptions {
  /** Absent: a new one. */
  readonly token?: BootstrapToken;
  readonly description: string;
  /** 0: it does not end. */
  readonly lifeMilliseconds: number;
}

export async function createToken(world: World, client: Client, options: TokenOptions): Promise<BootstrapToken> {
  const { token = newToken(world), description, lifeMilliseconds } = options;
  const stringData = {
    "token-id": token.id,
    "token-secret": token.secret,
    "usage-bootstrap-authentication": "true",
    "usage-bootstrap-signing": "true",
    "auth-extra-groups": joiningGroup,
    ...(description !== "" && { description }),
    ...(lifeMilliseconds > 0 && { expiration: formatTime(world.clock.now() + lifeMilliseconds) }),
  };
  try {
    await client.create(Secret, {
      metadata: { namespace: bootstrapTokenNamespace, name: bootstrapSecretName(token.id) },
      type: bootstrapTokenType,
      stringData,
    });
  } catch (error) {
    if (isReason(error, "AlreadyExists"))
      throw new BootstrapError(`there is a token ${token.id} already`, "Delete it first, or let a new one be made.");
    throw error;
  }
  return token;
}

export async function listTokens(client: Client): Promise<readonly BootstrapSecret[]> {
  const { items } = await client.list(Secret, {
    namespace: bootstrapTokenNamespace,
    fieldSelector: `type=${bootstrapTokenType}`,
  });
  return items.flatMap((secret) => bootstrapSecretOf(secret) ?? []);
}

/** Takes a token or its first part. */
export async function deleteToken(client: Client, text: string): Promise<string> {
  const id = readBootstrapToken(text)?.id ?? text;
  if (!/^[a-z0-9]{6}$/.test(id))
    throw new BootstrapError(`${JSON.stringify(text)} is neither a token nor the six letters and digits that one begins with`);
  try {
    await client.delete(Secret, { namespace: bootstrapTokenNamespace, name: bootstrapSecretName(id) });
  } catch (error) {
    if (isReason(error, "NotFound")) throw new BootstrapError(`there is no token ${id}`, "See keelson token list.");
    throw error;
  }
  return id;
}

export function joinCommand(world: World, { server, ca = "" }: ClusterAccess, { id, secret }: BootstrapToken): string {
  return `keelson join ${server.replace(/^https:\/\//, "")} --token ${id}.${secret} --ca-hash ${caHash(world, ca)}`;
}

const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

function newToken({ crypto }: World): BootstrapToken {
  return { id: letters(6), secret: letters(16) };

  /** Every one is as likely as the others: bytes beyond the last whole alphabet are thrown away. */
  function letters(count: number): string {
    let text = "";
    while (text.length < count)
      for (const byte of crypto.randomBytes(count)) if (byte < 252 && text.length < count) text += alphabet[byte % alphabet.length];
    return text;
  }
}
