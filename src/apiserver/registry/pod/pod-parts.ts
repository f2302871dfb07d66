// The parts of a running Pod that may still be changed, each under a name of its own.
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { PartSubresource } from "../resource.ts";

export const ephemeralContainers: PartSubresource<Pod> = {
  type: "part",
  merge: (current, sent) => {
    const { ephemeralContainers: containers } = sent.spec;
    const { ephemeralContainers: _, ...spec } = current.spec;
    return { ...current, spec: containers ? { ...spec, ephemeralContainers: containers } : spec };
  },
};

/** Resources of containers, and what should happen to a container when they change. */
export const resize: PartSubresource<Pod> = {
  type: "part",
  merge: (current, sent) => {
    const take = (containers: readonly Container[] | undefined, wanted: readonly Container[] | undefined) =>
      containers?.map((container) => {
        const other = wanted?.find(({ name }) => name === container.name);
        if (!other) return container;
        const { resizePolicy: _, ...kept } = container;
        return { ...kept, resources: other.resources, ...(other.resizePolicy && { resizePolicy: other.resizePolicy }) };
      });
    const containers = take(current.spec.containers, sent.spec.containers);
    const initContainers = take(current.spec.initContainers, sent.spec.initContainers);
    return { ...current, spec: { ...current.spec, ...(containers && { containers }), ...(initContainers && { initContainers }) } } as Pod;
  },
};
