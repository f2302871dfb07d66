// The OpenAPI documents of a set of kinds: one swagger 2.0 document for all, one OpenAPI 3.0 document per group and version.
// They are made when asked for; whoever serves them keeps them until the kinds change.
import type { JsonObject } from "../field.ts";
import type { Kind } from "../kind.ts";
import type { Type } from "../message.ts";
import type { MutableJson } from "./json-objects.ts";
import { definitionName, type OpenApiVersion, SchemaCollection, wellKnown } from "./openapi-schemas.ts";

export interface OpenApiOptions {
  /** Upstream's version this server speaks, such as "v1.36.0". */
  readonly version: string;
  /** Messages of requests and responses that are no kinds: Status, DeleteOptions, ListMeta. */
  readonly types?: readonly Type<unknown>[];
  /** Subresources with messages of their own: binding, eviction, token, log. */
  readonly routes?: readonly ExtraRoute[];
}

export interface ExtraRoute {
  readonly method: Method;
  /** Such as "/api/v1/namespaces/{namespace}/pods/{name}/binding". */
  readonly path: string;
  readonly action: Action;
  readonly kind: GroupVersionKind;
  /** Definition names; a response without one is text. */
  readonly request?: string;
  readonly response?: string;
}

type Method = "get" | "post" | "put" | "patch" | "delete" | "options" | "head";
type Action = "get" | "list" | "put" | "patch" | "post" | "delete" | "deletecollection" | "watch" | "watchlist" | "connect";

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

interface Operation {
  readonly method: Method;
  readonly path: string;
  readonly action: Action;
  readonly id: string;
  readonly tag: string;
  readonly description: string;
  readonly kind: GroupVersionKind;
  readonly request?: string | undefined;
  readonly response?: string | undefined;
  /** Media types of the patches it takes. */
  readonly patches?: readonly string[];
}

/** The swagger 2.0 document of every kind served: /openapi/v2. */
export function openapiV2(kinds: readonly Kind[], options: OpenApiOptions): JsonObject {
  const schemas = collected(2, kinds, options);
  const operations = [...kinds.flatMap((kind) => operationsOf(kind)), ...(options.routes ?? []).map(extraOperation)];
  const paths = pathsOf(operations, (operation) => operationV2(operation, schemas), pathParameterV2);
  return { swagger: "2.0", info: info(options), paths, definitions: schemas.all() };
}

/** The OpenAPI 3.0 document of one group and version ("v1", "apps/v1"): /openapi/v3/apis/apps/v1. */
export function openapiV3(groupVersion: string, kinds: readonly Kind[], options: OpenApiOptions): JsonObject {
  const own = kinds.filter(({ apiVersion }) => apiVersion === groupVersion);
  const schemas = collected(3, own, options);
  const base = basePath(groupVersion);
  const operations = [
    ...own.flatMap((kind) => operationsOf(kind)),
    ...(options.routes ?? []).filter(({ path }) => path.startsWith(`${base}/`)).map(extraOperation),
  ];
  const paths = pathsOf(operations, (operation) => operationV3(operation, schemas), pathParameterV3);
  return { openapi: "3.0.0", info: info(options), paths, components: { schemas: schemas.all() } };
}

/** /openapi/v3: where the document of each group and version is. `hashes` are by group and version, and change with the document. */
export function openapiV3Index(hashes: ReadonlyMap<string, string>): JsonObject {
  const paths: MutableJson = {};
  for (const [groupVersion, hash] of hashes) {
    const path = basePath(groupVersion).slice(1);
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  }
  return { paths };
}

function collected(version: OpenApiVersion, kinds: readonly Kind[], { types = [] }: OpenApiOptions): SchemaCollection {
  const schemas = new SchemaCollection(version);
  for (const type of types) schemas.add(type);
  for (const kind of kinds) schemas.addKind(kind);
  return schemas;
}

function info({ version }: OpenApiOptions): JsonObject {
  return { title: "Kubernetes", version };
}

function basePath(groupVersion: string): string {
  return groupVersion.includes("/") ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
}

function operationsOf(kind: Kind): readonly Operation[] {
  const { group, version, name, plural, scope, verbs, subresources } = kind;
  const base = basePath(kind.apiVersion);
  const namespaced = scope === "namespaced";
  const inside = namespaced ? "/namespaces/{namespace}" : "";
  const collection = `${base}${inside}/${plural}`;
  const item = `${collection}/{name}`;
  const object = definitionName(kind);
  const list = `${object}List`;
  const can = (verb: Kind["verbs"][number]) => verbs.includes(verb);
  const [scoped, called] = [namespaced ? "Namespaced" : "", `${groupWord(group)}${capital(version)}`];
  const common = { tag: `${lower(groupWord(group))}_${version}`, kind: { group, version, kind: name } };
  const operation = (
    verb: string,
    method: Method,
    action: Action,
    path: string,
    what: string,
    rest: Partial<Operation> = {},
  ): Operation => ({
    ...common,
    method,
    action,
    path,
    id: `${verb}${called}${what}`,
    description: `${action} ${plural}`,
    response: object,
    ...rest,
  });
  const patches = kind.openapiSchema ? patchTypes.filter((type) => type !== strategicMergePatch) : patchTypes;
  const doors = (path: string, suffix: string, schema: string, gvk: GroupVersionKind): Operation[] => {
    const what = `${scoped}${name}${suffix}`;
    return [
      ...(can("get") ? [operation("read", "get", "get", path, what, { kind: gvk, response: schema })] : []),
      ...(can("update") ? [operation("replace", "put", "put", path, what, { kind: gvk, request: schema, response: schema })] : []),
      ...(can("patch")
        ? [operation("patch", "patch", "patch", path, what, { kind: gvk, request: wellKnown.patch, response: schema, patches })]
        : []),
    ];
  };
  const watched = { response: wellKnown.watchEvent };
  const deleting = { request: wellKnown.deleteOptions, response: wellKnown.status };
  return [
    ...(can("list") ? [operation("list", "get", "list", collection, `${scoped}${name}`, { response: list })] : []),
    ...(can("list") && namespaced
      ? [operation("list", "get", "list", `${base}/${plural}`, `${name}ForAllNamespaces`, { response: list })]
      : []),
    ...(can("create") ? [operation("create", "post", "post", collection, `${scoped}${name}`, { request: object })] : []),
    ...(can("deletecollection")
      ? [operation("delete", "delete", "deletecollection", collection, `Collection${scoped}${name}`, deleting)]
      : []),
    ...doors(item, "", object, common.kind),
    ...(can("delete") ? [operation("delete", "delete", "delete", item, `${scoped}${name}`, deleting)] : []),
    ...(subresources?.status ? doors(`${item}/status`, "Status", object, common.kind) : []),
    ...(subresources?.scale
      ? doors(`${item}/scale`, "Scale", "io.k8s.api.autoscaling.v1.Scale", { group: "autoscaling", version: "v1", kind: "Scale" })
      : []),
    ...(can("watch") && can("list")
      ? [
          operation("watch", "get", "watchlist", `${base}/watch${inside}/${plural}`, `${scoped}${name}List`, watched),
          operation("watch", "get", "watch", `${base}/watch${inside}/${plural}/{name}`, `${scoped}${name}`, watched),
          ...(namespaced
            ? [operation("watch", "get", "watchlist", `${base}/watch/${plural}`, `${name}ListForAllNamespaces`, watched)]
            : []),
        ]
      : []),
  ];
}

function extraOperation({ method, path, action, kind, request, response }: ExtraRoute): Operation {
  const [root, ...segments] = path.slice(1).split("/");
  const [group, version = ""] = root === "api" ? ["", segments[0]] : [segments[0] ?? "", segments[1]];
  const words = segments.slice(root === "api" ? 1 : 2).filter((segment) => !segment.startsWith("{"));
  const tag = `${lower(groupWord(group ?? ""))}_${version}`;
  const id = `${action}${groupWord(group ?? "")}${capital(version)}${words.map(capital).join("")}${method === action ? "" : capital(method)}`;
  return { method, path, action, kind, request, response, tag, id, description: `${action} ${words.join(" ")}` };
}

/** "rbac.authorization.k8s.io" is RbacAuthorization. */
function groupWord(group: string): string {
  if (group === "") return "Core";
  return group
    .replace(/\.k8s\.io$/, "")
    .split(/[.-]/)
    .map(capital)
    .join("");
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function lower(word: string): string {
  return word.charAt(0).toLowerCase() + word.slice(1);
}

function pathsOf(
  operations: readonly Operation[],
  render: (operation: Operation) => JsonObject,
  parameter: (name: string) => JsonObject,
): JsonObject {
  const paths = new Map<string, MutableJson>();
  for (const operation of operations) {
    let item = paths.get(operation.path);
    if (!item) {
      const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
      item = { parameters: [...names.map(parameter), ...(isWatch(operation) ? [] : [parameter("pretty")])] };
      paths.set(operation.path, item);
    }
    item[operation.method] = render(operation);
  }
  return Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isWatch({ action }: Operation): boolean {
  return action === "watch" || action === "watchlist";
}

interface QueryParameter {
  readonly name: string;
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
}

const query = (name: string, type: QueryParameter["type"], description: string): QueryParameter => ({ name, type, description });
const dryRun = query("dryRun", "string", "With All, everything is done but the change is not kept.");
const fieldManager = query("fieldManager", "string", "Who makes the change, for managedFields.");
const fieldValidation = query("fieldValidation", "string", "What happens to unknown and duplicate fields: Ignore, Warn or Strict.");
const writing = [dryRun, fieldManager, fieldValidation];
const selecting = [
  query("labelSelector", "string", "Only objects with these labels."),
  query("fieldSelector", "string", "Only objects with these field values."),
  query("limit", "integer", "At most this many objects at once."),
  query("continue", "string", "Where the page before this one ended."),
  query("resourceVersion", "string", "How old the answer may be."),
  query("resourceVersionMatch", "string", "How resourceVersion is meant."),
  query("timeoutSeconds", "integer", "How long the request may take."),
];
const watching = [
  query("watch", "boolean", "Changes, as they happen, instead of a list."),
  query("allowWatchBookmarks", "boolean", "Whether bookmarks may be sent."),
  query("sendInitialEvents", "boolean", "Whether a watch begins with what is there."),
];
const deletion = [
  dryRun,
  query("gracePeriodSeconds", "integer", "Seconds the object may take to end."),
  query("orphanDependents", "boolean", "No longer used; see propagationPolicy."),
  query("propagationPolicy", "string", "What becomes of dependents: Orphan, Background or Foreground."),
];

function queryParameters({ action }: Operation): readonly QueryParameter[] {
  switch (action) {
    case "list":
    case "watch":
    case "watchlist":
      return [...selecting, ...watching];
    case "post":
    case "put":
      return writing;
    case "patch":
      return [...writing, query("force", "boolean", "Whether apply takes over what others own.")];
    case "delete":
      return deletion;
    case "deletecollection":
      return [...selecting, ...deletion];
    case "get":
    case "connect":
      return [];
  }
}

const mediaTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const streamTypes = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
/** Merges by the declaration's keys: what a CustomResourceDefinition says has none. Clients look here which patch to send. */
const strategicMergePatch = "application/strategic-merge-patch+json";
const patchTypes = ["application/json-patch+json", "application/merge-patch+json", strategicMergePatch, "application/apply-patch+yaml"];

function produced(operation: Operation): readonly string[] {
  if (operation.response === undefined) return ["*/*"];
  return operation.action === "list" || isWatch(operation) ? [...mediaTypes, ...streamTypes] : mediaTypes;
}

function successCodes({ action }: Operation): readonly [string, string][] {
  switch (action) {
    case "post":
      return [
        ["200", "OK"],
        ["201", "Created"],
        ["202", "Accepted"],
      ];
    case "put":
    case "patch":
      return [
        ["200", "OK"],
        ["201", "Created"],
      ];
    case "delete":
      return [
        ["200", "OK"],
        ["202", "Accepted"],
      ];
    default:
      return [["200", "OK"]];
  }
}

function operationV2(operation: Operation, schemas: SchemaCollection): JsonObject {
  const { request, response, id, tag, description, action, kind } = operation;
  const body = request && {
    name: "body",
    in: "body",
    ...(action.startsWith("delete") ? {} : { required: true }),
    schema: schemas.reference(request),
  };
  const schema = response === undefined ? { type: "string" } : schemas.reference(response);
  return {
    description,
    operationId: id,
    tags: [tag],
    consumes: action === "patch" ? (operation.patches ?? patchTypes) : ["*/*"],
    produces: produced(operation),
    schemes: ["https"],
    parameters: [
      ...(body ? [body] : []),
      ...queryParameters(operation).map(({ name, type, description: text }) => ({
        name,
        in: "query",
        type,
        description: text,
        uniqueItems: true,
      })),
    ],
    responses: {
      ...Object.fromEntries(successCodes(operation).map(([code, text]) => [code, { description: text, schema }])),
      401: { description: "Unauthorized" },
    },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": { ...kind },
  };
}

function pathParameterV2(name: string): JsonObject {
  const described = { name, type: "string", description: pathParameterText(name), uniqueItems: true };
  return name === "pretty" ? { ...described, in: "query" } : { ...described, in: "path", required: true };
}

function operationV3(operation: Operation, schemas: SchemaCollection): JsonObject {
  const { request, response, id, tag, description, action, kind } = operation;
  const content = (types: readonly string[], schema: JsonObject) => Object.fromEntries(types.map((type) => [type, { schema }]));
  const schema = response === undefined ? { type: "string" } : schemas.reference(response);
  const required = action.startsWith("delete") ? {} : { required: true };
  return {
    description,
    operationId: id,
    tags: [tag],
    parameters: queryParameters(operation).map(({ name, type, description: text }) => ({
      name,
      in: "query",
      description: text,
      schema: { type, uniqueItems: true },
    })),
    ...(request && {
      requestBody: {
        content: content(action === "patch" ? (operation.patches ?? patchTypes) : ["*/*"], schemas.reference(request)),
        ...required,
      },
    }),
    responses: {
      ...Object.fromEntries(
        successCodes(operation).map(([code, text]) => [code, { description: text, content: content(produced(operation), schema) }]),
      ),
      401: { description: "Unauthorized" },
    },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": { ...kind },
  };
}

function pathParameterV3(name: string): JsonObject {
  const described = { name, description: pathParameterText(name), schema: { type: "string", uniqueItems: true } };
  return name === "pretty" ? { ...described, in: "query" } : { ...described, in: "path", required: true };
}

function pathParameterText(name: string): string {
  switch (name) {
    case "pretty":
      return "If true, the answer is indented.";
    case "namespace":
      return "The namespace of the object.";
    case "path":
      return "The path behind the proxy.";
    default:
      return "The name of the object.";
  }
}
