// The page of the image keelson/hello: which Pod answers, where it runs, and what keeps it running.
import type { Component } from "#component/component.ts";
import { daemonValues } from "#component/daemon-flags.ts";
import type { Flag } from "#component/flags.ts";
import type { HttpResponse } from "#wire/http/message.ts";

const flags = [{ name: "port", type: "integer", default: 8080, doc: "Port to answer at." }] as const satisfies readonly Flag[];

export const component: Component = {
  name: "hello",
  doc: "A page that says which Pod it comes from.",
  flags,
  async start(scope, world, arguments_) {
    const values = daemonValues("hello", flags, arguments_, world.log);
    const { environment, version } = world.processes.self;
    const page = helloPage({ pod: world.network.hostname(), node: environment["KEELSON_NODE_NAME"] ?? "unknown", version });
    // By both families where the kernel has both.
    const host = (await world.files.stat("/proc/net/if_inet6")) ? "::" : "0.0.0.0";
    await world.network.serve(scope, { host, port: values.port }, async ({ method, path }) => {
      world.log.info("asked", { method, path });
      return path === "/healthz" ? text("ok\n") : text(page);
    });
    world.log.info("hello", { port: values.port });
  },
};

export function helloPage({ pod, node, version }: { pod: string; node: string; version: string }): string {
  return `Hello from Pod ${pod} on Node ${node}.

layer 4  this Pod         kept by the ReplicaSet above it and by the kubelet
layer 3  control plane    API server, controllers, scheduler: static Pods kept by the kubelet
layer 2  kubelet          kept by the supervisor
layer 1  supervisor       systemd, or Keelson's own

Keelson ${version}
`;
}

function text(body: string): HttpResponse {
  return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: new TextEncoder().encode(body) };
}
