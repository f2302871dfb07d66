// Every component by its upstream name, loaded when it is started and not before.
import type { Starters } from "#cli/command.ts";

export const starters: Starters = {
  components: {
    "kube-apiserver": async () => (await import("./processes/kube-apiserver.ts")).component,
    "kube-controller-manager": async () => (await import("#controllers/component.ts")).component,
    "kube-scheduler": async () => (await import("#scheduler/component.ts")).component,
    kubelet: async () => (await import("./processes/kubelet.ts")).component,
    "kube-proxy": async () => (await import("#proxy/component.ts")).component,
    "cluster-dns": async () => (await import("#dns/component.ts")).component,
    "metrics-server": async () => (await import("#metrics-server/component.ts")).component,
    hello: async () => (await import("#bootstrap/hello/hello.ts")).component,
  },
  storeTools: async () => (await import("./store-tools/store-tools.ts")).storeTools,
  singleProcess: async () => import("./single-process/single-process.ts"),
};
