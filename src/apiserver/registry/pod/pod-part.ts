// Pods: bound, evicted, resized.
import { Pod } from "#api/core/pod/pod.ts";
import { resourcePart } from "../resource.ts";
import { binding } from "./binding.ts";
import { ephemeralContainers, resize } from "./pod-parts.ts";
import { eviction } from "./eviction.ts";

export const podPart = resourcePart<Pod>({
  kind: Pod,
  returnsDeleted: true,
  subresources: { binding, ephemeralcontainers: ephemeralContainers, eviction, resize },
});
