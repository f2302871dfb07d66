// keelson token: with what other machines join.
import { hasExpired, readBootstrapToken } from "#api/core/secret/bootstrap-token.ts";
import { adminKubeconfigPath } from "#bootstrap/kubeconfigs.ts";
import { BootstrapError } from "#bootstrap/layout.ts";
import { createToken, deleteToken, joinCommand, listTokens } from "#bootstrap/tokens.ts";
import type { Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { clientFor } from "#component/cluster-client.ts";
import { parseFlags } from "#component/flags.ts";
import { type ClusterAccess, readKubeconfig } from "#component/kubeconfig.ts";
import { NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";
import { command, UserError } from "../command.ts";

const hour = 3_600_000;
const flags = [
  { name: "ttl", type: "duration", default: 24 * hour, doc: "create: how long it is good for; 0 for ever." },
  { name: "description", type: "string", default: "", doc: "create: what it is for." },
  { name: "kubeconfig", type: "string", default: adminKubeconfigPath, doc: "The administrator's kubeconfig." },
] as const;

export const token = command({
  name: "token",
  doc: "What other machines join with: create prints the whole line; list, delete.",
  usage: "create [TOKEN] | list | delete TOKEN...",
  flags,
  async run(scope, world, arguments_) {
    const [verb, ...others] = arguments_;
    const { values, rest } = parseFlags(flags, others);
    const access = await readKubeconfig(world, values.kubeconfig);
    const client = clientFor(scope, world, access, "keelson");
    try {
      switch (verb) {
        case "create":
          return await create(world, { client, access }, { text: rest[0], ttl: values.ttl, description: values.description });
        case "list":
          return await list(scope, world, client);
        case "delete":
          if (rest.length === 0) throw new UserError("token delete: which one?", "See keelson token list.");
          for (const text of rest) world.processes.self.writeOut(`token ${await deleteToken(client, text)} is deleted\n`);
          return 0;
        default:
          throw new UserError(
            verb === undefined ? "token: what is to be done?" : `token: unknown ${JSON.stringify(verb)}`,
            "Usage: keelson token create|list|delete",
          );
      }
    } catch (error) {
      if (error instanceof BootstrapError) throw new UserError(error.message, error.advice);
      if (error instanceof NetworkError) throw new UserError(`the API server ${access.server} does not answer: ${error.message}`);
      throw error;
    }
  },
});

async function create(
  world: World,
  { client, access }: { readonly client: Client; readonly access: ClusterAccess },
  { text, ttl, description }: { readonly text: string | undefined; readonly ttl: number; readonly description: string },
): Promise<number> {
  const given = text === undefined ? undefined : readBootstrapToken(text);
  if (text !== undefined && !given) throw new UserError("a token is six letters and digits, a dot, and sixteen more");
  const made = await createToken(world, client, { ...(given && { token: given }), description, lifeMilliseconds: ttl });
  world.processes.self.writeOut(`${joinCommand(world, access, made)}\n`);
  return 0;
}

async function list(_: Scope, world: World, client: Client): Promise<number> {
  const now = world.clock.now();
  const rows = (await listTokens(client)).map((one) => [
    `${one.id}.${one.secret}`,
    hasExpired(one, now) ? "ended" : one.expiresAt === undefined ? "for ever" : formatTime(one.expiresAt),
    [...(one.mayAuthenticate ? ["authentication"] : []), ...(one.maySign ? ["signing"] : [])].join(","),
    one.description,
  ]);
  const all = [["TOKEN", "EXPIRES", "USAGES", "DESCRIPTION"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => (row[column] as string).length)) + 3);
  for (const row of all)
    world.processes.self.writeOut(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("")
        .trimEnd()}\n`,
    );
  return 0;
}
