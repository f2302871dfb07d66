// The layer table of ARCHITECTURE.md as data: which top-level folder of src may import which.

interface Row {
  /** Folders that may be imported, and, with `andTheirs`, whatever those may import. `base` always may. */
  readonly may: readonly string[];
  readonly andTheirs?: boolean;
}

export const everything = "everything";

export const layers: Readonly<Record<string, Row>> = {
  base: { may: [] },
  wire: { may: [] },
  platform: { may: ["wire"] },
  schema: { may: ["wire"] },
  cel: { may: [] },
  api: { may: ["schema", "cel"] },
  store: { may: ["platform", "wire", "schema"] },
  client: { may: ["platform", "wire", "schema", "api"] },
  component: { may: ["platform", "wire", "schema", "api", "client"] },
  apiserver: { may: ["component", "cel", "store"], andTheirs: true },
  controllers: { may: ["component", "cel"], andTheirs: true },
  scheduler: { may: ["component", "cel"], andTheirs: true },
  cloud: { may: ["component", "cel"], andTheirs: true },
  cri: { may: ["platform", "wire", "schema"] },
  "pod-network": { may: ["platform", "wire", "schema"] },
  kubelet: { may: ["component", "cri", "pod-network"], andTheirs: true },
  proxy: { may: ["component"], andTheirs: true },
  dns: { may: ["component"], andTheirs: true },
  "metrics-server": { may: ["component"], andTheirs: true },
  // Platform hands out streams and messages of wire: whoever speaks to it may name their types.
  supervisor: { may: ["platform"], andTheirs: true },
  lab: { may: ["platform"], andTheirs: true },
  bootstrap: { may: ["component", "cri"], andTheirs: true },
  dashboard: { may: ["component"], andTheirs: true },
  cli: { may: ["bootstrap", "supervisor", "lab", "component"], andTheirs: true },
  hosts: { may: [everything] },
};

/** The folders that files of `folder` may import, itself and base included; undefined when the table does not know the folder. */
export function mayImport(folder: string, table: Readonly<Record<string, Row>> = layers): ReadonlySet<string> | undefined {
  const row = table[folder];
  if (!row) return undefined;
  const reached = new Set([folder, "base", ...row.may]);
  if (row.andTheirs) for (const other of row.may) for (const theirs of mayImport(other, table) ?? []) reached.add(theirs);
  return reached;
}

/** Folders below the first level whose files other folders may import all the same. `*` stands for one folder. */
export const doors: readonly { readonly folder: string; readonly reason: string }[] = [
  { folder: "api/meta", reason: "what every kind shares" },
  { folder: "api/*", reason: "what the kinds of one group share" },
  { folder: "api/*/*", reason: "a kind's folder is public" },
  { folder: "wire/*", reason: "wire is nothing but a row of encodings" },
  { folder: "client/http", reason: "how a process of its own reaches the API server" },
  { folder: "schema/derive", reason: "what follows from a declaration: one file for each thing that follows" },
];

/** Where `node:*` and npm packages may be imported. `packages` names what is allowed there; without, everything is. */
export const outside: readonly { readonly folder: string; readonly packages?: readonly string[]; readonly reason: string }[] = [
  { folder: "platform/node", reason: "the World on Node" },
  { folder: "cri/grpc", reason: "gRPC to the container runtime" },
  { folder: "hosts", reason: "where everything meets" },
  { folder: "wire/yaml", packages: ["yaml"], reason: "a pure parser" },
  { folder: "apiserver", packages: ["re2js"], reason: "pure: patterns that users give" },
  { folder: "apiserver/storage/encryption", packages: ["@noble/ciphers"], reason: "pure ciphers" },
  { folder: "schema/derive", packages: ["re2js"], reason: "pure: patterns that users give" },
  { folder: "cel", packages: ["re2js"], reason: "pure: patterns that users give" },
];
