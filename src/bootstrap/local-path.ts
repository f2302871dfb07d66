// The default class of volumes: folders on the nodes' disks, made and taken away by Pods of the control plane's image.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { defaultClassAnnotation } from "#api/storage.k8s.io/storage-class/default-class.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import type { AddOn } from "./add-ons.ts";
import { dataFolder, nodeProgram } from "./layout.ts";
import type { ControlPlaneImage } from "./static-pods.ts";

const localPathFolder = `${dataFolder}/local-path`;

/** The class alone, where nothing has to be made on real disks. */
export const localPathClass = {
  kind: StorageClass,
  object: {
    metadata: { name: "local-path", annotations: { [defaultClassAnnotation]: "true" } },
    provisioner: "keelson.dev/local-path",
    volumeBindingMode: "WaitForFirstConsumer",
    reclaimPolicy: "Delete",
  },
} as const satisfies AddOn;

export function localPathAddOns(image: ControlPlaneImage): readonly AddOn[] {
  const node = (script: string) =>
    [nodeProgram, "-e", `const fs = require("fs"), folder = process.env.VOLUME_FOLDER; ${script}`].join("\n");
  return [
    {
      kind: ConfigMap,
      object: {
        metadata: { name: "local-path-config", namespace: "kube-system" },
        data: {
          folder: localPathFolder,
          image: image.name,
          setup: node("fs.mkdirSync(folder, { recursive: true }); fs.chmodSync(folder, 0o777);"),
          teardown: node("fs.rmSync(folder, { recursive: true, force: true });"),
        },
      },
    },
    localPathClass,
  ];
}
