// Gathers what a container needs (environment, files, mounts, amounts) and has the runtime make it.
import type { Node } from "#api/core/node/node.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Service } from "#api/core/service/service.ts";
import type { Image, Runtime, SandboxConfig } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import type { KubeletOptions } from "../kubelet.ts";
import { type AnyContainer, namespaceOf } from "../layout.ts";
import { featuresOf } from "../runtime-classes.ts";
import { containerMounts } from "../volumes/container-mounts.ts";
import type { ReferencedObjects } from "../volumes/objects.ts";
import type { Volumes } from "../volumes/volumes.ts";
import { containerConfig } from "./container-config.ts";
import { ContainerConfigError, environmentOf } from "./environment.ts";
import type { FieldContext } from "./field-paths.ts";
import { containersNamed, type ObservedPod } from "./observed.ts";
import type { PodFiles } from "./pod-files.ts";
import { linuxResources } from "./resources.ts";

export interface CreationNeeds {
  readonly runtime: Runtime;
  readonly options: KubeletOptions;
  readonly volumes: Volumes;
  readonly objects: ReferencedObjects;
  readonly services: () => readonly Service[];
  readonly node: () => Node | undefined;
  readonly runtimeHandler: (className: string | undefined) => Promise<string>;
}

export interface Creation {
  readonly pod: Pod;
  readonly container: AnyContainer;
  readonly attempt: number;
  readonly image: Image;
  readonly sandboxId: string;
  readonly sandbox: SandboxConfig;
  readonly observed: ObservedPod;
  readonly files: PodFiles;
  readonly fields: FieldContext;
  /** Told what of the Pod is left out. */
  readonly warn: (reason: string, message: string) => void;
}

const environmentFileBytesMax = 1_048_576;

/** The new container's id. Throws ContainerConfigError where the Pod asks for what cannot be. */
export async function createContainer(world: World, needs: CreationNeeds, creation: Creation): Promise<string> {
  const { runtime, options, volumes, objects, services } = needs;
  const { pod, container, attempt, image, sandboxId, sandbox, observed, files, fields, warn } = creation;
  const { uid } = pod.metadata;
  const namespace = namespaceOf(pod);
  const environment = await environmentOf(pod, container, {
    ...fields,
    services: services(),
    configMap: (name) => objects.configMap(uid, namespace, name),
    secret: (name) => objects.secret(uid, namespace, name),
    file: (volume, path, index) => environmentFile(world, volumes, pod, { volume, path, container: container.name, index }),
    warn,
  });
  const terminationPath = await files.makeTerminationFile(container.name, attempt);
  const hostsPath = await files.writeHosts(observed.sandbox?.ips ?? []);
  const recursiveReadOnly = await mountsReadOnlyBelow(needs, pod);
  const { users } = sandbox.namespaces;
  const mountNeeds = { files: world.files, volumes, recursiveReadOnly, users };
  const mounts = await containerMounts(mountNeeds, pod, container, environment, { hostsPath, terminationPath });
  const { targetContainerName } = container;
  const target = targetContainerName ? containersNamed(observed, targetContainerName)[0] : undefined;
  if (targetContainerName && !target) throw new ContainerConfigError(`unable to find target container ${targetContainerName}`);
  const config = containerConfig(pod, container, {
    attempt,
    image,
    environment,
    mounts,
    users,
    resources: linuxResources(pod, container, options),
    seccomp: { folder: `${options.rootFolder}/seccomp`, isDefault: options.seccompDefault ?? false },
    targetContainerId: target?.id,
  });
  return runtime.createContainer(sandboxId, config, sandbox);
}

/** Whether the Pod's runtime can make what is mounted below a read-only mount read-only too. */
async function mountsReadOnlyBelow({ node, runtimeHandler }: CreationNeeds, { spec }: Pod): Promise<boolean> {
  return featuresOf(node(), await runtimeHandler(spec.runtimeClassName))?.recursiveReadOnlyMounts === true;
}

/** Read through what was opened: containers can write into the volume, and must not lead us elsewhere. */
async function environmentFile(
  world: World,
  volumes: Volumes,
  pod: Pod,
  {
    volume,
    path,
    container,
    index,
  }: { readonly volume: string; readonly path: string; readonly container: string; readonly index: number },
): Promise<string | undefined> {
  if (!pod.spec.volumes?.some(({ name }) => name === volume))
    throw new ContainerConfigError(`cannot find the volume ${JSON.stringify(volume)} referenced by FileKeyRef`);
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes("..")) throw new ContainerConfigError(`invalid path ${JSON.stringify(path)} of FileKeyRef`);
  const root = volumes.pathOf(pod, volume);
  const inside = parts.join("/");
  if ((await world.files.stat(`${root}/${inside}`, { follow: true }))?.kind !== "file") return undefined;
  try {
    const pinned = await volumes.pin(pod, root, inside, { volume: `${volume}~env`, container, index });
    if (((await world.files.stat(pinned))?.size ?? 0) > environmentFileBytesMax)
      throw new Error(`it has more than ${environmentFileBytesMax} bytes`);
    return await world.files.readText(pinned);
  } catch (error) {
    throw new ContainerConfigError(`couldn't parse env file: ${(error as Error).message}`);
  }
}
