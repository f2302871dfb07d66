// What requests for a Pod's logs and streams may say.
import { bool, int64, list, string, time } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

const typed = { apiVersion: string(0), kind: string(0) };

export const PodLogOptions = message(
  "PodLogOptions",
  {
    ...typed,
    container: string(1, { doc: "Which container; may be left out where there is only one." }),
    follow: bool(2, { doc: "Whether lines follow as they are written." }),
    previous: bool(3, { doc: "Whether to read the log of the run before." }),
    sinceSeconds: int64(4, { optional: true, doc: "Only lines of the last so many seconds." }),
    sinceTime: time(5, { optional: true, doc: "Only lines after this time." }),
    timestamps: bool(6, { doc: "Whether each line begins with its time." }),
    tailLines: int64(7, { optional: true, doc: "Only so many lines at the end." }),
    limitBytes: int64(8, { optional: true, doc: "At most so many bytes." }),
    insecureSkipTLSVerifyBackend: bool(9, { doc: "Whether the kubelet's certificate may be anything." }),
    stream: string(10, { optional: true, default: "All", enum: ["All", "Stdout", "Stderr"], doc: "Which of the container's streams." }),
  },
  { openapi: "io.k8s.api.core.v1.PodLogOptions" },
);
export interface PodLogOptions extends Infer<typeof PodLogOptions> {}

const streams = {
  stdin: bool(1, { doc: "Whether input is sent." }),
  stdout: bool(2, { doc: "Whether output is received." }),
  stderr: bool(3, { doc: "Whether error output is received." }),
  tty: bool(4, { doc: "Whether the process gets a terminal." }),
  container: string(5, { doc: "Which container; may be left out where there is only one." }),
};

export const PodAttachOptions = message("PodAttachOptions", { ...typed, ...streams }, { openapi: "io.k8s.api.core.v1.PodAttachOptions" });
export interface PodAttachOptions extends Infer<typeof PodAttachOptions> {}

export const PodExecOptions = message(
  "PodExecOptions",
  {
    ...typed,
    ...streams,
    command: list(6, "string", { always: true, list: "atomic", doc: "The command with its arguments; no shell reads it." }),
  },
  { openapi: "io.k8s.api.core.v1.PodExecOptions" },
);
export interface PodExecOptions extends Infer<typeof PodExecOptions> {}

export const PodPortForwardOptions = message(
  "PodPortForwardOptions",
  { ...typed, ports: list(1, "int32", { list: "atomic", doc: "The Pod's ports." }) },
  { openapi: "io.k8s.api.core.v1.PodPortForwardOptions" },
);
export interface PodPortForwardOptions extends Infer<typeof PodPortForwardOptions> {}

export const PodProxyOptions = message(
  "PodProxyOptions",
  { ...typed, path: string(1, { doc: "What is asked of the Pod." }) },
  { openapi: "io.k8s.api.core.v1.PodProxyOptions" },
);
export interface PodProxyOptions extends Infer<typeof PodProxyOptions> {}
