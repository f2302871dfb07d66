import { int32, int64, intOrString, list, one, string } from "#schema/field.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";

export const ExecAction = message(
  "ExecAction",
  {
    command: list(1, "string", { list: "atomic", doc: "Program and arguments; no shell reads them." }),
  },
  { openapi: "io.k8s.api.core.v1.ExecAction" },
);
export interface ExecAction extends Infer<typeof ExecAction> {}

export const HTTPHeader = message(
  "HTTPHeader",
  {
    name: string(1, { always: true, required: true, doc: "Name of the header." }),
    value: string(2, { always: true, doc: "Its value." }),
  },
  { openapi: "io.k8s.api.core.v1.HTTPHeader" },
);
export interface HTTPHeader extends Infer<typeof HTTPHeader> {}

export const HTTPGetAction = message(
  "HTTPGetAction",
  {
    path: string(1, { default: "/", doc: "Path that is asked for." }),
    port: intOrString(2, { always: true, required: true, doc: "Port by number or name." }),
    host: string(3, { doc: "Host that is asked; the Pod itself when empty." }),
    scheme: string(4, { default: "HTTP", enum: ["HTTP", "HTTPS"], doc: "HTTP or HTTPS." }),
    httpHeaders: list(5, (): Type<HTTPHeader> => HTTPHeader, { list: "atomic", doc: "Headers that are sent." }),
  },
  { openapi: "io.k8s.api.core.v1.HTTPGetAction" },
);
export interface HTTPGetAction extends Infer<typeof HTTPGetAction> {}

export const SleepAction = message(
  "SleepAction",
  {
    seconds: int64(1, { always: true, required: true, doc: "How long to wait." }),
  },
  { openapi: "io.k8s.api.core.v1.SleepAction" },
);
export interface SleepAction extends Infer<typeof SleepAction> {}

export const TCPSocketAction = message(
  "TCPSocketAction",
  {
    port: intOrString(1, { always: true, required: true, doc: "Port by number or name." }),
    host: string(2, { doc: "Host that is asked; the Pod itself when empty." }),
  },
  { openapi: "io.k8s.api.core.v1.TCPSocketAction" },
);
export interface TCPSocketAction extends Infer<typeof TCPSocketAction> {}

export const LifecycleHandler = message(
  "LifecycleHandler",
  {
    exec: one(1, (): Type<ExecAction> => ExecAction, { optional: true, doc: "Runs a program in the container." }),
    httpGet: one(2, (): Type<HTTPGetAction> => HTTPGetAction, { optional: true, doc: "Sends an HTTP request." }),
    tcpSocket: one(3, (): Type<TCPSocketAction> => TCPSocketAction, { optional: true, doc: "No longer does anything." }),
    sleep: one(4, (): Type<SleepAction> => SleepAction, { optional: true, doc: "Waits." }),
  },
  { openapi: "io.k8s.api.core.v1.LifecycleHandler" },
);
export interface LifecycleHandler extends Infer<typeof LifecycleHandler> {}

export const Lifecycle = message(
  "Lifecycle",
  {
    postStart: one(1, (): Type<LifecycleHandler> => LifecycleHandler, {
      optional: true,
      doc: "Done right after the container was created.",
    }),
    preStop: one(2, (): Type<LifecycleHandler> => LifecycleHandler, { optional: true, doc: "Done before the container is asked to end." }),
    stopSignal: string(3, { optional: true, doc: "Signal that asks the container to end." }),
  },
  { openapi: "io.k8s.api.core.v1.Lifecycle" },
);
export interface Lifecycle extends Infer<typeof Lifecycle> {}

export const GRPCAction = message(
  "GRPCAction",
  {
    port: int32(1, { always: true, required: true, doc: "Number of the port." }),
    service: string(2, { optional: true, always: true, default: "", doc: "Service named in the health check." }),
  },
  { openapi: "io.k8s.api.core.v1.GRPCAction" },
);
export interface GRPCAction extends Infer<typeof GRPCAction> {}

export const Probe = message(
  "Probe",
  {
    ...embedded(1, {
      exec: one(1, (): Type<ExecAction> => ExecAction, { optional: true, doc: "Runs a program; 0 is good." }),
      httpGet: one(2, (): Type<HTTPGetAction> => HTTPGetAction, { optional: true, doc: "Sends an HTTP request; 200 to 399 is good." }),
      tcpSocket: one(3, (): Type<TCPSocketAction> => TCPSocketAction, {
        optional: true,
        doc: "Opens a connection; that it opens is good.",
      }),
      grpc: one(4, (): Type<GRPCAction> => GRPCAction, { optional: true, doc: "Asks the gRPC health service." }),
    }),
    initialDelaySeconds: int32(2, { min: 0, doc: "Seconds between the container's start and the first probe." }),
    timeoutSeconds: int32(3, { default: 1, min: 0, doc: "Seconds a probe may take." }),
    periodSeconds: int32(4, { default: 10, min: 0, doc: "Seconds between probes." }),
    successThreshold: int32(5, { default: 1, min: 0, doc: "How many good answers in a row count after a bad one." }),
    failureThreshold: int32(6, { default: 3, min: 0, doc: "How many bad answers in a row count." }),
    terminationGracePeriodSeconds: int64(7, { optional: true, doc: "Seconds the container may take to end after this probe failed." }),
  },
  { openapi: "io.k8s.api.core.v1.Probe" },
);
export interface Probe extends Infer<typeof Probe> {}
