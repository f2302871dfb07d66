import { int32, int64, intOrString, list, one, string } from "#schema/field.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";

export const ExecAction = message(
  "ExecAction",
  {
    command: list(1, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.ExecAction" },
);
export interface ExecAction extends Infer<typeof ExecAction> {}

export const HTTPHeader = message(
  "HTTPHeader",
  {
    name: string(1, { always: true, required: true }),
    value: string(2, { always: true }),
  },
  { openapi: "io.k8s.api.core.v1.HTTPHeader" },
);
export interface HTTPHeader extends Infer<typeof HTTPHeader> {}

export const HTTPGetAction = message(
  "HTTPGetAction",
  {
    path: string(1, { default: "/" }),
    port: intOrString(2, { always: true, required: true }),
    host: string(3),
    scheme: string(4, { default: "HTTP", enum: ["HTTP", "HTTPS"] }),
    httpHeaders: list(5, (): Type<HTTPHeader> => HTTPHeader, { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.HTTPGetAction" },
);
export interface HTTPGetAction extends Infer<typeof HTTPGetAction> {}

export const SleepAction = message(
  "SleepAction",
  {
    seconds: int64(1, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.SleepAction" },
);
export interface SleepAction extends Infer<typeof SleepAction> {}

export const TCPSocketAction = message(
  "TCPSocketAction",
  {
    port: intOrString(1, { always: true, required: true }),
    host: string(2),
  },
  { openapi: "io.k8s.api.core.v1.TCPSocketAction" },
);
export interface TCPSocketAction extends Infer<typeof TCPSocketAction> {}

export const LifecycleHandler = message(
  "LifecycleHandler",
  {
    exec: one(1, (): Type<ExecAction> => ExecAction, { optional: true }),
    httpGet: one(2, (): Type<HTTPGetAction> => HTTPGetAction, { optional: true }),
    tcpSocket: one(3, (): Type<TCPSocketAction> => TCPSocketAction, { optional: true }),
    sleep: one(4, (): Type<SleepAction> => SleepAction, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.LifecycleHandler" },
);
export interface LifecycleHandler extends Infer<typeof LifecycleHandler> {}

export const Lifecycle = message(
  "Lifecycle",
  {
    postStart: one(1, (): Type<LifecycleHandler> => LifecycleHandler, { optional: true }),
    preStop: one(2, (): Type<LifecycleHandler> => LifecycleHandler, { optional: true }),
    stopSignal: string(3, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.Lifecycle" },
);
export interface Lifecycle extends Infer<typeof Lifecycle> {}

export const GRPCAction = message(
  "GRPCAction",
  {
    port: int32(1, { always: true, required: true }),
    service: string(2, { optional: true, always: true, default: "" }),
  },
  { openapi: "io.k8s.api.core.v1.GRPCAction" },
);
export interface GRPCAction extends Infer<typeof GRPCAction> {}

export const Probe = message(
  "Probe",
  {
    ...embedded(1, {
      exec: one(1, (): Type<ExecAction> => ExecAction, { optional: true }),
      httpGet: one(2, (): Type<HTTPGetAction> => HTTPGetAction, { optional: true }),
      tcpSocket: one(3, (): Type<TCPSocketAction> => TCPSocketAction, { optional: true }),
      grpc: one(4, (): Type<GRPCAction> => GRPCAction, { optional: true }),
    }),
    initialDelaySeconds: int32(2, { min: 0 }),
    timeoutSeconds: int32(3, { default: 1, min: 0 }),
    periodSeconds: int32(4, { default: 10, min: 0 }),
    successThreshold: int32(5, { default: 1, min: 0 }),
    failureThreshold: int32(6, { default: 3, min: 0 }),
    terminationGracePeriodSeconds: int64(7, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.Probe" },
);
export interface Probe extends Infer<typeof Probe> {}
