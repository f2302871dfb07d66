// The Pods that work in a Node's folders, and the settings they are made from: ConfigMap kube-system/local-path-config.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import type { Related } from "../controller.ts";

export const provisionerName = "keelson.dev/local-path";
const system = "kube-system";
const configName = "local-path-config";
const helperLabel = "keelson.dev/local-path-helper";
const volumesLabel = "keelson.dev/local-path-volume";

export type Task = "setup" | "teardown";

export interface LocalPathSettings {
  /** The folder of each Node in which volumes are made. */
  readonly folder: string;
  /** Absent: nobody makes the folders, the kubelet does when it first mounts one. */
  readonly image: string | undefined;
  readonly commands: Readonly<Record<Task, readonly string[]>>;
}

const defaultFolder = "/var/lib/keelson/local-path";

export function settingsFrom(config: ConfigMap | undefined): LocalPathSettings {
  const { folder = defaultFolder, image, setup = "", teardown = "" } = config?.data ?? {};
  const words = (text: string) => text.split("\n").filter((word) => word !== "");
  return { folder, image: image || undefined, commands: { setup: words(setup), teardown: words(teardown) } };
}

export function theSettings<T extends KubernetesObject>(): Related<T, ConfigMap> {
  return {
    kind: ConfigMap,
    find: (_, maps) => [maps.get(`${system}/${configName}`)].filter((one) => one !== undefined),
    wakes: ({ object: { metadata } }, own) =>
      metadata.namespace === system && metadata.name === configName
        ? own.list().map((one) => (one.metadata.namespace ? `${one.metadata.namespace}/${one.metadata.name}` : one.metadata.name))
        : [],
  };
}

/** The helpers at work for the volume that `volumeOf` names; `wakes` says whom a helper's end concerns. */
export function itsHelpers<T extends KubernetesObject>(
  volumeOf: (object: T) => string,
  ownKey: (pod: Pod) => readonly string[],
): Related<T, Pod> {
  return {
    kind: Pod,
    prepare: (pods) =>
      pods.addIndex(volumesLabel, ({ metadata: { namespace, labels } }) =>
        namespace === system && labels?.[volumesLabel] ? [labels[volumesLabel]] : [],
      ),
    find: (object, pods) => pods.byIndex(volumesLabel, volumeOf(object)),
    wakes: ({ object }) => (object.metadata.labels?.[volumesLabel] ? ownKey(object) : []),
  };
}

export const claimAnnotation = "keelson.dev/local-path-claim";

/** "" for Pods of others, whatever labels they gave themselves: who may make Pods elsewhere must not have folders of Nodes removed. */
export function volumeNameOf({ metadata: { namespace, labels } }: Pod): string {
  return namespace === system ? (labels?.[volumesLabel] ?? "") : "";
}

export function isDoing(pod: Pod, task: Task): boolean {
  return pod.metadata.labels?.[helperLabel] === task;
}

export interface HelperNeeds {
  readonly task: Task;
  readonly volume: string;
  /** The folder to work on: one of `parent`. */
  readonly path: string;
  readonly node: string;
  readonly settings: LocalPathSettings;
  /** The claim it is for, "namespace/name". */
  readonly claim: string;
}

/** Sees the folder in which volumes are, and nothing else of the Node. */
export function helperPod({ task, volume, path, node, settings, claim }: HelperNeeds): Draft<Pod> {
  const parent = path.slice(0, path.lastIndexOf("/"));
  return {
    metadata: {
      name: `helper-pod-${task === "setup" ? "create" : "delete"}-${volume}`,
      namespace: system,
      labels: { [helperLabel]: task, [volumesLabel]: volume },
      annotations: { [claimAnnotation]: claim },
    },
    spec: {
      nodeName: node,
      restartPolicy: "Never",
      priorityClassName: "system-node-critical",
      tolerations: [{ operator: "Exists" }],
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      hostNetwork: true,
      terminationGracePeriodSeconds: 0,
      activeDeadlineSeconds: 120,
      containers: [
        {
          name: "helper",
          image: settings.image ?? "",
          imagePullPolicy: "IfNotPresent",
          command: settings.commands[task],
          env: [{ name: "VOLUME_FOLDER", value: path }],
          volumeMounts: [{ name: "data", mountPath: parent }],
        },
      ],
      volumes: [{ name: "data", hostPath: { path: parent, type: "DirectoryOrCreate" } }],
    },
  } as Draft<Pod>;
}
