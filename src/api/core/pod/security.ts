import { bool, int64, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const AppArmorProfile = message(
  "AppArmorProfile",
  {
    type: string(1, { always: true, required: true, enum: ["Localhost", "RuntimeDefault", "Unconfined"] }),
    localhostProfile: string(2, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.AppArmorProfile", unions: [{ discriminator: "type", fields: { localhostProfile: "LocalhostProfile" } }] },
);
export interface AppArmorProfile extends Infer<typeof AppArmorProfile> {}

export const Capabilities = message(
  "Capabilities",
  {
    add: list(1, "string", { list: "atomic" }),
    drop: list(2, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.Capabilities" },
);
export interface Capabilities extends Infer<typeof Capabilities> {}

export const SELinuxOptions = message(
  "SELinuxOptions",
  {
    user: string(1),
    role: string(2),
    type: string(3),
    level: string(4),
  },
  { openapi: "io.k8s.api.core.v1.SELinuxOptions" },
);
export interface SELinuxOptions extends Infer<typeof SELinuxOptions> {}

export const SeccompProfile = message(
  "SeccompProfile",
  {
    type: string(1, { always: true, required: true, enum: ["Localhost", "RuntimeDefault", "Unconfined"] }),
    localhostProfile: string(2, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.SeccompProfile", unions: [{ discriminator: "type", fields: { localhostProfile: "LocalhostProfile" } }] },
);
export interface SeccompProfile extends Infer<typeof SeccompProfile> {}

export const WindowsSecurityContextOptions = message(
  "WindowsSecurityContextOptions",
  {
    gmsaCredentialSpecName: string(1, { optional: true }),
    gmsaCredentialSpec: string(2, { optional: true }),
    runAsUserName: string(3, { optional: true }),
    hostProcess: bool(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.WindowsSecurityContextOptions" },
);
export interface WindowsSecurityContextOptions extends Infer<typeof WindowsSecurityContextOptions> {}

export const SecurityContext = message(
  "SecurityContext",
  {
    capabilities: one(1, (): Type<Capabilities> => Capabilities, { optional: true }),
    privileged: bool(2, { optional: true }),
    seLinuxOptions: one(3, (): Type<SELinuxOptions> => SELinuxOptions, { optional: true }),
    runAsUser: int64(4, { optional: true }),
    runAsNonRoot: bool(5, { optional: true }),
    readOnlyRootFilesystem: bool(6, { optional: true }),
    allowPrivilegeEscalation: bool(7, { optional: true }),
    runAsGroup: int64(8, { optional: true }),
    procMount: string(9, { optional: true, enum: ["Default", "Unmasked"] }),
    windowsOptions: one(10, (): Type<WindowsSecurityContextOptions> => WindowsSecurityContextOptions, { optional: true }),
    seccompProfile: one(11, (): Type<SeccompProfile> => SeccompProfile, { optional: true }),
    appArmorProfile: one(12, (): Type<AppArmorProfile> => AppArmorProfile, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.SecurityContext" },
);
export interface SecurityContext extends Infer<typeof SecurityContext> {}

export const Sysctl = message(
  "Sysctl",
  {
    name: string(1, { always: true, required: true }),
    value: string(2, { always: true }),
  },
  { openapi: "io.k8s.api.core.v1.Sysctl" },
);
export interface Sysctl extends Infer<typeof Sysctl> {}

export const PodSecurityContext = message(
  "PodSecurityContext",
  {
    seLinuxOptions: one(1, (): Type<SELinuxOptions> => SELinuxOptions, { optional: true }),
    runAsUser: int64(2, { optional: true }),
    runAsNonRoot: bool(3, { optional: true }),
    supplementalGroups: list(4, "int64", { list: "atomic" }),
    fsGroup: int64(5, { optional: true }),
    runAsGroup: int64(6, { optional: true }),
    sysctls: list(7, (): Type<Sysctl> => Sysctl, { list: "atomic" }),
    windowsOptions: one(8, (): Type<WindowsSecurityContextOptions> => WindowsSecurityContextOptions, { optional: true }),
    fsGroupChangePolicy: string(9, { optional: true, enum: ["Always", "OnRootMismatch"] }),
    seccompProfile: one(10, (): Type<SeccompProfile> => SeccompProfile, { optional: true }),
    appArmorProfile: one(11, (): Type<AppArmorProfile> => AppArmorProfile, { optional: true }),
    supplementalGroupsPolicy: string(12, { optional: true, enum: ["Merge", "Strict"] }),
    seLinuxChangePolicy: string(13, { optional: true, enum: ["MountOption", "Recursive"] }),
  },
  { openapi: "io.k8s.api.core.v1.PodSecurityContext" },
);
export interface PodSecurityContext extends Infer<typeof PodSecurityContext> {}
