// kubelet as a daemon, with the registry of the installation's images beside it: whoever asks for images is there exactly as long.
import { serveImages } from "#bootstrap/images/registry.ts";
import { imagesFolder } from "#bootstrap/layout.ts";
import type { Component } from "#component/component.ts";
import { component as kubelet } from "#kubelet/component.ts";

export const component: Component = {
  ...kubelet,
  async start(scope, world, arguments_) {
    if (await world.files.stat(imagesFolder)) serveImages(scope, world);
    await kubelet.start(scope, world, arguments_);
  },
};
