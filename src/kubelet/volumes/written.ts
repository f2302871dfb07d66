// Volumes whose files the kubelet writes itself and keeps up to date: from ConfigMaps, Secrets, fields of the Pod, tokens, or all of them.
import { waitForAll } from "#base/wait-for-all.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Volume } from "#api/core/pod/volume.ts";
import type { World } from "#platform/world.ts";
import { namespaceOf } from "../layout.ts";
import type { FieldContext } from "../pod-worker/field-paths.ts";
import { writeAtomically } from "./atomic-writer.ts";
import type { Mounts } from "./mounts.ts";
import type { ReferencedObjects } from "./objects.ts";
import { groupOf, share } from "./ownership.ts";
import { checked, configMapFiles, downwardFiles, type Payload, secretFiles } from "./payload.ts";
import type { Tokens } from "./tokens.ts";
import { VolumeError } from "./volume-error.ts";

export interface WrittenNeeds {
  readonly objects: ReferencedObjects;
  readonly tokens: Tokens;
  readonly mounts: Mounts;
}

interface Filled {
  readonly payload: Payload;
  /** When a token in it is due to be renewed. */
  readonly renewAt?: number | undefined;
}

const defaultMode = 0o644;

/** Whether the kubelet writes the volume: it is read-only in containers, whatever they say. */
export function isWrittenByUs({ configMap, secret, projected, downwardAPI }: Volume): boolean {
  return (configMap ?? secret ?? projected ?? downwardAPI) !== undefined;
}

/** Makes the volume, or brings its files up to date. Returns when to call again, if ever. */
export async function writeVolume(
  world: World,
  { objects, tokens, mounts }: WrittenNeeds,
  pod: Pod,
  volume: Volume,
  { folder, context }: { readonly folder: string; readonly context: FieldContext },
): Promise<number | undefined> {
  const { files } = world;
  const { payload, renewAt } = await filled();
  await files.makeFolder(folder, { mode: 0o750 });
  // Secrets never touch the disk.
  if (volume.secret || volume.projected) await mounts.memory(folder, {});
  const { mode = 0 } = (await files.stat(folder)) ?? {};
  if ((mode & 0o777) !== 0o777) await files.changeMode(folder, mode | 0o777);
  const group = groupOf(pod);
  if (group !== undefined) await share(files, folder, group, 0o2550);
  await writeAtomically(world, folder, payload, group);
  return renewAt;

  async function filled(): Promise<Filled> {
    const { configMap, secret, downwardAPI, projected } = volume;
    if (configMap) {
      const { name = "", items, optional = false } = configMap;
      return { payload: await fromConfigMap(name, { items, mode: configMap.defaultMode ?? defaultMode, optional }) };
    }
    if (secret) {
      const { secretName = "", items, optional = false } = secret;
      return { payload: await fromSecret(secretName, { items, mode: secret.defaultMode ?? defaultMode, optional }) };
    }
    if (downwardAPI) return { payload: downwardFiles(pod, downwardAPI.items ?? [], downwardAPI.defaultMode ?? defaultMode, context) };
    return fromProjection(projected ?? { sources: [] });
  }

  async function fromConfigMap(name: string, selection: Parameters<typeof configMapFiles>[1]): Promise<Payload> {
    const found = await objects.configMap(pod.metadata.uid, namespaceOf(pod), name);
    if (!found && !selection.optional) throw new VolumeError(`configmap ${JSON.stringify(name)} not found`);
    return found ? configMapFiles(found, selection) : new Map();
  }

  async function fromSecret(name: string, selection: Parameters<typeof secretFiles>[1]): Promise<Payload> {
    const found = await objects.secret(pod.metadata.uid, namespaceOf(pod), name);
    if (!found && !selection.optional) throw new VolumeError(`secret ${JSON.stringify(name)} not found`);
    return found ? secretFiles(found, selection) : new Map();
  }

  async function fromProjection({ sources, defaultMode: mode = defaultMode }: Partial<NonNullable<Volume["projected"]>>): Promise<Filled> {
    const user = tokenUser(pod);
    let soonest: number | undefined;
    const parts = await waitForAll(
      (sources ?? []).map(async ({ configMap, secret, downwardAPI, serviceAccountToken }): Promise<Payload> => {
        if (configMap) return fromConfigMap(configMap.name ?? "", { items: configMap.items, mode, optional: configMap.optional ?? false });
        if (secret) return fromSecret(secret.name ?? "", { items: secret.items, mode, optional: secret.optional ?? false });
        if (downwardAPI) return downwardFiles(pod, downwardAPI.items ?? [], mode, context);
        if (serviceAccountToken) {
          const { token, renewAt: due } = await tokens.token(pod, serviceAccountToken);
          soonest = Math.min(soonest ?? due, due);
          const tokenMode = user !== undefined || groupOf(pod) !== undefined ? 0o600 : mode;
          return new Map([[checked(serviceAccountToken.path), { data: new TextEncoder().encode(token), mode: tokenMode, uid: user }]]);
        }
        throw new VolumeError("a source of this projected volume is not supported on this node");
      }),
    );
    return { payload: new Map(parts.flatMap((part) => [...part])), renewAt: soonest };
  }
}

/** The user that all containers run as, if it is one and said. */
function tokenUser({ spec }: Pod): number | undefined {
  const users = [...spec.containers, ...(spec.initContainers ?? [])].map(
    ({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser,
  );
  const [first] = users;
  return first !== undefined && users.every((user) => user === first) ? Number(first) : undefined;
}
