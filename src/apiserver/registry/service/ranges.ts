// Where Services get their addresses and node ports from.
export interface ServiceRanges {
  /** "10.96.0.0/12"; or one of each family, the first of which Services have where they do not choose: "10.96.0.0/12,fd00:10:96::/108". */
  readonly clusterIps: string;
  /** First and last. */
  readonly nodePorts: { readonly first: number; readonly last: number };
}

export const defaultServiceRanges: ServiceRanges = { clusterIps: "10.96.0.0/12", nodePorts: { first: 30_000, last: 32_767 } };
