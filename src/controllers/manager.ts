// Starts the controllers of a process: one set of informers for all of them, each with a voice of its own for events.
import type { Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { startEventRecorder } from "#client/event-recorder.ts";
import { type Informers, sharedInformers } from "#client/informers.ts";
import type { World } from "#platform/world.ts";
import { allControllers } from "./all.ts";
import type { ClusterFacts, Controller } from "./controller.ts";

export interface ManagerNeeds {
  readonly client: Client;
  readonly facts: ClusterFacts;
  /** The client of one controller, with its own rights. Default: `client`, which otherwise only reads. */
  readonly clientOf?: (controller: string) => Client;
  /** Made here when absent. */
  readonly informers?: Informers;
  /** Default: all. */
  readonly controllers?: readonly Controller[];
}

/** Starts the controllers and returns; they work until the scope stops. */
export async function startControllers(scope: Scope, world: World, needs: ManagerNeeds): Promise<void> {
  const { client, facts, controllers = allControllers } = needs;
  const informers = needs.informers ?? sharedInformers(scope, world, client);
  // Kinds that a controller reads in full are started before the garbage collector, which is content with metadata, looks for them.
  for (const { reads } of controllers) for (const kind of reads) informers.for(kind);
  for (const one of controllers) {
    const own = scope.child(one.name);
    const ownClient = needs.clientOf?.(one.name) ?? client;
    const events = startEventRecorder(own, world, ownClient, { component: eventSources[one.name] ?? one.name });
    await one.run(own, world, { client: ownClient, informers, events, facts });
  }
}

/** Controllers whose events come under another name. */
const eventSources: Readonly<Record<string, string>> = {
  "disruption-controller": "controllermanager",
  "node-ipam-controller": "cidrAllocator",
  "node-lifecycle-controller": "node-controller",
  "persistentvolume-binder-controller": "persistentvolume-controller",
  "persistentvolume-attach-detach-controller": "attachdetach-controller",
  "ephemeral-volume-controller": "ephemeral_volume",
};

/** The controllers that --controllers asks for: names, "*" for those that are on by default, "-name" for all but one. Names may be short. */
export function chosenControllers(wanted: readonly string[]): {
  readonly controllers: readonly Controller[];
  readonly unknown: readonly string[];
} {
  const isNamed = ({ name }: Controller, text: string) => text === name || `${text}-controller` === name || aliases[text] === name;
  const off = wanted.filter((text) => text.startsWith("-")).map((text) => text.slice(1));
  const on = wanted.filter((text) => !text.startsWith("-") && text !== "*");
  const controllers = allControllers.filter((one) => {
    if (off.some((text) => isNamed(one, text))) return false;
    return (wanted.includes("*") && !offByDefault.has(one.name)) || on.some((text) => isNamed(one, text));
  });
  const unknown = [...off, ...on].filter((text) => !allControllers.some((one) => isNamed(one, text)));
  return { controllers, unknown };
}

/** As upstream: whoever has no bootstrap tokens needs nobody that looks after them. */
const offByDefault = new Set(["bootstrap-signer", "token-cleaner"]);

/** Older names that manifests still carry. */
const aliases: Readonly<Record<string, string>> = {
  endpoint: "endpoints-controller",
  endpointslice: "endpointslice-controller",
  endpointslicemirroring: "endpointslice-mirroring-controller",
  serviceaccount: "serviceaccount-controller",
  "root-ca-cert-publisher": "root-ca-certificate-publisher-controller",
  garbagecollector: "garbage-collector-controller",
  podgc: "pod-garbage-collector-controller",
  nodelifecycle: "node-lifecycle-controller",
  nodeipam: "node-ipam-controller",
  bootstrapsigner: "bootstrap-signer",
  "bootstrap-signer-controller": "bootstrap-signer",
  tokencleaner: "token-cleaner",
  "token-cleaner-controller": "token-cleaner",
  csrapproving: "certificatesigningrequest-approving-controller",
  csrsigning: "certificatesigningrequest-signing-controller",
  csrcleaner: "certificatesigningrequest-cleaner-controller",
  daemonset: "daemonset-controller",
  disruption: "disruption-controller",
  "persistentvolume-binder": "persistentvolume-binder-controller",
  attachdetach: "persistentvolume-attach-detach-controller",
  "pv-protection": "persistentvolume-protection-controller",
  "pvc-protection": "persistentvolumeclaim-protection-controller",
  "ephemeral-volume": "ephemeral-volume-controller",
  "clusterrole-aggregation": "clusterrole-aggregation-controller",
};
