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

/** What a server tells of its version. */
export interface Told {
  readonly resources: readonly RemoteResource[];
  /** Where its OpenAPI document is, with the document's hash: "/openapi/v3/apis/tea.example.com/v1?hash=…". */
  readonly openapi: string | undefined;
}

export interface Answered {
  readonly status: number;
  readonly bytes: Uint8Array;
}

const resourcesMax = 1_000;

interface Version {
  readonly group?: string | undefined;
  readonly version?: string | undefined;
}

type Ask = (path: string) => Promise<Answered>;

/** Rejects when the answer is none, or none of discovery; without OpenAPI a server is a server all the same. */
export async function readVersion(version: Version, ask: Ask): Promise<Told> {
  return { resources: await readResources(version, ask), openapi: await readOpenApi(version, ask).catch(() => undefined) };
}

async function readOpenApi({ group = "", version = "" }: Version, ask: Ask): Promise<string | undefined> {
  const { status, bytes } = await ask("/openapi/v3");
  if (status !== 200) return undefined;
  const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const { paths } = (document ?? {}) as { paths?: Readonly<Record<string, { serverRelativeURL?: unknown } | null>> };
  const own = `apis/${group}/${version}`;
  const url = paths && Object.hasOwn(paths, own) ? paths[own]?.serverRelativeURL : undefined;
  return typeof url === "string" && url.startsWith(`/openapi/v3/${own}`) && url.length < 512 ? url : undefined;
}

async function readResources({ group = "", version = "" }: Version, ask: Ask): Promise<readonly RemoteResource[]> {
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
