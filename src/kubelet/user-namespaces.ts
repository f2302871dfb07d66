// User ids of their own for Pods with `hostUsers: false`: each gets a range of the node's ids that no other Pod has. The range lies beside the
// Pod's volumes, in a file that upstream's kubelet knows too: what the files of all Pods name is taken, and a range is free again when its
// Pod's folder goes.
import type { Pod } from "#api/core/pod/pod.ts";
import type { IdMapping } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import { podFolder } from "./layout.ts";

export interface UserNamespaceOptions {
  /** Ids of a Pod: a multiple of 65,536. Absent: as many. */
  readonly idsPerPod?: number | undefined;
}

export interface UserNamespaces {
  /** How the Pod's ids are mapped to the node's, for users and groups alike; undefined for Pods that use the node's own. */
  of(pod: Pod): Promise<readonly IdMapping[] | undefined>;
}

/** Ids from `first` on may be given to Pods: `count` times `length`. */
interface IdSpace {
  readonly first: number;
  readonly length: number;
  readonly count: number;
}

export const idsOfPod = 65_536;
const idMax = 2 ** 32;
const fileName = "userns";

/** Throws when /etc/subuid and /etc/subgid name ids for the user "kubelet" that cannot serve this node's Pods. */
export async function startUserNamespaces(
  world: World,
  { rootFolder, maxPods, idsPerPod = idsOfPod }: { readonly rootFolder: string; readonly maxPods: number } & UserNamespaceOptions,
): Promise<UserNamespaces> {
  const space = await idSpace(world, maxPods, idsPerPod);
  const fileOf = (uid: string) => `${podFolder(rootFolder, uid)}/${fileName}`;
  /** One Pod looks for a free range at a time. */
  let turn: Promise<unknown> = Promise.resolve();

  async function read(uid: string): Promise<IdMapping | undefined> {
    const text = await world.files.readText(fileOf(uid)).catch(() => undefined);
    return text === undefined ? undefined : readMapping(text);
  }

  async function draw(uid: string): Promise<IdMapping> {
    const uids = await world.files.list(`${rootFolder}/pods`).catch(() => []);
    const taken = (await Promise.all(uids.map(read))).filter((one) => one !== undefined);
    for (let index = 0; index < space.count; index++) {
      const mapping = { hostId: space.first + index * space.length, containerId: 0, length: space.length };
      if (taken.some((other) => overlap(mapping, other))) continue;
      await world.files.makeFolder(podFolder(rootFolder, uid), { mode: 0o750 });
      await world.files.replace(fileOf(uid), JSON.stringify({ uidMappings: [mapping], gidMappings: [mapping] }), { mode: 0o644 });
      return mapping;
    }
    throw new Error(`could not find an empty slot to allocate a user namespace: all ${space.count} are taken`);
  }

  return {
    of: async (pod) => {
      if (pod.spec.hostUsers !== false) return undefined;
      const { uid } = pod.metadata;
      const found = turn.then(async () => (await read(uid)) ?? (await draw(uid)));
      turn = found.catch(() => {});
      return [await found];
    },
  };
}

function overlap(one: IdMapping, other: IdMapping): boolean {
  return one.hostId < other.hostId + other.length && other.hostId < one.hostId + one.length;
}

/** Undefined for what was cut short: no sandbox was made with a range before it was written down. */
function readMapping(text: string): IdMapping | undefined {
  let mapping: Partial<IdMapping> | undefined;
  try {
    mapping = (JSON.parse(text) as { readonly uidMappings?: readonly Partial<IdMapping>[] }).uidMappings?.[0];
  } catch {
    return undefined;
  }
  const { hostId, containerId, length } = mapping ?? {};
  const isGood = isId(hostId) && containerId === 0 && isId(length) && length > 0;
  return isGood ? { hostId, containerId, length } : undefined;
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < idMax;
}

/** What /etc/subuid gives to the user "kubelet"; where it gives nothing, ids from behind the node's own on. */
async function idSpace(world: World, maxPods: number, length: number): Promise<IdSpace> {
  const [uids, gids] = await Promise.all(["/etc/subuid", "/etc/subgid"].map((path) => subordinateIds(world, path)));
  if (uids === undefined && gids === undefined) {
    const count = Math.min(maxPods, Math.floor((idMax - 1) / length) - Math.ceil(idsOfPod / length));
    return { first: Math.max(idsOfPod, length), length, count };
  }
  if (uids === undefined || gids === undefined || uids.first !== gids.first || uids.ids !== gids.ids)
    throw new Error("/etc/subuid and /etc/subgid name different ids for the user kubelet: one range, the same in both, is wanted");
  const { first, ids } = uids;
  if (first < idsOfPod) throw new Error(`/etc/subuid: the ids of the user kubelet begin with ${first}; at least ${idsOfPod} is wanted`);
  if (first % idsOfPod !== 0) throw new Error(`/etc/subuid: ${first} is no multiple of ${idsOfPod}`);
  if (ids < maxPods * length) throw new Error(`/etc/subuid: ${ids} ids are too few for ${maxPods} Pods with ${length} each`);
  return { first, length, count: maxPods };
}

async function subordinateIds(world: World, path: string): Promise<{ readonly first: number; readonly ids: number } | undefined> {
  const text = await world.files.readText(path).catch(() => "");
  const lines = text.split("\n").flatMap((line) => {
    const [user, first, ids] = line.trim().split(":");
    return user === "kubelet" ? [{ first: Number(first), ids: Number(ids) }] : [];
  });
  const [only, ...more] = lines;
  if (only === undefined) return undefined;
  if (more.length > 0 || !isId(only.first) || !isId(only.ids)) throw new Error(`${path}: one range is wanted for the user kubelet`);
  return only;
}
