import { bool, int64, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const AppArmorProfile = message(
  "AppArmorProfile",
  {
    type: string(1, {
      always: true,
      required: true,
      enum: ["Localhost", "RuntimeDefault", "Unconfined"],
      doc: "Localhost, RuntimeDefault or Unconfined.",
    }),
    localhostProfile: string(2, { optional: true, doc: "Name of a profile on the Node." }),
  },
  { openapi: "io.k8s.api.core.v1.AppArmorProfile", unions: [{ discriminator: "type", fields: { localhostProfile: "LocalhostProfile" } }] },
);
export interface AppArmorProfile extends Infer<typeof AppArmorProfile> {}

export const Capabilities = message(
  "Capabilities",
  {
    add: list(1, "string", { list: "atomic", doc: "Rights to give." }),
    drop: list(2, "string", { list: "atomic", doc: "Rights to take away." }),
  },
  { openapi: "io.k8s.api.core.v1.Capabilities" },
);
export interface Capabilities extends Infer<typeof Capabilities> {}

export const SELinuxOptions = message(
  "SELinuxOptions",
  {
    user: string(1, { doc: "SELinux user." }),
    role: string(2, { doc: "SELinux role." }),
    type: string(3, { doc: "SELinux type." }),
    level: string(4, { doc: "SELinux level." }),
  },
  { openapi: "io.k8s.api.core.v1.SELinuxOptions" },
);
export interface SELinuxOptions extends Infer<typeof SELinuxOptions> {}

export const SeccompProfile = message(
  "SeccompProfile",
  {
    type: string(1, {
      always: true,
      required: true,
      enum: ["Localhost", "RuntimeDefault", "Unconfined"],
      doc: "Localhost, RuntimeDefault or Unconfined.",
    }),
    localhostProfile: string(2, { optional: true, doc: "File with the profile on the Node." }),
  },
  { openapi: "io.k8s.api.core.v1.SeccompProfile", unions: [{ discriminator: "type", fields: { localhostProfile: "LocalhostProfile" } }] },
);
export interface SeccompProfile extends Infer<typeof SeccompProfile> {}

export const WindowsSecurityContextOptions = message(
  "WindowsSecurityContextOptions",
  {
    gmsaCredentialSpecName: string(1, { optional: true, doc: "Name of the GMSA credential to use." }),
    gmsaCredentialSpec: string(2, { optional: true, doc: "The GMSA credential itself." }),
    runAsUserName: string(3, { optional: true, doc: "User of the first process." }),
    hostProcess: bool(4, { optional: true, doc: "Whether it runs as a process of the host." }),
  },
  { openapi: "io.k8s.api.core.v1.WindowsSecurityContextOptions" },
);
export interface WindowsSecurityContextOptions extends Infer<typeof WindowsSecurityContextOptions> {}

export const SecurityContext = message(
  "SecurityContext",
  {
    capabilities: one(1, (): Type<Capabilities> => Capabilities, { optional: true, doc: "Rights to give or take away." }),
    privileged: bool(2, { optional: true, doc: "Whether the container may do all that root may on the Node." }),
    seLinuxOptions: one(3, (): Type<SELinuxOptions> => SELinuxOptions, { optional: true, doc: "SELinux context." }),
    runAsUser: int64(4, { optional: true, doc: "User id of the first process." }),
    runAsNonRoot: bool(5, { optional: true, doc: "Whether running as root is refused." }),
    readOnlyRootFilesystem: bool(6, { optional: true, doc: "Whether the root file system is read-only." }),
    allowPrivilegeEscalation: bool(7, { optional: true, doc: "Whether a process may gain more rights than its parent." }),
    runAsGroup: int64(8, { optional: true, doc: "Group id of the first process." }),
    procMount: string(9, { optional: true, enum: ["Default", "Unmasked"], doc: "How /proc is mounted." }),
    windowsOptions: one(10, (): Type<WindowsSecurityContextOptions> => WindowsSecurityContextOptions, {
      optional: true,
      doc: "Settings for Windows.",
    }),
    seccompProfile: one(11, (): Type<SeccompProfile> => SeccompProfile, { optional: true, doc: "Which system calls are allowed." }),
    appArmorProfile: one(12, (): Type<AppArmorProfile> => AppArmorProfile, { optional: true, doc: "Which AppArmor profile confines it." }),
  },
  { openapi: "io.k8s.api.core.v1.SecurityContext" },
);
export interface SecurityContext extends Infer<typeof SecurityContext> {}

export const Sysctl = message(
  "Sysctl",
  {
    name: string(1, { always: true, required: true, doc: "Name of the kernel parameter." }),
    value: string(2, { always: true, doc: "Its value." }),
  },
  { openapi: "io.k8s.api.core.v1.Sysctl" },
);
export interface Sysctl extends Infer<typeof Sysctl> {}

export const PodSecurityContext = message(
  "PodSecurityContext",
  {
    seLinuxOptions: one(1, (): Type<SELinuxOptions> => SELinuxOptions, { optional: true, doc: "SELinux context." }),
    runAsUser: int64(2, { optional: true, doc: "User id of the first processes." }),
    runAsNonRoot: bool(3, { optional: true, doc: "Whether running as root is refused." }),
    supplementalGroups: list(4, "int64", { list: "atomic", doc: "Further group ids." }),
    fsGroup: int64(5, { optional: true, doc: "Group that owns the volumes." }),
    runAsGroup: int64(6, { optional: true, doc: "Group id of the first processes." }),
    sysctls: list(7, (): Type<Sysctl> => Sysctl, { list: "atomic", doc: "Kernel parameters of the Pod." }),
    windowsOptions: one(8, (): Type<WindowsSecurityContextOptions> => WindowsSecurityContextOptions, {
      optional: true,
      doc: "Settings for Windows.",
    }),
    fsGroupChangePolicy: string(9, {
      optional: true,
      enum: ["Always", "OnRootMismatch"],
      doc: "Whether ownership of volumes is always set, or only when it is wrong.",
    }),
    seccompProfile: one(10, (): Type<SeccompProfile> => SeccompProfile, { optional: true, doc: "Which system calls are allowed." }),
    appArmorProfile: one(11, (): Type<AppArmorProfile> => AppArmorProfile, {
      optional: true,
      doc: "Which AppArmor profile confines the containers.",
    }),
    supplementalGroupsPolicy: string(12, { optional: true, enum: ["Merge", "Strict"], doc: "Whether groups of the image count too." }),
    seLinuxChangePolicy: string(13, { optional: true, enum: ["MountOption", "Recursive"], doc: "How volumes get their SELinux label." }),
  },
  { openapi: "io.k8s.api.core.v1.PodSecurityContext" },
);
export interface PodSecurityContext extends Infer<typeof PodSecurityContext> {}
