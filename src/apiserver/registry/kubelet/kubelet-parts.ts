// What the API server serves by way of kubelets, and what it hands on to Pods and Services.
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Service } from "#api/core/service/service.ts";
import type { World } from "#platform/world.ts";
import type { Authorizer } from "../../authorization/authorizer.ts";
import { type ResourcePart, resourcePart } from "../resource.ts";
import { type KubeletAccess, Kubelets } from "./kubelet-connection.ts";
import { podLog } from "./pod-log.ts";
import { podStream } from "./pod-streams.ts";
import { nodeProxy, podProxy, serviceProxy } from "./proxy.ts";

export function kubeletParts(world: Pick<World, "network">, access: KubeletAccess, authorizer: Authorizer): readonly ResourcePart[] {
  const kubelets = new Kubelets(world, access);
  return [
    resourcePart({
      kind: Pod,
      subresources: {
        log: podLog(kubelets),
        exec: podStream("exec", kubelets, authorizer),
        attach: podStream("attach", kubelets, authorizer),
        portforward: podStream("portforward", kubelets, authorizer),
        proxy: podProxy,
      },
    }),
    resourcePart({ kind: Node, subresources: { proxy: nodeProxy(kubelets, authorizer) } }),
    resourcePart({ kind: Service, subresources: { proxy: serviceProxy } }),
  ];
}
