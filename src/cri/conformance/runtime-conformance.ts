// What the kubelet relies on, as tests that every runtime passes.
import { assert } from "#base/assert.ts";
import type { Scope } from "#base/scope.ts";
import type { ContainerConfig, Runtime, RuntimeEvent, SandboxConfig } from "../runtime.ts";

export interface RuntimeUnderTest {
  readonly runtime: Runtime;
  readonly scope: Scope;
  /** An image that is there, with `sleep` and `sh` (or whose containers simply run). */
  readonly image: string;
  readonly logFolder: string;
  readonly cgroupParent: string;
  /** Ends a running container from within with this exit code. */
  readonly exit: (containerId: string, code: number) => Promise<void>;
  readonly until: (holds: () => boolean | Promise<boolean>) => Promise<void>;
}

export interface RuntimeSuite {
  readonly test: (name: string, run: () => Promise<void>) => void;
  readonly open: () => Promise<RuntimeUnderTest>;
}

export function runtimeConformance(name: string, { test, open }: RuntimeSuite): void {
  for (const [rule, run] of Object.entries(rules)) test(`${name}: ${rule}`, async () => run(await open()));
}

const rules: Readonly<Record<string, (under: RuntimeUnderTest) => Promise<void>>> = {
  "a sandbox is ready with an address, is found by its labels, and is gone when removed": async (under) => {
    const { runtime } = under;
    const config = sandbox(under, "sandbox");
    const id = await runtime.runSandbox(config);
    const status = await runtime.sandboxStatus(id);
    assert(status?.ready && status.ips.length === 1, "a ready sandbox has an address");
    assert(status.metadata.uid === config.metadata.uid && status.annotations["note"] === "kept", "it keeps what it was told");
    assert((await runtime.sandboxes({ labels: config.labels })).length === 1, "it is found by its labels");
    assert((await runtime.sandboxes({ labels: { nobody: "has" } })).length === 0, "others' labels do not find it");
    await runtime.stopSandbox(id);
    assert((await runtime.sandboxStatus(id))?.ready === false, "a stopped sandbox is not ready");
    await runtime.stopSandbox(id);
    await runtime.removeSandbox(id);
    await runtime.removeSandbox(id);
    assert((await runtime.sandboxStatus(id)) === undefined, "a removed sandbox is unknown");
  },

  "a container is created, runs, and keeps its labels, annotations and attempt": async (under) => {
    const { runtime } = under;
    const config = sandbox(under, "container");
    const sandboxId = await runtime.runSandbox(config);
    const id = await runtime.createContainer(sandboxId, await container(under, "main", 3), config);
    assert((await runtime.containerStatus(id))?.state === "created", "it waits to be started");
    await runtime.startContainer(id);
    const status = await runtime.containerStatus(id);
    assert(status?.state === "running" && status.attempt === 3 && status.annotations["hash"] === "1", "it runs as it was told");
    assert(status.startedAt !== undefined && status.startedAt >= status.createdAt, "it started after it was created");
    const [listed] = await runtime.containers({ sandboxId });
    assert(listed?.id === id && listed.sandboxId === sandboxId && listed.state === "running", "it is listed");
    await runtime.removeSandbox(sandboxId);
    assert((await runtime.containerStatus(id)) === undefined, "it goes with its sandbox");
  },

  "an exit is told of, with its code": async (under) => {
    const { runtime, scope } = under;
    const events: RuntimeEvent[] = [];
    runtime.watch(scope, (event) => events.push(event));
    const config = sandbox(under, "exit");
    const sandboxId = await runtime.runSandbox(config);
    const id = await runtime.createContainer(sandboxId, await container(under, "main", 0), config);
    await runtime.startContainer(id);
    await under.exit(id, 7);
    await under.until(async () => (await runtime.containerStatus(id))?.state === "exited");
    const status = await runtime.containerStatus(id);
    assert(status?.exitCode === 7 && status.reason === "Error" && status.finishedAt !== undefined, "the exit is kept");
    await under.until(() => events.some((event) => event.type === "resync" || event.id === id));
    await runtime.removeSandbox(sandboxId);
  },

  "stopping ends a container, and stopping or removing what is gone succeeds": async (under) => {
    const { runtime } = under;
    const config = sandbox(under, "stop");
    const sandboxId = await runtime.runSandbox(config);
    const id = await runtime.createContainer(sandboxId, await container(under, "main", 0), config);
    await runtime.startContainer(id);
    await runtime.stopContainer(id, 1);
    assert((await runtime.containerStatus(id))?.state === "exited", "it has ended");
    await runtime.stopContainer(id, 1);
    await runtime.removeContainer(id);
    await runtime.removeContainer(id);
    await runtime.stopContainer(id, 1);
    await runtime.removeSandbox(sandboxId);
  },

  "a name and attempt are taken once in a sandbox; a sandbox's Pod and attempt once in all": async (under) => {
    const { runtime } = under;
    const config = sandbox(under, "once");
    const sandboxId = await runtime.runSandbox(config);
    await rejects(runtime.runSandbox(config), "a second sandbox of the same attempt");
    await runtime.createContainer(sandboxId, await container(under, "main", 0), config);
    const again = await container(under, "main", 0);
    await rejects(runtime.createContainer(sandboxId, again, config), "a second container of the same attempt");
    await runtime.createContainer(sandboxId, await container(under, "main", 1), config);
    await runtime.removeSandbox(sandboxId);
  },

  "the files of an image are told as often as they are asked for; those of one that is not here are not": async ({ runtime, image }) => {
    const { id } = (await runtime.imageStatus(image)) ?? { id: "" };
    const mounts = await runtime.imageFiles(id, "files");
    assert(
      mounts.every(({ type, source }) => type !== "" && source !== ""),
      "each can be mounted",
    );
    assert((await runtime.imageFiles(id, "files")).length === mounts.length, "the same name is used again");
    await runtime.releaseImageFiles("files");
    await runtime.releaseImageFiles("files");
    await rejects(runtime.imageFiles(`sha256:${"0".repeat(64)}`, "none"), "an image that is not here");
  },

  "what is not there has no status, and cannot be started": async ({ runtime }) => {
    assert((await runtime.containerStatus("nothing")) === undefined, "no container");
    assert((await runtime.sandboxStatus("nothing")) === undefined, "no sandbox");
    await rejects(runtime.startContainer("nothing"), "starting nothing");
  },
};

async function rejects(promise: Promise<unknown>, what: string): Promise<void> {
  let rejected = false;
  try {
    await promise;
  } catch {
    rejected = true;
  }
  assert(rejected, `${what} is rejected`);
}

function sandbox({ logFolder, cgroupParent }: RuntimeUnderTest, name: string): SandboxConfig {
  const uid = `uid-${name}`;
  return {
    metadata: { name, uid, namespace: "conformance", attempt: 0 },
    hostname: name,
    logFolder: `${logFolder}/${name}`,
    ports: [],
    labels: { "io.kubernetes.pod.uid": uid },
    annotations: { note: "kept" },
    cgroupParent,
    sysctls: {},
    namespaces: { network: "pod", pid: "container", ipc: "pod" },
    supplementalGroups: [],
    privileged: false,
  };
}

async function container({ runtime, image }: RuntimeUnderTest, name: string, attempt: number): Promise<ContainerConfig> {
  const found = await runtime.imageStatus(image);
  assert(found !== undefined, `the image ${image} is there`);
  return {
    name,
    attempt,
    image: found.id,
    userImage: image,
    command: ["sh", "-c", "trap 'exit 7' USR1; while :; do sleep 0.05; done"],
    arguments: [],
    workingFolder: "",
    environment: [],
    mounts: [],
    devices: [],
    labels: {},
    annotations: { hash: "1" },
    logPath: `${name}/${attempt}.log`,
    stdin: false,
    stdinOnce: false,
    tty: false,
    resources: {},
    security: {
      addCapabilities: [],
      dropCapabilities: [],
      privileged: false,
      namespaces: { network: "pod", pid: "container", ipc: "pod" },
      readOnlyRootFilesystem: false,
      supplementalGroups: [],
      noNewPrivileges: false,
      maskedPaths: [],
      readOnlyPaths: [],
    },
  };
}
