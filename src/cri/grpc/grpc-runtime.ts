// CRI over gRPC: containerd, CRI-O, cri-dockerd.
import { decodeBase64 } from "#base/base64.ts";
import { GrpcError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { Filter, Runtime } from "../runtime.ts";
import * as from from "./from-wire.ts";
import { containerdImageFiles } from "./image-files.ts";
import * as m from "./messages.ts";
import { lookMilliseconds, service } from "./service.ts";
import * as to from "./to-wire.ts";
import { watchRuntime } from "./watch.ts";

const notFound = 5;
/** Calls that do something; a sandbox, which waits for the network plugin, may take twice as long. */
const defaultRequestMilliseconds = 120_000;
const pullMilliseconds = 3_600_000;

export interface GrpcRuntimeOptions {
  /** How long a call that does something may take. Default two minutes. */
  readonly requestMilliseconds?: number | undefined;
}

/** `endpoint` is "unix:///run/containerd/containerd.sock". Connects with the first call, and again whenever it must. */
export function grpcRuntime(world: World, endpoint: string, { requestMilliseconds }: GrpcRuntimeOptions = {}): Runtime & { close(): void } {
  const doMilliseconds = requestMilliseconds || defaultRequestMilliseconds;
  const channel = world.network.grpc(endpoint);
  const runtime = service(channel, "runtime.v1.RuntimeService");
  const images = service(channel, "runtime.v1.ImageService");
  const fileSystems = async () =>
    (await images("ImageFsInfo", m.Empty, {}, m.ImageFsInfoResponse)).imageFilesystems.map(from.fileSystemUsage);
  const imageFiles = containerdImageFiles(world, endpoint, fileSystems);

  return {
    version: async () => from.version(await runtime("Version", m.VersionRequest, { version: "0.1.0" }, m.VersionResponse)),
    status: async () => from.runtimeStatus(await runtime("Status", m.Empty, {}, m.StatusResponse)),

    runSandbox: async (config, handler = "") => {
      const request = { config: to.sandbox(config), runtimeHandler: handler };
      return (await runtime("RunPodSandbox", m.RunPodSandboxRequest, request, m.IdMessage, { milliseconds: 2 * doMilliseconds })).id;
    },
    stopSandbox: (id) => gone(() => runtime("StopPodSandbox", m.IdMessage, { id }, m.Empty, { milliseconds: doMilliseconds })),
    removeSandbox: (id) => gone(() => runtime("RemovePodSandbox", m.IdMessage, { id }, m.Empty, { milliseconds: doMilliseconds })),
    sandboxes: async (filter = {}) => {
      const { id = "", labels = {} } = filter;
      const { items } = await runtime("ListPodSandbox", m.ListSandboxesRequest, { filter: { id, labels } }, m.ListSandboxesResponse);
      return items.map(from.sandbox);
    },
    sandboxStatus: (id) =>
      unlessGone(async () => from.sandboxStatus(await runtime("PodSandboxStatus", m.IdMessage, { id }, m.SandboxStatusResponse))),

    createContainer: async (podSandboxId, config, sandbox) => {
      const request = { podSandboxId, config: to.container(config), sandboxConfig: to.sandbox(sandbox) };
      return (await runtime("CreateContainer", m.CreateContainerRequest, request, m.IdMessage, { milliseconds: doMilliseconds })).id;
    },
    startContainer: async (id) => {
      await runtime("StartContainer", m.IdMessage, { id }, m.Empty, { milliseconds: doMilliseconds });
    },
    stopContainer: (containerId, graceSeconds) =>
      gone(() =>
        runtime("StopContainer", m.StopContainerRequest, { containerId, timeout: Math.ceil(graceSeconds) }, m.Empty, {
          milliseconds: doMilliseconds + graceSeconds * 1_000,
        }),
      ),
    removeContainer: (id) => gone(() => runtime("RemoveContainer", m.IdMessage, { id }, m.Empty, { milliseconds: doMilliseconds })),
    containers: async (filter = {}) => {
      const request = { filter: containerFilter(filter) };
      const { containers } = await runtime("ListContainers", m.ListContainersRequest, request, m.ListContainersResponse);
      return containers.map(from.container);
    },
    containerStatus: (id) =>
      unlessGone(async () => from.containerStatus(await runtime("ContainerStatus", m.IdMessage, { id }, m.ContainerStatusResponse))),
    updateContainerResources: async (containerId, resources) => {
      await runtime("UpdateContainerResources", m.UpdateResourcesRequest, { containerId, linux: to.resources(resources) }, m.Empty);
    },
    reopenContainerLog: async (id) => {
      await runtime("ReopenContainerLog", m.IdMessage, { id }, m.Empty);
    },

    execSync: async (containerId, command, timeoutSeconds) => {
      const milliseconds = timeoutSeconds > 0 ? timeoutSeconds * 1_000 + lookMilliseconds : undefined;
      const request = { containerId, cmd: command, timeout: timeoutSeconds };
      const { stdout, stderr, exitCode } = await runtime("ExecSync", m.ExecSyncRequest, request, m.ExecSyncResponse, { milliseconds });
      return { stdout: bytesOf(stdout), stderr: bytesOf(stderr), exitCode };
    },
    execUrl: async ({ command, ...rest }) => (await runtime("Exec", m.ExecRequest, { ...rest, cmd: command }, m.IdMessage)).id,
    attachUrl: async (request) => (await runtime("Attach", m.AttachRequest, request, m.IdMessage)).id,
    portForwardUrl: async (podSandboxId, port) =>
      (await runtime("PortForward", m.PortForwardRequest, { podSandboxId, port }, m.IdMessage)).id,

    containerStats: async (filter = {}) => {
      const request = { filter: containerFilter(filter) };
      const { stats } = await runtime("ListContainerStats", m.ContainerStatsRequest, request, m.ContainerStatsResponse);
      return stats.map(from.containerStats);
    },
    sandboxStats: async ({ id = "", labels = {} } = {}) => {
      const request = { filter: { id, labelSelector: labels } };
      const { stats } = await runtime("ListPodSandboxStats", m.SandboxStatsRequest, request, m.SandboxStatsResponse);
      return stats.map(from.sandboxStats);
    },

    images: async () => (await images("ListImages", m.Empty, {}, m.ListImagesResponse)).images.map(from.image),
    imageStatus: async (image) => {
      const answer = await images("ImageStatus", m.ImageRequest, { image: { image } }, m.ImageStatusResponse);
      return answer.image?.id ? from.image(answer.image) : undefined;
    },
    pullImage: async (image, { auth, sandbox, signal } = {}) => {
      const request = { image: { image }, auth, sandboxConfig: sandbox && to.sandbox(sandbox) };
      return (await images("PullImage", m.PullImageRequest, request, m.IdMessage, { milliseconds: pullMilliseconds, signal })).id;
    },
    removeImage: (image) => gone(() => images("RemoveImage", m.ImageRequest, { image: { image } }, m.Empty)),
    imageFileSystem: fileSystems,
    imageFiles: imageFiles.show,
    releaseImageFiles: imageFiles.release,

    watch: (scope, told) => watchRuntime(scope, world, channel, told),
    close: () => {
      channel.close();
      imageFiles.close();
    },
  };
}

function containerFilter({ id = "", sandboxId = "", labels = {} }: Filter) {
  return { id, podSandboxId: sandboxId, labelSelector: labels };
}

async function unlessGone<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof GrpcError && error.code === notFound) return undefined;
    throw error;
  }
}

async function gone(act: () => Promise<unknown>): Promise<void> {
  await unlessGone(act);
}

function bytesOf(text: string): Uint8Array {
  const decoded = decodeBase64(text);
  return typeof decoded === "number" ? new Uint8Array(0) : decoded;
}
