// Written by tools/index; do not edit.
import type { Command } from "./command.ts";

/** What can be named on the command line; each is loaded only when called. */
export const allCommands: readonly { readonly name: string; readonly doc: string; readonly load: () => Promise<Command> }[] = [
  {
    name: "dev",
    doc: "A control plane in one process, with simulated nodes.",
    load: async () => (await import("./dev/dev.ts")).dev,
  },
  {
    name: "down",
    doc: "Removes all that up made: containers, cluster, network, files.",
    load: async () => (await import("./down/down.ts")).down,
  },
  {
    name: "join",
    doc: "This machine becomes one more node of a cluster that is there.",
    load: async () => (await import("./join/join.ts")).join,
  },
  {
    name: "kubeconfig",
    doc: "Prints the administrator's kubeconfig.",
    load: async () => (await import("./kubeconfig/kubeconfig.ts")).kubeconfig,
  },
  {
    name: "lab",
    doc: "Machines made inside this one: up, down, list, exec, cut, join, crash, boot, trial.",
    load: async () => (await import("./lab/lab.ts")).lab,
  },
  {
    name: "snapshot",
    doc: "The embedded store as one file: save, also while it is served; restore; inspect.",
    load: async () => (await import("./snapshot/snapshot.ts")).snapshot,
  },
  {
    name: "status",
    doc: "The four layers as a tree: who watches whom, since when, restarts.",
    load: async () => (await import("./status/status.ts")).status,
  },
  {
    name: "store",
    doc: "Moves a cluster between the embedded store and etcd, with every resourceVersion: migrate.",
    load: async () => (await import("./store/store.ts")).store,
  },
  {
    name: "supervise",
    doc: "Keeps units running where there is no systemd; started by up.",
    load: async () => (await import("./supervise/supervise.ts")).supervise,
  },
  {
    name: "test",
    doc: "Runs all tests; with words, the end-to-end tests whose names contain one.",
    load: async () => (await import("./test/test.ts")).test,
  },
  {
    name: "token",
    doc: "What other machines join with: create prints the whole line; list, delete.",
    load: async () => (await import("./token/token.ts")).token,
  },
  {
    name: "up",
    doc: "This machine becomes a node: supervisor, kubelet, control plane, add-ons.",
    load: async () => (await import("./up/up.ts")).up,
  },
];
