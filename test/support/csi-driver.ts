// A CSI driver for tests: folders of one folder as volumes, served over real sockets as the protocol says, as its own process.
// `node csi-driver.ts NAME KUBELET-FOLDER DATA-FOLDER [NODE-ID]`. What is asked stands in DATA-FOLDER/calls, a JSON line a call; a file
// DATA-FOLDER/fail/<method> makes that call fail with its text.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import * as m from "../../src/kubelet/volumes/csi/messages.ts";
import { readProtobuf, writeProtobuf } from "#schema/derive/protobuf.ts";
import type { Draft, Type } from "#schema/message.ts";

const [name = "", kubelet = "", data = "", nodeId = "node"] = process.argv.slice(2);
const socket = `${kubelet}/plugins/${name}/csi.sock`;
const registration = `${kubelet}/plugins_registry/${name}-reg.sock`;

function method<Q, A>(path: string, request: Type<Q>, answer: Type<A>, handle: (request: Q) => Draft<A>) {
  const short = path.slice(path.lastIndexOf("/") + 1);
  return {
    path,
    handle: (bytes: Buffer): Buffer => {
      const asked = readProtobuf(request, bytes);
      appendFileSync(`${data}/calls`, `${JSON.stringify({ method: short, ...(asked as object) })}\n`);
      const failure = `${data}/fail/${short}`;
      if (existsSync(failure)) throw Object.assign(new Error(readFileSync(failure, "utf8").trim()), { code: grpc.status.INTERNAL });
      return Buffer.from(writeProtobuf(answer, handle(asked) as A));
    },
  };
}

const mount = (...words: string[]) => execFileSync("mount", words);
const isMounted = (path: string) => readFileSync("/proc/self/mountinfo", "utf8").includes(` ${path} `);

const node = [
  method("/csi.v1.Node/NodeGetInfo", m.Empty, m.NodeInfo, () => ({
    nodeId,
    maxVolumesPerNode: 7,
    accessibleTopology: { segments: { [`topology.${name}/node`]: nodeId } },
  })),
  method("/csi.v1.Node/NodeGetCapabilities", m.Empty, m.NodeCapabilities, () => ({ capabilities: [{ rpc: { type: m.stageUnstage } }] })),
  method("/csi.v1.Node/NodeStageVolume", m.NodeStageVolumeRequest, m.Empty, ({ volumeId, stagingTargetPath }) => {
    const folder = `${data}/volumes/${volumeId}`;
    mkdirSync(folder, { recursive: true });
    if (!isMounted(stagingTargetPath)) mount("--bind", folder, stagingTargetPath);
    return {};
  }),
  method("/csi.v1.Node/NodeUnstageVolume", m.NodeUnstageVolumeRequest, m.Empty, ({ stagingTargetPath }) => {
    if (isMounted(stagingTargetPath)) execFileSync("umount", [stagingTargetPath]);
    return {};
  }),
  method("/csi.v1.Node/NodePublishVolume", m.NodePublishVolumeRequest, m.Empty, (request) => {
    const { volumeId, stagingTargetPath, targetPath, readonly, volumeContext, secrets } = request;
    let source = stagingTargetPath;
    if (source === "") {
      source = `${data}/volumes/${volumeId}`;
      mkdirSync(source, { recursive: true });
      writeFileSync(`${source}/context`, JSON.stringify({ ...volumeContext, ...secrets }));
    }
    mkdirSync(targetPath, { recursive: true });
    if (isMounted(targetPath)) return {};
    mount("--bind", source, targetPath);
    if (readonly) mount("-o", "remount,bind,ro", targetPath);
    return {};
  }),
  method("/csi.v1.Node/NodeUnpublishVolume", m.NodeUnpublishVolumeRequest, m.Empty, ({ targetPath }) => {
    if (isMounted(targetPath)) execFileSync("umount", [targetPath]);
    if (existsSync(targetPath)) rmdirSync(targetPath);
    return {};
  }),
];
const registrar = [
  method("/pluginregistration.Registration/GetInfo", m.Empty, m.PluginInfo, () => ({
    type: "CSIPlugin",
    name,
    endpoint: socket,
    supportedVersions: ["1.0.0"],
  })),
  method("/pluginregistration.Registration/NotifyRegistrationStatus", m.RegistrationStatus, m.Empty, () => ({})),
];

async function serve(
  path: string,
  methods: readonly { readonly path: string; readonly handle: (bytes: Buffer) => Buffer }[],
): Promise<grpc.Server> {
  const server = new grpc.Server();
  const same = (bytes: Buffer) => bytes;
  const definition = Object.fromEntries(
    methods.map((one) => [
      one.path,
      {
        path: one.path,
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    ]),
  );
  const handlers = Object.fromEntries(
    methods.map((one) => [
      one.path,
      (call: { request: Buffer }, done: (error: Error | null, bytes?: Buffer) => void) => {
        try {
          done(null, one.handle(call.request));
        } catch (error) {
          done(error as Error);
        }
      },
    ]),
  );
  server.addService(definition, handlers as never);
  rmSync(path, { force: true });
  mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${path}`, grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
  );
  return server;
}

mkdirSync(data, { recursive: true });
const servers = [await serve(socket, node), await serve(registration, registrar)];
process.on("SIGTERM", () => {
  for (const server of servers) server.forceShutdown();
  rmSync(socket, { force: true });
  rmSync(registration, { force: true });
  process.exit(0);
});
