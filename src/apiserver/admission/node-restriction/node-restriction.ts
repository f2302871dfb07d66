// What a kubelet may write, beyond which kinds: its own Node, its own Pods, its own lease.
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import type { TokenRequest } from "#api/authentication.k8s.io/token-request/token-request.ts";
import type { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import type { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import { Node } from "#api/core/node/node.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { StatusError } from "#api/meta/status-error.ts";
import { CSIDriver } from "#api/storage.k8s.io/csi-driver/csi-driver.ts";
import { decodeBase64 } from "#base/base64.ts";
import { CryptoError } from "#platform/crypto.ts";
import { sameJson } from "#schema/derive/json-objects.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { nodeNameOf, nodeUserPrefix } from "../../authorization/node/node-identity.ts";
import { references } from "../../authorization/node/pod-references.ts";
import { forbidden } from "../../registry/errors.ts";
import { lookUp } from "../newest.ts";
import { type AdmissionNeeds, admissionPlugin, type AdmissionRequest } from "../plugin.ts";
import { forbiddenLabels } from "./node-labels.ts";

const mirrorAnnotation = "kubernetes.io/config.mirror";
const leaseNamespace = "kube-node-lease";
const kubeletSigners: ReadonlySet<string> = new Set(["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"]);

export const nodeRestriction = admissionPlugin({
  name: "NodeRestriction",
  operations: ["CREATE", "UPDATE", "DELETE"],
  resources: [
    "pods",
    "nodes",
    "persistentvolumeclaims",
    "serviceaccounts",
    "coordination.k8s.io/leases",
    "certificates.k8s.io/certificatesigningrequests",
    "storage.k8s.io/csinodes",
  ],
  async validate(request, needs) {
    const node = nodeNameOf(request.user);
    if (node === undefined) return;
    if (node === "") throw refuse(request, `could not determine node from user ${quoted(request.user.name)}`);
    switch (request.resource) {
      case "pods":
        return checkPod(request, node, needs);
      case "nodes":
        return checkNode(request, node);
      case "serviceaccounts":
        return checkToken(request, node, needs);
      case "persistentvolumeclaims":
        return checkClaim(request, node);
      case "leases":
        return checkLease(request, node);
      case "csinodes":
        return checkCsiNode(request, node);
      case "certificatesigningrequests":
        return checkSigningRequest(request, node, needs);
    }
  },
});

const quoted = (text: string) => JSON.stringify(text);

function refuse({ kind, name }: AdmissionRequest, why: string): StatusError {
  return forbidden(kind, name, why);
}

async function checkPod(request: AdmissionRequest, node: string, needs: AdmissionNeeds): Promise<void> {
  const { operation, subresource, namespace, name } = request;
  switch (subresource) {
    case "":
      if (operation === "CREATE") return checkMirrorPod(request, node, needs);
      if (operation === "DELETE") {
        const pod = (request.old as Pod | undefined) ?? (await lookUp(needs, Pod, namespace, name));
        if (pod && pod.spec.nodeName !== node)
          throw refuse(request, `node ${quoted(node)} can only delete pods with spec.nodeName set to itself`);
        return;
      }
      throw refuse(request, `unexpected operation ${quoted(operation)}, node ${quoted(node)} can only create and delete mirror pods`);
    case "status": {
      const old = request.old as Pod;
      const next = request.object as Pod;
      if (old.spec.nodeName !== node) {
        throw refuse(request, `node ${quoted(node)} can only update pod status for pods with spec.nodeName set to itself`);
      }
      if (!sameJson(old.metadata.labels ?? {}, next.metadata.labels ?? {})) {
        throw refuse(request, `node ${quoted(node)} cannot update labels through pod status`);
      }
      return;
    }
    case "eviction": {
      const pod = await lookUp(needs, Pod, namespace, name);
      if (pod && pod.spec.nodeName !== node) throw refuse(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
      return;
    }
    default:
      throw refuse(request, `unexpected pod subresource ${quoted(subresource)}, only "status" and "eviction" are allowed`);
  }
}

async function checkMirrorPod(request: AdmissionRequest, node: string, needs: AdmissionNeeds): Promise<void> {
  const pod = request.object as Pod;
  const { metadata, spec } = pod;
  if (!Object.hasOwn(metadata.annotations ?? {}, mirrorAnnotation)) {
    throw refuse(request, `pod does not have ${quoted(mirrorAnnotation)} annotation, node ${quoted(node)} can only create mirror pods`);
  }
  if (spec.nodeName !== node) throw refuse(request, `node ${quoted(node)} can only create pods with spec.nodeName set to itself`);
  const [owner, ...others] = metadata.ownerReferences ?? [];
  if (others.length > 0) {
    throw refuse(request, `node ${quoted(node)} can only create pods with a single owner reference set to itself`);
  }
  if (!owner) throw refuse(request, `node ${quoted(node)} can only create pods with an owner reference set to itself`);
  const own = owner.apiVersion === "v1" && owner.kind === "Node" && owner.name === node;
  if (!own) throw refuse(request, `node ${quoted(node)} can only create pods with an owner reference set to itself`);
  if (!owner.controller) throw refuse(request, `node ${quoted(node)} can only create pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion) throw refuse(request, `node ${quoted(node)} must not set blockOwnerDeletion on an owner reference`);
  const object = await lookUp(needs, Node, "", node);
  if (object?.metadata.uid !== owner.uid) {
    throw refuse(request, `node ${quoted(node)} UID mismatch: expected ${owner.uid} got ${object?.metadata.uid ?? ""}`);
  }
  if (spec.serviceAccountName) throw refuse(request, `node ${quoted(node)} can not create pods that reference a service account`);
  for (const resource of ["secrets", "configmaps", "persistentvolumeclaims"] as const) {
    if ([...references(pod, resource)].some(Boolean))
      throw refuse(request, `node ${quoted(node)} can not create pods that reference ${resource}`);
  }
}

function checkNode(request: AdmissionRequest, node: string): void {
  const { operation, name } = request;
  const next = request.object as Node | undefined;
  const old = request.old as Node | undefined;
  const requested = name || next?.metadata.name || "";
  if (requested !== node) throw refuse(request, `node ${quoted(node)} is not allowed to modify node ${quoted(requested)}`);
  if (operation === "DELETE" || !next) return;
  const before = old?.metadata.labels ?? {};
  const labels = forbiddenLabels(before, next.metadata.labels ?? {});
  if (!old) {
    if (next.spec.configSource) throw refuse(request, `node ${quoted(node)} is not allowed to create pods with a non-nil configSource`);
    if (labels.length > 0) throw refuse(request, `node ${quoted(node)} is not allowed to set the following labels: ${labels.join(", ")}`);
    return;
  }
  if (next.spec.configSource && !sameJson(next.spec.configSource, old.spec.configSource)) {
    throw refuse(request, `node ${quoted(node)} is not allowed to update configSource to a new non-nil configSource`);
  }
  if (!sameJson(next.spec.taints ?? [], old.spec.taints ?? []))
    throw refuse(request, `node ${quoted(node)} is not allowed to modify taints`);
  if (labels.length > 0) throw refuse(request, `is not allowed to modify labels: ${labels.join(", ")}`);
  if (!sameJson(next.metadata.ownerReferences ?? [], old.metadata.ownerReferences ?? [])) {
    throw refuse(request, `node ${quoted(node)} is not allowed to modify ownerReferences`);
  }
}

async function checkToken(request: AdmissionRequest, node: string, needs: AdmissionNeeds): Promise<void> {
  const { subresource, operation, namespace } = request;
  if (subresource !== "token" || operation !== "CREATE") return;
  const { spec } = request.object as TokenRequest;
  const { kind, apiVersion, name = "", uid = "" } = spec.boundObjectRef ?? {};
  const refuseToken = (why: string) => forbidden(ServiceAccount, request.name, why);
  if (kind !== "Pod" || apiVersion !== "v1" || name === "") throw refuseToken("node requested token not bound to a pod");
  if (uid === "") throw refuseToken("node requested token with a pod binding without a uid");
  const pod = await lookUp(needs, Pod, namespace, name);
  if (!pod) throw refuseToken(`pods ${quoted(name)} not found`);
  if (pod.metadata.uid !== uid) {
    throw refuseToken(
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (pod.spec.nodeName !== node) throw refuseToken("node requested token bound to a pod scheduled on a different node");
  const mounted = (pod.spec.volumes ?? []).flatMap(({ projected }) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }) => (serviceAccountToken ? [serviceAccountToken.audience ?? ""] : [])),
  );
  if (spec.audiences.length > 1) throw refuseToken("node may only request 0 or 1 audiences");
  const audience = spec.audiences[0] ?? "";
  if (audience === "" || mounted.includes(audience) || (await isForDriver(pod, audience, needs))) return;
  throw refuseToken(`audience ${quoted(audience)} not found in pod spec volume`);
}

/** Whether the driver of one of the Pod's volumes asks for tokens for this audience. */
async function isForDriver(pod: Pod, audience: string, needs: AdmissionNeeds): Promise<boolean> {
  const drivers = new Set((pod.spec.volumes ?? []).flatMap(({ csi }) => csi?.driver ?? []));
  for (const { claimName } of claimsOf(pod)) {
    const claim = await lookUp(needs, PersistentVolumeClaim, pod.metadata.namespace ?? "", claimName);
    const volume = claim?.spec.volumeName ? await lookUp(needs, PersistentVolume, "", claim.spec.volumeName) : undefined;
    if (volume?.spec.csi) drivers.add(volume.spec.csi.driver);
  }
  for (const name of drivers) {
    const driver = await lookUp(needs, CSIDriver, "", name);
    if (driver?.spec.tokenRequests?.some((wish) => wish.audience === audience)) return true;
  }
  return false;
}

function checkLease(request: AdmissionRequest, node: string): void {
  const { namespace, name } = request;
  const requested = name || (request.object as Lease | undefined)?.metadata.name;
  if (requested !== node) throw refuse(request, "can only access node lease with the same name as the requesting node");
  if (namespace !== leaseNamespace) throw refuse(request, `can only access leases in the ${quoted(leaseNamespace)} system namespace`);
}

/** A node tells how large a claim's volume is, and how far changing that has got; nothing else. */
function checkClaim(request: AdmissionRequest, node: string): void {
  const { subresource, operation } = request;
  if (subresource !== "status") throw refuse(request, `unexpected pvc subresource ${quoted(subresource)}, only "status" is allowed`);
  if (operation !== "UPDATE") throw refuse(request, `unexpected operation ${quoted(operation)}`);
  const told = { capacity: undefined, conditions: undefined, allocatedResources: undefined, allocatedResourceStatuses: undefined };
  const rest = (object: KubernetesObject | undefined) => ({ ...(object as PersistentVolumeClaim).status, ...told });
  if (!sameJson(rest(request.old), rest(request.object)))
    throw refuse(request, `node ${quoted(node)} is not allowed to update fields other than status.quantity and status.conditions`);
}

function checkCsiNode(request: AdmissionRequest, node: string): void {
  const requested = request.name || request.object?.metadata.name;
  if (requested !== node) throw refuse(request, "can only access CSINode with the same name as the requesting node");
}

async function checkSigningRequest(request: AdmissionRequest, node: string, { world }: AdmissionNeeds): Promise<void> {
  if (request.operation !== "CREATE" || request.subresource !== "") return;
  const { spec } = request.object as CertificateSigningRequest;
  if (!kubeletSigners.has(spec.signerName)) return;
  const bytes = decodeBase64(spec.request);
  let commonName = "";
  try {
    if (typeof bytes === "number") throw new CryptoError("illegal base64");
    commonName = (await world.crypto.readSigningRequest(new TextDecoder().decode(bytes))).subject.commonName;
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error;
    throw refuse(request, `unable to parse csr: ${error.message}`);
  }
  const own = nodeUserPrefix + node;
  if (commonName !== own) throw refuse(request, `can only create a node CSR with CN=${own}`);
}
