// Everything that is killed, cut or filled in a trial, and how it is told that all is well again.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { Scope } from "#base/scope.ts";
import { storeFolder } from "#bootstrap/layout.ts";
import { listening } from "#bootstrap/machine-check.ts";
import type { Client } from "#client/client.ts";
import { labBoot, labCrash, labCut, labExec, labJoin } from "#lab/lab.ts";
import type { World } from "#platform/world.ts";
import { UserError } from "../command.ts";
import { answers, containerIds, containersOf, isNodeReady, readyPods } from "./observed.ts";

export interface Trial {
  readonly killed: string;
  readonly broughtBackBy: string;
  readonly limitSeconds: number;
  /** Kills, and gives a function that tells whether all is well again. The time counts from when it returns, if it takes long itself. */
  kill(): Promise<() => Promise<boolean>>;
  /** Whether the time counts from the end of `kill`: from when the power or the cable is back. */
  readonly countsFromReturn?: boolean;
  /** Containers that run on the whole time, all but the one that was killed. */
  readonly keepsContainers: boolean;
}

export interface TrialCluster {
  readonly client: Client;
  /** The machine with the control plane. */
  readonly first: string;
  /** A machine that joined, where there is one. */
  readonly worker: string | undefined;
  readonly systemd: boolean;
  /** Whether the first machine has a disk of its own, which can be filled. */
  readonly hasOwnDisk: boolean;
  readonly replicas: number;
}

export function trials(scope: Scope, world: World, cluster: TrialCluster): readonly Trial[] {
  const { client, first, worker, systemd, hasOwnDisk, replicas } = cluster;
  const sh = async (script: string, machine = first) =>
    (await labExec(world, machine, ["sh", "-c", script], { timeoutMilliseconds: 20_000 })).stdout.trim();
  /** Processes whose command line, its words parted by single spaces, is like that. */
  const idsOf = async (pattern: RegExp, machine = first) =>
    (await sh("grep -a . /proc/[0-9]*/cmdline 2>/dev/null", machine)).split("\n").flatMap((line) => {
      const [, id, text = ""] = /^\/proc\/(\d+)\/cmdline:(.*)$/.exec(line) ?? [];
      return id !== undefined && pattern.test(text.replaceAll("\0", " ").trimEnd()) ? [id] : [];
    });
  const killOne = async (pattern: RegExp, machine = first) => {
    const [id] = await idsOf(pattern, machine);
    if (id === undefined) throw new UserError(`nothing that matches ${pattern} runs in lab machine "${machine}"`);
    await sh(`kill -9 ${id}`, machine);
    return id;
  };
  const listens = async (port: number) => listening([await sh("cat /proc/net/tcp /proc/net/tcp6")]).has(port);
  const isServed = async () => (await readyPods(client)).length === replicas;
  /** Another process of that kind, which serves at its port; `isWell` where it does not in the machine's own network. */
  const process = (killed: string, broughtBackBy: string, pattern: RegExp, port: number, isWell?: () => Promise<boolean>): Trial => ({
    killed,
    broughtBackBy,
    limitSeconds: 40,
    keepsContainers: true,
    async kill() {
      const old = await killOne(pattern);
      return async () => {
        const ids = await idsOf(pattern);
        return ids.some((id) => id !== old) && !ids.includes(old) && (isWell ? isWell() : listens(port));
      };
    },
  });
  const isDnsReady = async () => {
    try {
      const { items } = await client.list(Pod, { namespace: "kube-system", labelSelector: "k8s-app=kube-dns" });
      return items.every(({ status }) => status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True"));
    } catch {
      return false;
    }
  };
  const isNode = async (machine: string) => isNodeReady(client, `keelson-${machine}`);
  const all: (Trial | false)[] = [
    {
      killed: "application process",
      broughtBackBy: "kubelet",
      limitSeconds: 40,
      keepsContainers: false,
      async kill() {
        const old = await containerIds(client);
        const hello = /^\/usr\/lib\/keelson\/node .*keelson\.js hello$/;
        const isHere = worker === undefined || (await idsOf(hello)).length > 0;
        await killOne(hello, isHere ? first : worker);
        return async () => {
          const now = await containerIds(client);
          return now.some((id) => !old.includes(id)) && (await isServed());
        };
      },
    },
    {
      killed: "Pod object",
      broughtBackBy: "controller manager, scheduler, kubelet",
      limitSeconds: 60,
      keepsContainers: false,
      async kill() {
        const [one] = await readyPods(client);
        if (!one) throw new UserError("there is no Pod to delete");
        await client.delete(Pod, { namespace: "default", name: one.metadata.name }, { gracePeriodSeconds: 0 });
        return async () => {
          const pods = await readyPods(client);
          return pods.length === replicas && pods.every(({ metadata }) => metadata.uid !== one.metadata.uid);
        };
      },
    },
    {
      killed: "containerd",
      broughtBackBy: "supervisor",
      limitSeconds: 40,
      keepsContainers: true,
      async kill() {
        const old = await killOne(/^\/usr\/bin\/containerd$/);
        return async () =>
          !(await idsOf(/^\/usr\/bin\/containerd$/)).includes(old) &&
          (await sh("ctr --timeout 2s version >/dev/null 2>&1 && echo yes")) === "yes";
      },
    },
    process("scheduler", "kubelet", /\/usr\/local\/bin\/kube-scheduler/, 10_259),
    process("controller manager", "kubelet", /\/usr\/local\/bin\/kube-controller-manager/, 10_257),
    {
      killed: "API server",
      broughtBackBy: "kubelet",
      limitSeconds: 40,
      keepsContainers: true,
      async kill() {
        const old = await killOne(/\/usr\/local\/bin\/kube-apiserver/);
        return async () => !(await idsOf(/\/usr\/local\/bin\/kube-apiserver/)).includes(old) && (await answers(client));
      },
    },
    process("kubelet", "supervisor", /keelson\.js kubelet/, 10_250),
    process("proxy", "kubelet", /\/usr\/local\/bin\/kube-proxy/, 10_256),
    process("DNS", "kubelet", /\/usr\/local\/bin\/cluster-dns/, 53, isDnsReady),
    !systemd &&
      process(
        "supervisor",
        "its guard",
        /^\/usr\/lib\/keelson\/node .*keelson\.js supervise$/,
        0,
        async () => (await sh("test -S /run/keelson/supervisor.sock && echo yes")) === "yes",
      ),
    hasOwnDisk && {
      killed: "disk full on the node",
      broughtBackBy: "nobody had to: once there is room, all goes on",
      limitSeconds: 90,
      keepsContainers: false,
      countsFromReturn: true,
      async kill() {
        const acknowledged: string[] = [];
        try {
          await sh(`dd if=/dev/zero of=${storeFolder}/filled bs=1M 2>/dev/null; sync`);
          for (let at = 0; at < 10; at += 1) {
            const name = `written-to-a-full-disk-${at}`;
            const made = await client
              .create(ConfigMap, { metadata: { name, namespace: "default" }, data: { at: String(at) } })
              .catch(() => undefined);
            if (made) acknowledged.push(name);
            await world.clock.sleep(scope, 500);
          }
        } finally {
          await sh(`rm -f ${storeFolder}/filled`);
        }
        return async () => {
          const { items } = await client.list(ConfigMap, { namespace: "default" });
          const there = new Set(items.map(({ metadata }) => metadata.name));
          await client.create(ConfigMap, { metadata: { generateName: "after-", namespace: "default" } });
          return acknowledged.every((name) => there.has(name)) && (await isNode(first)) && (await isServed());
        };
      },
    },
    worker !== undefined && {
      killed: "worker's network cut",
      broughtBackBy: "kubelet, once the cable is back",
      limitSeconds: 60,
      keepsContainers: true,
      countsFromReturn: true,
      async kill() {
        await cutOff(worker, () =>
          waitUntil(90, "the worker to be missed", async () => !(await isNode(worker)) && (await answers(client))),
        );
        return async () => (await isNode(worker)) && (await isServed());
      },
    },
    worker !== undefined && {
      killed: "control plane's network cut",
      broughtBackBy: "everybody tries again",
      limitSeconds: 60,
      keepsContainers: true,
      countsFromReturn: true,
      async kill() {
        await cutOff(first, () => world.clock.sleep(scope, 15_000));
        return async () => (await isNode(worker)) && (await isNode(first)) && (await isServed()) && reaches(worker);
      },
    },
    worker !== undefined && {
      killed: "worker's power cut",
      broughtBackBy: "supervisor, kubelet, once the power is back",
      limitSeconds: 90,
      keepsContainers: false,
      countsFromReturn: true,
      async kill() {
        const hasStartedAnew = await startsOf(worker);
        await labCrash(world, worker);
        await labBoot(world, worker);
        return async () => (await isNode(worker)) && (await isServed()) && hasStartedAnew();
      },
    },
    {
      killed: "whole machine's power cut",
      broughtBackBy: "supervisor, kubelet, once the power is back",
      limitSeconds: 90,
      keepsContainers: false,
      countsFromReturn: true,
      async kill() {
        const hasStartedAnew = await startsOf(first);
        await labCrash(world, first);
        await labBoot(world, first);
        return async () => (await isNode(first)) && (await isServed()) && (await isDnsReady()) && hasStartedAnew();
      },
    },
  ];
  return all.filter((one) => one !== false);

  /** Plugged in again whatever happened meanwhile. */
  async function cutOff(machine: string, meanwhile: () => Promise<void>): Promise<void> {
    await labCut(world, machine);
    try {
      await meanwhile();
    } finally {
      await labJoin(world, machine);
    }
  }

  /** Tells whether the machine has started since, and all that runs on it with it. */
  async function startsOf(machine: string): Promise<() => Promise<boolean>> {
    const name = `keelson-${machine}`;
    const bootId = async () => (await client.get(Node, { name })).status.nodeInfo?.bootID;
    const containers = async () => {
      const { items } = await client.list(Pod, { fieldSelector: `spec.nodeName=${name}` });
      return containersOf(items.filter(({ metadata }) => !metadata.deletionTimestamp));
    };
    const [oldBoot, old] = [await bootId(), new Set(await containers())];
    return async () => (await bootId()) !== oldBoot && (await containers()).every((id) => !old.has(id));
  }

  /** Whether one can speak to the API server from there. */
  async function reaches(machine: string): Promise<boolean> {
    const script = "kubectl --kubeconfig=/etc/kubernetes/kubelet.conf get --raw /readyz 2>/dev/null || curl -sk https://10.96.0.1/readyz";
    return (await labExec(world, machine, ["sh", "-c", script], { timeoutMilliseconds: 10_000 })).stdout.includes("ok");
  }

  async function waitUntil(limitSeconds: number, what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = world.clock.monotonic() + limitSeconds * 1_000;
    while (!(await holds())) {
      if (world.clock.monotonic() > deadline) throw new UserError(`waited ${limitSeconds} s for ${what} in vain`);
      await world.clock.sleep(scope, 200);
    }
  }
}
