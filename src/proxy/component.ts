// kube-proxy as a daemon.
import { sharedInformers } from "#client/informers.ts";
import { accessFor, clientFor } from "#component/cluster-client.ts";
import { type Component, ConfigError } from "#component/component.ts";
import { clientFlags, daemonFlags, daemonValues } from "#component/daemon-flags.ts";
import type { Flag } from "#component/flags.ts";
import { serveComponent } from "#component/serving.ts";
import { nftablesLoader } from "./nftables/nftables.ts";
import { startProxy } from "./proxy.ts";

const flags = [
  ...daemonFlags,
  ...clientFlags,
  { name: "hostname-override", type: "string", doc: "Name of this machine's Node; the host name when absent." },
  { name: "cluster-cidr", type: "list", default: [], doc: "Where Pods have their addresses." },
  { name: "proxy-mode", type: "string", default: "nftables", doc: "How connections are forwarded; only nftables is known." },
  { name: "healthz-bind-address", type: "string", default: "127.0.0.1:10256", doc: "Address and port of /healthz." },
  { name: "run-folder", type: "string", default: "/run/kube-proxy", doc: "Where rules are written before they are loaded." },
  { name: "cleanup", type: "boolean", default: false, doc: "Remove all rules and exit." },
  { name: "config", type: "string", doc: "", ignored: "proxy configuration files are not read yet" },
] as const satisfies readonly Flag[];

/** Rules older than this are taken as stuck. */
const healthyMilliseconds = 120_000;

export const component: Component = {
  name: "kube-proxy",
  doc: "Makes connections to Services reach Pods.",
  flags,
  async start(scope, world, arguments_) {
    const values = daemonValues("kube-proxy", flags, arguments_, world.log);
    if (values["proxy-mode"] !== "nftables") throw new ConfigError(`--proxy-mode=${values["proxy-mode"]} is not known; use nftables`);
    const cidrs = values["cluster-cidr"];
    const loaders = (["IPv4", "IPv6"] as const).map((family) => ({
      family,
      loader: nftablesLoader(world, {
        family,
        clusterCidrs: cidrs.filter((cidr) => cidr.includes(":") === (family === "IPv6")),
        folder: values["run-folder"],
      }),
    }));
    if (values.cleanup) {
      for (const { loader } of loaders) await loader.clear();
      world.processes.self.exit(0);
    }
    const client = clientFor(scope, world, await accessFor(world, values.kubeconfig), "kube-proxy");
    const node = values["hostname-override"] ?? world.network.hostname();
    const proxy = await startProxy(scope, world, { informers: sharedInformers(scope, world, client), node, loaders });
    const at = values["healthz-bind-address"];
    const colon = at.lastIndexOf(":");
    await serveComponent(scope, world, {
      host: at.slice(0, colon) || "0.0.0.0",
      port: Number(at.slice(colon + 1)),
      checks: [
        {
          name: "rules",
          check() {
            if (!proxy.isSynced) throw new Error("no rules are loaded yet");
            if (world.clock.monotonic() - proxy.syncedAt > healthyMilliseconds) throw new Error("rules are old");
          },
        },
      ],
    });
  },
};
