// Where an API server keeps its state: the embedded store in its own process, or an etcd.
import type { StoredMedia, Transformer } from "#apiserver/storage/codec.ts";
import { transformerOf } from "#apiserver/storage/encryption/encryption.ts";
import { readEncryptionConfiguration } from "#apiserver/storage/encryption/encryption-configuration.ts";
import type { Scope } from "#base/scope.ts";
import type { Metrics } from "#component/metrics.ts";
import { ConfigError } from "#component/component.ts";
import { type Flag, FlagError, type FlagValues } from "#component/flags.ts";
import { storeAdvice } from "#cli/command.ts";
import { DatabaseError } from "#platform/database.ts";
import type { World } from "#platform/world.ts";
import { type DiskStore, openDiskStore } from "#store/disk/disk-store.ts";
import type { Integrity } from "#store/disk/integrity.ts";
import { type Store, StoreUnavailable } from "#store/store.ts";
import { serveSnapshots } from "./store-tools/serve-snapshots.ts";

const protobufType = "application/vnd.kubernetes.protobuf";
const jsonType = "application/json";

export const etcdFlags = [
  {
    name: "etcd-servers",
    type: "list",
    default: [],
    doc: "Addresses of the members of an etcd, scheme://ip:port; without them the store is embedded.",
  },
  { name: "etcd-cafile", type: "string", doc: "CA bundle that the members' certificates must lead to." },
  { name: "etcd-certfile", type: "string", doc: "Certificate to show to etcd." },
  { name: "etcd-keyfile", type: "string", doc: "Key that belongs to --etcd-certfile." },
  { name: "etcd-prefix", type: "string", default: "/registry", doc: "What all keys begin with." },
  { name: "etcd-compaction-interval", type: "duration", default: 300_000, doc: "How often etcd's history is compacted; 0: by others." },
  { name: "storage-media-type", type: "string", default: protobufType, doc: "What built-in kinds are stored as in etcd." },
  { name: "encryption-provider-config", type: "string", doc: "File that says which resources are encrypted in the store, and how." },
  {
    name: "encryption-provider-config-automatic-reload",
    type: "boolean",
    default: false,
    doc: "Whether that file is read again when it changes: not supported, so only false.",
  },
  { name: "storage-backend", type: "string", default: "etcd3", doc: "", ignored: "the only etcd there is has version 3" },
  { name: "etcd-count-metric-poll-period", type: "duration", default: 60_000, doc: "", ignored: "objects are counted as they come" },
  {
    name: "etcd-healthcheck-timeout",
    type: "duration",
    default: 2_000,
    doc: "",
    ignored: "an etcd that does not answer is noticed by every call",
  },
] as const satisfies readonly Flag[];

const dataFolderFlag = [{ name: "data-dir", type: "string", doc: "" }] as const satisfies readonly Flag[];
type Values = FlagValues<typeof etcdFlags> & FlagValues<typeof dataFolderFlag>;

export interface OpenedStore {
  readonly store: Store;
  readonly media: StoredMedia;
  /** Encryption at rest, by group and plural. */
  readonly transformerOf?: (group: string, plural: string) => Transformer;
  /** What reading the embedded store's file again has found. */
  readonly integrity?: () => Integrity;
  /** For the log. */
  readonly place: string;
}

/** Throws ConfigError and FlagError, which say what to do. */
export async function openStore(scope: Scope, world: World, values: Values): Promise<OpenedStore> {
  const { "etcd-servers": servers, "data-dir": folder } = values;
  const encryption = await readEncryption(world, values);
  if (servers.length === 0) {
    if (!folder) throw new FlagError("--data-dir (for the embedded store) or --etcd-servers is needed");
    const store = await openEmbedded(scope, world, folder);
    return { store, media: "json", integrity: () => store.integrity, place: `${folder}/store`, ...encryption };
  }
  if (folder) throw new FlagError("--data-dir and --etcd-servers: the store is either embedded or an etcd");
  if (values["etcd-prefix"] !== "/registry")
    throw new FlagError(`--etcd-prefix: keys begin with /registry, and cannot with ${values["etcd-prefix"]} yet`);
  const store = await openEtcd(scope, world, {
    servers,
    caFile: values["etcd-cafile"],
    certificateFile: values["etcd-certfile"],
    keyFile: values["etcd-keyfile"],
    compactionMilliseconds: values["etcd-compaction-interval"],
  });
  return { store, media: mediaOf(values["storage-media-type"]), place: servers.join(","), ...encryption };
}

async function readEncryption(world: World, values: Values): Promise<Pick<OpenedStore, "transformerOf">> {
  const flag = "encryption-provider-config";
  if (values[`${flag}-automatic-reload`])
    throw new FlagError(`--${flag}-automatic-reload: the file is read when the server starts; restart it after a change`);
  const path = values[flag];
  if (path === undefined) return {};
  try {
    const entries = readEncryptionConfiguration(await world.files.readText(path), world.crypto);
    return { transformerOf: (group, plural) => transformerOf(entries, group, plural) };
  } catch (error) {
    throw new ConfigError(`--${flag} ${path}: ${(error as Error).message}`);
  }
}

/** For /metrics. */
export function showIntegrity(metrics: Metrics, integrity: () => Integrity): void {
  metrics.gauge(
    "keelson_store_integrity_passes",
    "How often the store's file was read again while it is served.",
    [],
    () => integrity().passes,
  );
  metrics.gauge("keelson_store_damaged", "1 when that found damage: save a snapshot before this server ends.", [], () =>
    integrity().problem ? 1 : 0,
  );
}

async function openEmbedded(scope: Scope, world: World, folder: string): Promise<DiskStore> {
  await world.files.makeFolder(folder, { mode: 0o700 });
  try {
    const store = await openDiskStore(scope, world, { path: `${folder}/store` });
    await serveSnapshots(scope, world, store, folder);
    return store;
  } catch (error) {
    if (error instanceof DatabaseError) throw new ConfigError(`--data-dir ${folder}: ${error.message}\n${storeAdvice(error)}`);
    throw error;
  }
}

export interface EtcdFiles {
  readonly servers: readonly string[];
  readonly caFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly compactionMilliseconds?: number;
}

/** Throws ConfigError and FlagError in terms of the flags. */
export async function openEtcd(scope: Scope, world: World, etcd: EtcdFiles): Promise<Store> {
  const { servers, caFile, certificateFile, keyFile, compactionMilliseconds } = etcd;
  const read = async (flag: string, path: string | undefined): Promise<string | undefined> => {
    if (!path) return undefined;
    try {
      return await world.files.readText(path);
    } catch (error) {
      throw new ConfigError(`--${flag}: ${(error as Error).message}`);
    }
  };
  const [ca, certificate, key] = await Promise.all([
    read("etcd-cafile", caFile),
    read("etcd-certfile", certificateFile),
    read("etcd-keyfile", keyFile),
  ]);
  if ((certificate === undefined) !== (key === undefined)) throw new FlagError("--etcd-certfile and --etcd-keyfile belong together");
  const { openEtcdStore } = await import("#store/etcd/etcd-store.ts");
  try {
    return await openEtcdStore(scope, world, {
      endpoints: servers,
      tls: { ca, certificate, key },
      ...(compactionMilliseconds !== undefined && { compactionMilliseconds }),
      endEarlier: true,
    });
  } catch (error) {
    if (error instanceof TypeError) throw new FlagError(`--etcd-servers: ${error.message}`);
    if (error instanceof StoreUnavailable) throw new ConfigError(`--etcd-servers: ${error.message}`);
    throw error;
  }
}

function mediaOf(type: string): StoredMedia {
  if (type === protobufType) return "protobuf";
  if (type === jsonType) return "json";
  throw new FlagError(`--storage-media-type: ${type} is not known, use ${protobufType} or ${jsonType}`);
}
