// How volumes and claims say the way they are mounted, and the class they belong to.

export const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"] as const;
export const betaStorageClassAnnotation = "volume.beta.kubernetes.io/storage-class";

const shortModes: readonly (readonly [mode: string, short: string])[] = [
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
];

/** "RWO,ROX". */
export function accessModesText(modes: readonly string[] = []): string {
  return shortModes
    .filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(",");
}

interface Classed {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined };
  readonly spec: { readonly storageClassName?: string | undefined };
}

/** "" when it belongs to none. */
export function storageClassOf({ metadata, spec }: Classed): string {
  return metadata.annotations?.[betaStorageClassAnnotation] ?? spec.storageClassName ?? "";
}
