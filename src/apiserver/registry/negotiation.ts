// Which form the answer takes: the media type, and whether it is the object itself, a table, or its metadata only.
import { StatusError } from "#api/meta/status-error.ts";

export type Media = "json" | "yaml" | "protobuf";

export interface Form {
  readonly media: Media;
  readonly as: "object" | "table" | "metadata";
  /** Of the table or metadata: "meta.k8s.io/v1" or v1beta1. */
  readonly version: string;
  /** What distinguishes this form's bytes from others': a key for caches. */
  readonly key: string;
  readonly contentType: string;
  readonly pretty: boolean;
}

export const jsonForm: Form = { media: "json", as: "object", version: "", key: "json", contentType: "application/json", pretty: false };

export const mediaTypes: Readonly<Record<Media, string>> = {
  json: "application/json",
  yaml: "application/yaml",
  protobuf: "application/vnd.kubernetes.protobuf",
};

const accepted = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const cache = new Map<string, Form | null>([["", jsonForm]]);
const cacheMax = 200;

/** The first form in the Accept header that can be served. Throws NotAcceptable. */
export function negotiate(accept: string | undefined, pretty = false): Form {
  const header = accept ?? "";
  let form = cache.get(header);
  if (form === undefined) {
    form = choose(header) ?? null;
    if (cache.size < cacheMax && header.length < 1_000) cache.set(header, form);
  }
  if (form === null) throw notAcceptable(accepted);
  return pretty && form.media === "json" ? { ...form, pretty, key: `${form.key} pretty` } : form;
}

/** The same for objects without a protobuf form, which custom resources are: only their tables and metadata have one. */
export function negotiateWithoutProtobuf(accept: string | undefined, pretty = false): Form {
  const form = negotiate(accept, pretty);
  if (form.media !== "protobuf" || form.as !== "object") return form;
  const other = choose(accept ?? "", (found) => found.media !== "protobuf" || found.as !== "object");
  if (!other) throw notAcceptable("application/json, application/yaml");
  return pretty && other.media === "json" ? { ...other, pretty, key: `${other.key} pretty` } : other;
}

function notAcceptable(types: string): StatusError {
  return new StatusError("NotAcceptable", `only the following media types are accepted: ${types}`, {});
}

function choose(header: string, fits: (form: Form) => boolean = () => true): Form | undefined {
  const clauses = header.split(",", 64).map(parseClause);
  clauses.sort((left, right) => right.quality - left.quality);
  for (const clause of clauses) {
    const form = formOf(clause);
    if (form && fits(form)) return form;
  }
  return undefined;
}

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function parseClause(text: string): Clause {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const parameters = new Map(
    rest.map((part): [string, string] => {
      const at = part.indexOf("=");
      return at < 0 ? [part, ""] : [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()];
    }),
  );
  const quality = Number(parameters.get("q") ?? 1);
  return { type: type.toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
}

function formOf({ type, parameters, quality }: Clause): Form | undefined {
  if (quality === 0 && type !== "") return undefined;
  const media = mediaOf(type);
  if (!media) return undefined;
  const wanted = parameters.get("as");
  if (wanted === undefined) {
    return media === "json" ? jsonForm : { ...jsonForm, media, key: media, contentType: mediaTypes[media] };
  }
  const version = parameters.get("v") ?? "";
  if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  const as =
    wanted === "Table" ? "table" : wanted === "PartialObjectMetadata" || wanted === "PartialObjectMetadataList" ? "metadata" : undefined;
  if (!as || (as === "table" && media === "protobuf")) return undefined;
  return {
    media,
    as,
    version: `meta.k8s.io/${version}`,
    key: `${media} ${as} ${version}`,
    contentType: mediaTypes[media],
    pretty: false,
  };
}

function mediaOf(type: string): Media | undefined {
  switch (type) {
    case "":
    case "*/*":
    case "application/*":
    case "application/json":
      return "json";
    case "application/yaml":
    case "application/x-yaml":
    case "text/yaml":
      return "yaml";
    case "application/vnd.kubernetes.protobuf":
      return "protobuf";
    default:
      return undefined;
  }
}
