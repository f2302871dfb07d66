// The cluster's name server as a daemon.
import { sharedInformers } from "#client/informers.ts";
import { accessFor, clientFor } from "#component/cluster-client.ts";
import type { Component } from "#component/component.ts";
import { clientFlags, daemonFlags, daemonValues } from "#component/daemon-flags.ts";
import type { Flag } from "#component/flags.ts";
import { serveComponent } from "#component/serving.ts";
import type { World } from "#platform/world.ts";
import { startDns } from "./dns.ts";

const flags = [
  ...daemonFlags,
  ...clientFlags,
  { name: "bind-address", type: "string", default: "0.0.0.0", doc: "Address to answer at." },
  { name: "port", type: "integer", default: 53, doc: "Port to answer at, over UDP and TCP." },
  { name: "health-port", type: "integer", default: 8080, doc: "Port of /healthz and /readyz." },
  { name: "cluster-domain", type: "string", default: "cluster.local", doc: "The domain of the cluster's names." },
  { name: "upstream", type: "list", default: [], doc: "Resolvers for other names; those of /etc/resolv.conf when empty." },
] as const satisfies readonly Flag[];

export const component: Component = {
  name: "cluster-dns",
  doc: "Answers for the names of Services and Pods.",
  flags,
  async start(scope, world, arguments_) {
    const values = daemonValues("cluster-dns", flags, arguments_, world.log);
    const state = { isReady: false };
    await serveComponent(scope, world, {
      host: values["bind-address"],
      port: values["health-port"],
      checks: [
        {
          name: "names",
          check() {
            if (!state.isReady) throw new Error("the cluster's names are not known yet");
          },
        },
      ],
    });
    const client = clientFor(scope, world, await accessFor(world, values.kubeconfig), "cluster-dns");
    await startDns(scope, world, {
      informers: sharedInformers(scope, world, client),
      host: values["bind-address"],
      port: values.port,
      domain: values["cluster-domain"],
      upstreams: values.upstream.length > 0 ? values.upstream : await machineResolvers(world),
    });
    state.isReady = true;
  },
};

async function machineResolvers(world: World): Promise<readonly string[]> {
  try {
    const text = await world.files.readText("/etc/resolv.conf");
    return [...text.matchAll(/^\s*nameserver\s+([0-9.]+)\s*$/gm)]
      .map(([, address]) => address as string)
      .filter((address) => !address.startsWith("127."));
  } catch {
    return [];
  }
}
