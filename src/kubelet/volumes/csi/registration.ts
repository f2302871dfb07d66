// The CSI drivers of this node: each puts a socket into a folder, is asked over it who it is, and stands in the CSINode while the socket
// is there.
import type { Scope } from "#base/scope.ts";
import { Node } from "#api/core/node/node.ts";
import { isReason } from "#api/meta/status-error.ts";
import { CSINode, type CSINodeDriver } from "#api/storage.k8s.io/csi-node/csi-node.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { Json } from "#schema/field.ts";
import { askPlugin, connectDriver, type CsiDriver, type NodeInfo } from "./driver.ts";

export interface RegistrationNeeds {
  /** "/var/lib/kubelet/plugins_registry". */
  readonly folder: string;
  readonly nodeName: string;
  readonly client: Client | undefined;
  readonly node: () => Node | undefined;
}

export interface CsiDrivers {
  /** A driver that is registered now. */
  driver(name: string): CsiDriver | undefined;
}

interface Registered {
  readonly driver: CsiDriver;
  readonly info: NodeInfo;
  /** Tells a socket from another that took its name. */
  readonly inode: number;
}

/** The folder is watched: this is for what a watch missed. */
const lookMilliseconds = 60_000;
const settleMilliseconds = 50;
const retryMilliseconds = 1_000;
const nodeIdAnnotation = "csi.volume.kubernetes.io/nodeid";

export async function registerDrivers(scope: Scope, world: World, needs: RegistrationNeeds): Promise<CsiDrivers> {
  const { folder, client, nodeName } = needs;
  /** By the name of the socket. */
  const registered = new Map<string, Registered>();
  let isPublished = false;
  let wake: (() => void) | undefined;
  let isDirty = true;
  await world.files.makeFolder(folder, { mode: 0o750 });
  const watcher = world.files.watch(folder, () => {
    isDirty = true;
    wake?.();
  });
  scope.defer("plugin sockets", () => {
    watcher.close();
    for (const { driver } of registered.values()) driver.close();
  });

  scope.start("CSI drivers", async (task) => {
    task.signal.addEventListener("abort", () => wake?.());
    for (let pause = 0; !task.stopped; ) {
      if (pause > 0 && !isDirty) {
        await new Promise<void>((resolve) => {
          const timer = world.clock.timer(pause, resolve);
          wake = () => {
            timer.cancel();
            resolve();
          };
        });
        wake = undefined;
        if (task.stopped) return;
        if (isDirty) await world.clock.sleep(task, settleMilliseconds);
      }
      isDirty = false;
      const isDone = await look().catch((error: unknown) => {
        world.log.warn("cannot look for CSI drivers; trying again", { folder, error: (error as Error).message });
        return false;
      });
      pause = isDone ? lookMilliseconds : retryMilliseconds;
    }
  });
  return {
    driver: (name) => {
      for (const { driver } of registered.values()) if (driver.name === name) return driver;
      return undefined;
    },
  };

  /** False when something is to be tried again soon. */
  async function look(): Promise<boolean> {
    let isDone = true;
    // Whoever removes a driver may remove the folder with it.
    await world.files.makeFolder(folder, { mode: 0o750 });
    const names = (await world.files.list(folder)).filter((name) => !name.startsWith("."));
    const sockets = new Map<string, number>();
    for (const name of names) {
      const info = await world.files.stat(`${folder}/${name}`);
      if (info?.kind === "socket") sockets.set(name, info.inode);
    }
    for (const [name, { driver, inode }] of registered) {
      if (sockets.get(name) === inode) continue;
      registered.delete(name);
      driver.close();
      isPublished = false;
      world.log.info("a CSI driver has left", { driver: driver.name });
    }
    for (const [name, inode] of sockets) if (!registered.has(name)) isDone = (await register(name, inode)) && isDone;
    return (await publish()) && isDone;
  }

  async function register(name: string, inode: number): Promise<boolean> {
    const socket = `${folder}/${name}`;
    try {
      const { plugin, tell } = await askPlugin(world, socket);
      try {
        if (plugin.type !== "CSIPlugin") throw new Error(`plugins of type ${JSON.stringify(plugin.type)} are not known here`);
        if (!plugin.supportedVersions.some((version) => /^v?1\./.test(version)))
          throw new Error(`supported versions of CSI: 1.x; the driver speaks ${plugin.supportedVersions.join(", ")}`);
        const { driver, info } = await connectDriver(world, plugin.name, plugin.endpoint || socket);
        registered.set(name, { driver, info, inode });
        isPublished = false;
        if (!(await publish())) throw new Error("the CSINode cannot be written");
        await tell("");
        world.log.info("a CSI driver is registered", { driver: plugin.name });
      } catch (error) {
        registered.get(name)?.driver.close();
        registered.delete(name);
        await tell(`RegisterPlugin error -- plugin registration failed with err: ${(error as Error).message}`);
        throw error;
      }
      return true;
    } catch (error) {
      world.log.debug("cannot register a plugin; trying again", { socket, error: (error as Error).message });
      return false;
    }
  }

  /** Writes the drivers into the CSINode, and the names and labels they give the Node into the Node. */
  async function publish(): Promise<boolean> {
    if (isPublished || !client) return true;
    const node = needs.node();
    if (!node) return false;
    const all = [...registered.values()];
    try {
      await writeCsiNode(client, node, all.map(entryOf));
      await writeNode(client, node, all);
      isPublished = true;
      return true;
    } catch (error) {
      world.log.debug("cannot tell of the CSI drivers; trying again", { node: nodeName, error: (error as Error).message });
      return false;
    }
  }

  async function writeCsiNode(api: Client, { metadata: { uid } }: Node, drivers: readonly CSINodeDriver[]): Promise<void> {
    const found = await api.get(CSINode, { name: nodeName }).catch((error: unknown) => {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    });
    if (!found) {
      const ownerReferences = [{ apiVersion: "v1", kind: "Node", name: nodeName, uid }];
      await api.create(CSINode, { metadata: { name: nodeName, ownerReferences }, spec: { drivers } });
    } else if (!deepEqual(found.spec.drivers, drivers)) await api.update(CSINode, { ...found, spec: { ...found.spec, drivers } });
  }

  async function writeNode(api: Client, { metadata }: Node, all: readonly Registered[]): Promise<void> {
    const ids = Object.fromEntries(all.map(({ driver, info }) => [driver.name, info.nodeId]));
    const labels = Object.assign({}, ...all.map(({ info }) => info.topology)) as Readonly<Record<string, string>>;
    const before = metadata.annotations?.[nodeIdAnnotation];
    const text = all.length === 0 ? null : JSON.stringify(ids);
    const isSame = (before ?? null) === text && Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value);
    if (isSame) return;
    const patch: Json = { metadata: { annotations: { [nodeIdAnnotation]: text }, labels } };
    await api.patch(Node, { name: nodeName }, patch, { type: "merge" });
  }
}

function entryOf({ driver, info }: Registered): CSINodeDriver {
  return {
    name: driver.name,
    nodeID: info.nodeId,
    topologyKeys: Object.keys(info.topology).length === 0 ? [] : Object.keys(info.topology).sort(),
    ...(info.volumesMax > 0 && { allocatable: { count: info.volumesMax } }),
  } as CSINodeDriver;
}
