// Kubelets: each may read what the Pods bound to its node need, and no other node's secrets.
import type { Scope } from "#base/scope.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isReason } from "#api/meta/status-error.ts";
import { VolumeAttachment } from "#api/storage.k8s.io/volume-attachment/volume-attachment.ts";
import type { Client } from "#client/client.ts";
import { type Informer, startInformer } from "#client/informer.ts";
import type { World } from "#platform/world.ts";
import type { RequestInfo } from "../../request.ts";
import { requiredValue } from "../../request-info.ts";
import type { Authorizer, Decision } from "../authorizer.ts";
import { ruleAllows } from "../rbac/rules.ts";
import { nodeNameOf } from "./node-identity.ts";
import { nodeRules } from "./node-rules.ts";
import { podRefersTo, type ReferencedResource } from "./pod-references.ts";

const allowed: Decision = Object.freeze({ decision: "allow", reason: "" });
const leaseNamespace = "kube-node-lease";

/** Pods as the authoriser knows them. */
export interface PodsOfNodes {
  ready(): Promise<void> | undefined;
  on(node: string): readonly Pod[];
  /** The newest: a kubelet asks for Pods that just came or went. */
  get(namespace: string, name: string): Promise<Pod | undefined>;
  /** The volume that a claim names. */
  volumeOf(namespace: string, claimName: string): Promise<PersistentVolume | undefined>;
  volume(name: string): Promise<PersistentVolume | undefined>;
  attachment(name: string): Promise<VolumeAttachment | undefined>;
}

/** Follows the cluster's Pods from when first asked, and asks for the client only then. */
export function livePodsOfNodes(scope: Scope, world: World, needs: { readonly client: Client }): PodsOfNodes {
  let informer: Informer<Pod> | undefined;
  function started(): Informer<Pod> {
    if (!informer) {
      informer = startInformer<Pod>(scope, world, needs.client, Pod);
      informer.addIndex("node", ({ spec: { nodeName } }) => (nodeName ? [nodeName] : []));
    }
    return informer;
  }
  return {
    ready: () => (informer?.isSynced ? undefined : started().synced),
    on: (node) => started().byIndex("node", node),
    get: (namespace, name) => ifThere(needs.client.get(Pod, { namespace, name })),
    async volumeOf(namespace, name) {
      const claim = await ifThere(needs.client.get(PersistentVolumeClaim, { namespace, name }));
      return claim?.spec.volumeName ? ifThere(needs.client.get(PersistentVolume, { name: claim.spec.volumeName })) : undefined;
    },
    volume: (name) => ifThere(needs.client.get(PersistentVolume, { name })),
    attachment: (name) => ifThere(needs.client.get(VolumeAttachment, { name })),
  };
}

async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}

export function nodeAuthorizer(pods: PodsOfNodes): Authorizer {
  async function toRelated(node: string, info: RequestInfo, verbs: readonly string[]): Promise<Decision> {
    const { resource, namespace, name, verb } = info;
    if (!verbs.includes(verb)) return no(`can only ${verbs.join("/")} ${resource}`);
    if (name === "") return no(`No Object name found`);
    const starting = pods.ready();
    if (starting) await starting;
    const related = pods
      .on(node)
      .some((pod) => pod.metadata.namespace === namespace && podRefersTo(pod, resource as ReferencedResource, name));
    if (related) return allowed;
    return resource === "secrets" && (await isForVolume(node, namespace, name)) ? allowed : noRelation(node);
  }

  /** Whether a driver needs the Secret for a volume that some Pod of the node has by a claim. */
  async function isForVolume(node: string, namespace: string, name: string): Promise<boolean> {
    for (const pod of pods.on(node)) {
      for (const { claimName } of claimsOf(pod)) {
        const own = pod.metadata.namespace ?? "";
        const { csi, claimRef } = (await pods.volumeOf(own, claimName))?.spec ?? {};
        // A claim may name any volume; whose it is says the volume.
        if (claimRef?.namespace !== own || claimRef.name !== claimName) continue;
        const used = [csi?.nodeStageSecretRef, csi?.nodePublishSecretRef, csi?.nodeExpandSecretRef];
        if (used.some((reference) => reference?.name === name && reference.namespace === namespace)) return true;
      }
    }
    return false;
  }

  /** That a volume is gone is no secret. */
  async function claimedVolume(node: string, info: RequestInfo): Promise<Decision> {
    const { verb, name, subresource } = info;
    if (verb !== "get" || name === "" || subresource !== "") return no("can only get individual resources of this type");
    const starting = pods.ready();
    if (starting) await starting;
    const found = await pods.volume(name);
    if (!found) return allowed;
    const { namespace = "", name: claimName = "" } = found.spec.claimRef ?? {};
    const related = pods
      .on(node)
      .some((pod) => pod.metadata.namespace === namespace && podRefersTo(pod, "persistentvolumeclaims", claimName));
    return related ? allowed : noRelation(node);
  }

  async function ownAttachment(node: string, info: RequestInfo): Promise<Decision> {
    const { verb, name, subresource } = info;
    if (verb !== "get" || name === "" || subresource !== "") return no("can only get individual resources of this type");
    const found = await pods.attachment(name);
    return !found || found.spec.nodeName === node ? allowed : noRelation(node);
  }

  async function pod(node: string, info: RequestInfo): Promise<Decision> {
    const { verb, name, namespace, subresource, fieldSelector = "" } = info;
    if (subresource !== "") return byRules(info);
    if (verb === "get" && name !== "") return (await ownPod(node, namespace, name)) ? allowed : noRelation(node);
    if (verb === "list" || verb === "watch") {
      if (requiredValue(fieldSelector, "spec.nodeName") === node) return allowed;
      return name !== "" && (await ownPod(node, namespace, name))
        ? allowed
        : no("can only list/watch pods with spec.nodeName field selector");
    }
    return byRules(info);
  }

  /** That a Pod is gone is no secret. */
  async function ownPod(node: string, namespace: string, name: string): Promise<boolean> {
    const found = await pods.get(namespace, name);
    return !found || found.spec.nodeName === node;
  }

  return {
    name: "Node",
    async authorize(user, info) {
      const node = nodeNameOf(user);
      if (node === undefined) return { decision: "no opinion", reason: "" };
      if (node === "") return { decision: "no opinion", reason: `unknown node for user ${JSON.stringify(user.name)}` };
      if (!info.isResourceRequest) return byRules(info);
      switch (`${info.group}/${info.resource}`) {
        case "/secrets":
        case "/configmaps":
          return toRelated(node, info, ["get", "list", "watch"]);
        case "/persistentvolumeclaims":
          if (info.subresource === "status") return toRelated(node, info, ["get", "update", "patch"]);
          return toRelated(node, info, ["get"]);
        case "/serviceaccounts":
          if (info.subresource !== "token") return byRules(info);
          return toRelated(node, info, ["create"]);
        case "/pods":
          return pod(node, info);
        case "/nodes":
          return ownNode(node, info);
        case "coordination.k8s.io/leases":
          return ownLease(node, info);
        case "resource.k8s.io/resourceslices":
          return requiredValue(info.fieldSelector ?? "", "spec.nodeName") === node
            ? byRules(info)
            : no(`can only ${info.verb} resourceslices with spec.nodeName field selector`);
        case "/persistentvolumes":
          return claimedVolume(node, info);
        case "storage.k8s.io/volumeattachments":
          return ownAttachment(node, info);
        case "storage.k8s.io/csinodes":
          return ownName(node, info);
        default:
          return byRules(info);
      }
    },
  };
}

function byRules(info: RequestInfo): Decision {
  return nodeRules.some((rule) => ruleAllows(rule, info)) ? allowed : { decision: "no opinion", reason: "" };
}

function ownNode(node: string, info: RequestInfo): Decision {
  const { verb, name } = info;
  if ((verb === "get" || verb === "list" || verb === "watch") && info.subresource === "" && name !== node) {
    return no(`node ${JSON.stringify(node)} cannot read ${JSON.stringify(name)}, only its own Node object`);
  }
  return byRules(info);
}

function ownLease(node: string, info: RequestInfo): Decision {
  const { verb, namespace, name } = info;
  if (!["get", "create", "update", "patch", "delete"].includes(verb)) {
    return no("can only get, create, update, patch, or delete a node lease");
  }
  if (namespace !== leaseNamespace) return no(`can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`);
  if (verb !== "create" && name !== node) return no("can only access node lease with the same name as the requesting node");
  return allowed;
}

function ownName(node: string, info: RequestInfo): Decision {
  const { verb, name } = info;
  if (!["get", "create", "update", "patch", "delete"].includes(verb)) {
    return no("can only get, create, update, patch, or delete a CSINode");
  }
  if (verb !== "create" && name !== node) return no("can only access CSINode with the same name as the requesting node");
  return allowed;
}

function no(why: string): Decision {
  return { decision: "no opinion", reason: why };
}

function noRelation(node: string): Decision {
  return no(`no relationship found between node '${node}' and this object`);
}
