// kube-scheduler as a daemon.
import { sharedInformers } from "#client/informers.ts";
import { accessFor, clientFor } from "#component/cluster-client.ts";
import type { Component } from "#component/component.ts";
import { clientFlags, daemonFlags, daemonValues, leaderElectionFlags, servingFlags } from "#component/daemon-flags.ts";
import { delegatedTo } from "#component/delegated.ts";
import type { Flag } from "#component/flags.ts";
import { leadByFlags } from "#component/lead.ts";
import { servingTls } from "#component/self-signed.ts";
import { serveComponent } from "#component/serving.ts";
import { startScheduler } from "./scheduler.ts";

const flags = [
  ...daemonFlags,
  ...servingFlags,
  ...clientFlags,
  ...leaderElectionFlags,
  { name: "secure-port", type: "integer", default: 10_259, doc: "Port to serve health and metrics at." },
  { name: "config", type: "string", doc: "", ignored: "scheduler configuration files are not read yet" },
] as const satisfies readonly Flag[];

export const component: Component = {
  name: "kube-scheduler",
  doc: "Decides which Node each Pod runs on.",
  flags,
  async start(scope, world, arguments_) {
    const values = daemonValues("kube-scheduler", flags, arguments_, world.log);
    const client = clientFor(scope, world, await accessFor(world, values.kubeconfig), "kube-scheduler");
    const tls = await servingTls(world, {
      certificateFile: values["tls-cert-file"],
      keyFile: values["tls-private-key-file"],
      clientCaFile: values["client-ca-file"],
      name: "kube-scheduler",
    });
    const delegated = delegatedTo(world, client);
    await serveComponent(scope, world, {
      host: values["bind-address"],
      port: values["secure-port"],
      tls,
      checks: [{ name: "ping", check: () => {} }],
      mayRead: async (request) => {
        const caller = await delegated.authenticate(request);
        return caller !== undefined && delegated.authorize(caller, { verb: "get", path: request.path });
      },
    });
    leadByFlags(scope, world, client, "kube-scheduler", values, async (leading) => {
      await startScheduler(leading, world, { client, informers: sharedInformers(leading, world, client) });
    });
  },
};
