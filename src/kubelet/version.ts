/** The version of Kubernetes whose kubelet this is. */
export const kubeletVersion = "v1.36.0";
