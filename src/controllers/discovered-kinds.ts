// All kinds the cluster serves, custom ones too, as kinds of which only the metadata is read: enough to list, watch and delete them.
import type { Client } from "#client/client.ts";
import { one } from "#schema/field.ts";
import { allVerbs, type Kind, kindOf, type Verb } from "#schema/kind.ts";
import { message, type Type } from "#schema/message.ts";
import { ObjectMeta } from "#schema/object-meta.ts";

export interface Discovered {
  readonly kinds: readonly Kind[];
  /** What could not be asked: group and version, and why. */
  readonly failures: readonly { readonly groupVersion: string; readonly reason: string }[];
}

const metadataOnly = message("ObjectMetadata", { metadata: one(1, (): Type<ObjectMeta> => ObjectMeta) });

interface GroupList {
  readonly groups?: readonly {
    readonly versions?: readonly { readonly groupVersion: string }[];
    readonly preferredVersion?: { readonly groupVersion: string };
  }[];
}
interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly singularName?: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

/** Each kind once, in its group's preferred version where it has that. */
export async function discoverKinds(client: Client): Promise<Discovered> {
  const { groups = [] } = (await client.raw("GET", "/apis")) as unknown as GroupList;
  const versions = groups.flatMap(({ versions: all = [], preferredVersion }) => {
    const names = all.map(({ groupVersion }) => groupVersion);
    const preferred = preferredVersion?.groupVersion;
    return preferred ? [preferred, ...names.filter((name) => name !== preferred)] : names;
  });
  const found = await Promise.allSettled(
    ["v1", ...versions].map(async (groupVersion) => {
      const path = groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`;
      return kindsOf(groupVersion, (await client.raw("GET", path)) as unknown as ResourceList);
    }),
  );
  const kinds = new Map<string, Kind>();
  const failures: { groupVersion: string; reason: string }[] = [];
  for (const [index, result] of found.entries()) {
    const groupVersion = ["v1", ...versions][index] as string;
    if (result.status === "rejected") failures.push({ groupVersion, reason: (result.reason as Error).message });
    else for (const kind of result.value) if (!kinds.has(`${kind.plural}.${kind.group}`)) kinds.set(`${kind.plural}.${kind.group}`, kind);
  }
  return { kinds: [...kinds.values()], failures };
}

function kindsOf(groupVersion: string, { resources = [] }: ResourceList): readonly Kind[] {
  const at = groupVersion.indexOf("/");
  const group = at < 0 ? "" : groupVersion.slice(0, at);
  const version = groupVersion.slice(at + 1);
  return resources
    .filter(({ name }) => !name.includes("/"))
    .map(({ name, singularName, kind, namespaced, verbs }) =>
      kindOf(
        {
          group,
          version,
          name: kind,
          plural: name,
          ...(singularName && { singular: singularName }),
          scope: namespaced ? "namespaced" : "cluster",
          verbs: verbs.filter((verb): verb is Verb => (allVerbs as readonly string[]).includes(verb)),
        },
        metadataOnly,
      ),
    );
}
