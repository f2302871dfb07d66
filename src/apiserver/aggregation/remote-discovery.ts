// What a server behind an APIService says it serves: its APIResourceList, read with care, since it is another's.

export interface RemoteResource {
  /** "pods", or "pods/status" below it. */
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

export interface Answered {
  readonly status: number;
  readonly bytes: Uint8Array;
}

const resourcesMax = 1_000;

/** Rejects when the answer is none, or none of discovery. */
export async function readResources(
  { group = "", version = "" }: { readonly group?: string | undefined; readonly version?: string | undefined },
  ask: (path: string) => Promise<Answered>,
): Promise<readonly RemoteResource[]> {
  const { status, bytes } = await ask(`/apis/${group}/${version}`);
  if (status < 200 || status >= 300) throw new Error(`bad status: ${status}`);
  const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const { resources } = (document ?? {}) as { resources?: unknown };
  if (!Array.isArray(resources)) return [];
  return resources.slice(0, resourcesMax).flatMap((one: unknown) => {
    const entry = (one ?? {}) as Readonly<Record<string, unknown>>;
    const word = (field: string, otherwise = ""): string => (typeof entry[field] === "string" ? (entry[field] as string) : otherwise);
    const words = (field: string): readonly string[] =>
      Array.isArray(entry[field]) ? (entry[field] as unknown[]).filter((each) => typeof each === "string") : [];
    if (word("name") === "") return [];
    return [
      {
        name: word("name"),
        singularName: word("singularName"),
        namespaced: entry["namespaced"] === true,
        group: word("group", group),
        version: word("version", version),
        kind: word("kind"),
        verbs: words("verbs"),
        shortNames: words("shortNames"),
        categories: words("categories"),
      },
    ];
  });
}
