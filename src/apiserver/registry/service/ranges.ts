// From which numbers Services get theirs.
export interface ServiceRanges {
  /** "10.96.0.0/12" */
  readonly clusterIps: string;
  /** First and last. */
  readonly nodePorts: { readonly first: number; readonly last: number };
}

export const defaultServiceRanges: ServiceRanges = { clusterIps: "10.96.0.0/12", nodePorts: { first: 30_000, last: 32_767 } };
