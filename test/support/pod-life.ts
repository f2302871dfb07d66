// Makes Pods on a lab node and looks at them the way their users do, through kubectl.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "#api/core/event/event.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { eventually } from "./lab-machine.ts";
import type { LabNode } from "./lab-node.ts";

export interface PodLife {
  manifest(name: string, spec: object): object;
  /** All at once, by name: specs. */
  create(specs: Readonly<Record<string, object>>): Promise<void>;
  pod(name: string): Promise<Pod>;
  until(name: string, what: string, holds: (pod: Pod) => unknown, seconds?: number): Promise<Pod>;
  ready(name: string): Promise<Pod>;
  condition(pod: Pod, type: string): NonNullable<Pod["status"]["conditions"]>[number] | undefined;
  /** The third column of `kubectl get pods`. */
  shown(name: string): Promise<string | undefined>;
  sh(name: string, text: string): Promise<string>;
  events(name: string): Promise<readonly Event[]>;
  /** Waits for an event about the Pod. */
  event(name: string, reason: string, message: RegExp): Promise<Event>;
  addEphemeral(name: string, container: object): Promise<void>;
  /** Sets the ephemeral containers; what the server says to it. */
  tryEphemeral(name: string, containers: readonly object[], namespace?: string): Promise<string>;
  seconds(act: () => Promise<unknown>): Promise<number>;
  /** Waits long enough for whatever should not happen. */
  settle(): Promise<void>;
  restartKubelet(): Promise<void>;
}

const settleMilliseconds = 1_500;

export function lifeOf({ kubectl, tryKubectl, machine }: LabNode): PodLife {
  const life: PodLife = {
    manifest: (name, spec) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: { app: name } },
      spec: { terminationGracePeriodSeconds: 1, ...spec },
    }),
    async create(specs) {
      const items = Object.entries(specs).map(([name, spec]) => life.manifest(name, spec));
      await kubectl("create -f -", { input: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
    },
    pod: async (name) => completed(JSON.parse(await kubectl(`get pod ${name} -o json`))),
    async until(name, what, holds, seconds = 60) {
      let last: Pod | undefined;
      try {
        return await eventually(`Pod ${name}: ${what}`, seconds, async () => {
          last = await life.pod(name);
          return holds(last) ? last : undefined;
        });
      } catch (error) {
        throw new Error(`${(error as Error).message}\n${JSON.stringify(last?.status, null, 2)}`, { cause: error });
      }
    },
    ready: (name) => life.until(name, "it is ready", (pod) => life.condition(pod, "Ready")?.status === "True"),
    condition: (pod, type) => pod.status.conditions?.find((one) => one.type === type),
    shown: async (name) => (await kubectl(`get pod ${name} --no-headers`)).split(/ {2,}/)[2],
    sh: (name, text) => kubectl(["exec", name, "-c", "main", "--", "sh", "-c", text]),
    events: async (name) => JSON.parse(await kubectl(`get events --field-selector involvedObject.name=${name} -o json`)).items,
    event: (name, reason, message) =>
      eventually(`the event ${reason} of ${name}`, 30, async () =>
        (await life.events(name)).find((event) => event.reason === reason && message.test(event.message ?? "")),
      ),
    async addEphemeral(name, container) {
      const said = await life.tryEphemeral(name, [...((await life.pod(name)).spec.ephemeralContainers ?? []), container]);
      assert.equal(said, "");
    },
    async tryEphemeral(name, containers, namespace = "default") {
      const pod = JSON.parse(await kubectl(`get pod ${name} -n ${namespace} -o json`));
      const body = JSON.stringify({ ...pod, spec: { ...pod.spec, ephemeralContainers: containers } });
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/ephemeralcontainers`;
      const { code, stderr } = await tryKubectl(`replace --raw ${path} -f -`, { input: body });
      return code === 0 ? "" : stderr;
    },
    async seconds(act) {
      const started = performance.now();
      await act();
      return (performance.now() - started) / 1_000;
    },
    settle: () => sleep(settleMilliseconds),
    async restartKubelet() {
      const pid = () =>
        machine.sh(`for folder in /proc/[0-9]*; do
  case "$(tr '\\0' ' ' <$folder/cmdline 2>/dev/null)" in *[k]eelson.js' kubelet '*) basename $folder;; esac
done`);
      const before = await pid();
      assert.match(before, /^\d+$/);
      await machine.sh(`kill -9 ${before}`);
      await eventually("the kubelet is back", 60, async () => {
        const now = await pid();
        if (!/^\d+$/.test(now) || now === before) return undefined;
        const { stdout } = await machine.run(["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "https://127.0.0.1:10250/pods"]);
        return stdout === "401" ? true : undefined;
      });
    },
  };
  return life;
}

/** As our own decoded Pods: what is always there is there. */
function completed(pod: Pod): Pod {
  return { ...pod, status: pod.status ?? {} };
}
