// keelson dev: a whole control plane in this process, for trying manifests and writing operators. Needs no root and no containers.
import { ConfigError } from "#component/component.ts";
import { FlagError } from "#component/flags.ts";
import { kubeconfigText } from "#component/kubeconfig.ts";
import { DatabaseError } from "#platform/database.ts";
import { FileError } from "#platform/files.ts";
import { NetworkError } from "#platform/network.ts";
import { command, diskProblem, flagsOnly, storeAdvice, UserError } from "../command.ts";

const flags = [
  { name: "port", type: "integer", default: 6443, doc: "Port on 127.0.0.1 to serve the API at; 0 picks a free one." },
  { name: "nodes", type: "integer", default: 1, doc: "Simulated nodes, whose Pods become Running." },
  { name: "data-dir", type: "string", doc: "Folder to keep the cluster in; in memory when absent." },
  { name: "etcd-servers", type: "list", default: [], doc: "Members of an etcd to keep the cluster in, scheme://ip:port." },
  { name: "etcd-cafile", type: "string", doc: "CA bundle that the members' certificates must lead to." },
  { name: "etcd-certfile", type: "string", doc: "Certificate to show to etcd." },
  { name: "etcd-keyfile", type: "string", doc: "Key that belongs to --etcd-certfile." },
  { name: "kubeconfig-out", type: "string", doc: "File to write the kubeconfig to." },
  { name: "v", type: "integer", default: 0, doc: "How much to log: 4 and more for debugging." },
] as const;

const nodesMax = 5_000;

export const dev = command({
  name: "dev",
  doc: "A control plane in one process, with simulated nodes.",
  usage: "[--port N] [--nodes N] [--data-dir FOLDER] [--kubeconfig-out FILE]",
  flags,
  async run(scope, world, arguments_, starters) {
    const values = flagsOnly("dev", flags, arguments_);
    if (values.nodes < 0 || values.nodes > nodesMax) throw new UserError(`--nodes is ${values.nodes}; it may be 0 to ${nodesMax}`);
    if (values.port < 0 || values.port > 65_535) throw new UserError(`--port is ${values.port}; it may be 0 to 65535`);
    const host = await starters.singleProcess();
    const folder = values["data-dir"];
    const out = values["kubeconfig-out"];
    const kubeconfigPath = out === undefined ? undefined : absolute(world.processes.self.folder, out);
    if (kubeconfigPath !== undefined) await forKubeconfig(() => world.files.makeFolder(folderOf(kubeconfigPath)));
    let cluster: Awaited<ReturnType<typeof host.start>>;
    try {
      cluster = await host.start(scope, world, {
        port: values.port,
        nodes: values.nodes,
        ...(folder !== undefined && { dataFolder: absolute(world.processes.self.folder, folder) }),
        ...(values["etcd-servers"].length > 0 && {
          etcd: {
            servers: values["etcd-servers"],
            ...(values["etcd-cafile"] && { caFile: values["etcd-cafile"] }),
            ...(values["etcd-certfile"] && { certificateFile: values["etcd-certfile"] }),
            ...(values["etcd-keyfile"] && { keyFile: values["etcd-keyfile"] }),
          },
        }),
      });
    } catch (error) {
      if (error instanceof NetworkError && error.code === "EADDRINUSE") {
        throw new UserError(`port ${values.port} of 127.0.0.1 is taken`, "Choose another one with --port, or --port=0 for any free one.");
      }
      if (error instanceof ConfigError || error instanceof FlagError) throw new UserError(error.message);
      if (folder !== undefined && (error instanceof FileError || error instanceof DatabaseError)) {
        const advice =
          error instanceof DatabaseError
            ? storeAdvice(error)
            : "Choose another folder with --data-dir, or leave it out to keep the cluster in memory.";
        throw new UserError(`the data folder ${folder} cannot be used: ${diskProblem(error)}`, advice);
      }
      throw error;
    }
    const kubeconfig = kubeconfigText({
      name: "keelson-dev",
      user: "keelson-dev-admin",
      server: cluster.url,
      ca: cluster.ca,
      certificate: cluster.clientCertificate,
      key: cluster.clientKey,
    });
    if (kubeconfigPath !== undefined) await forKubeconfig(() => world.files.replace(kubeconfigPath, kubeconfig, { mode: 0o600 }));
    const { self } = world.processes;
    self.writeOut(`ready in ${Math.round(self.uptimeMilliseconds())} ms\n`);
    self.writeOut(
      kubeconfigPath === undefined
        ? `  at ${cluster.url}; kubectl reaches it with the file that --kubeconfig-out writes\n`
        : `  export KUBECONFIG=${kubeconfigPath}\n`,
    );
    await new Promise<void>((resolve) => {
      if (scope.stopped) resolve();
      else scope.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    return 0;
  },
});

async function forKubeconfig(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new UserError(`the kubeconfig cannot be written: ${diskProblem(error)}`, "Choose another file with --kubeconfig-out.");
  }
}

const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/")) || "/";
const absolute = (folder: string, path: string) => (path.startsWith("/") ? path : `${folder}/${path}`);
