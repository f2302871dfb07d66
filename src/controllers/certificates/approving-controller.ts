// Approves what kubelets ask for themselves: client certificates for those who may, and serving certificates for their Node's own addresses.
//
// Upstream leaves serving certificates to an administrator. Here a node's request is approved when every name and address in it is one that
// its Node object has, and no other Node, nor the API server's Service: kubelets write those addresses themselves.
import type { Scope } from "#base/scope.ts";
import { SubjectAccessReview } from "#api/authorization.k8s.io/subject-access-review/subject-access-review.ts";
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { Node } from "#api/core/node/node.ts";
import { Service } from "#api/core/service/service.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import type { SigningRequest } from "#platform/crypto.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";
import { type ControllerNeeds, freeController, may, subresource } from "../controller.ts";
import { hasCondition, workOnRequests } from "./request-queue.ts";
import { isAboutNode, kubeletClientSigner, kubeletServingSigner, refusal } from "./request-rules.ts";

export const approvingController = freeController({
  name: "certificatesigningrequest-approving-controller",
  because: "reading a request and asking who may have it take time",
  reads: [CertificateSigningRequest],
  writes: [
    may(subresource(CertificateSigningRequest, "approval"), "update"),
    { group: "certificates.k8s.io", resource: "signers", verbs: ["approve"], names: [kubeletClientSigner, kubeletServingSigner] },
    may(SubjectAccessReview, "create"),
    may(Node, "get", "list"),
    may(Service, "get"),
  ],
  run,
});

function run(scope: Scope, world: World, needs: ControllerNeeds): void {
  const { client } = needs;
  workOnRequests(scope, world, needs, {
    name: "certificatesigningrequest-approving-controller",
    concerns: (request) =>
      [kubeletClientSigner, kubeletServingSigner].includes(request.spec.signerName) &&
      !hasCondition(request, "Approved", "Denied", "Failed") &&
      !request.status.certificate,
    async work(request, content) {
      if (refusal(request, content) !== undefined) return;
      const message =
        request.spec.signerName === kubeletServingSigner
          ? await reasonForServing(client, request, content)
          : await reasonForClient(client, request, content);
      if (message === undefined) return;
      const time = formatTime(world.clock.now());
      const approved = {
        type: "Approved",
        status: "True",
        reason: "AutoApproved",
        message,
        lastUpdateTime: time,
        lastTransitionTime: time,
      };
      await client.updateSubresource(CertificateSigningRequest, request.metadata, "approval", CertificateSigningRequest, {
        ...request,
        status: { ...request.status, conditions: [...(request.status.conditions ?? []), approved] },
      });
    },
  });
}

async function reasonForClient(client: Client, request: CertificateSigningRequest, content: SigningRequest): Promise<string | undefined> {
  const isSelf = request.spec.username === content.subject.commonName;
  if (isSelf && (await mayCreate(client, request, "selfnodeclient")))
    return "Auto approving self kubelet client certificate after SubjectAccessReview.";
  if (await mayCreate(client, request, "nodeclient")) return "Auto approving kubelet client certificate after SubjectAccessReview.";
  return undefined;
}

async function mayCreate(client: Client, { spec }: CertificateSigningRequest, what: string): Promise<boolean> {
  const { username, uid, groups, extra } = spec;
  const { status } = await client.create(SubjectAccessReview, {
    spec: {
      ...(username && { user: username }),
      ...(uid && { uid }),
      ...(groups && { groups }),
      ...(extra && { extra }),
      resourceAttributes: {
        group: "certificates.k8s.io",
        resource: "certificatesigningrequests",
        version: "*",
        verb: "create",
        subresource: what,
      },
    },
  });
  return status.allowed === true;
}

async function reasonForServing(client: Client, { spec }: CertificateSigningRequest, content: SigningRequest): Promise<string | undefined> {
  const { commonName } = content.subject;
  if (spec.username !== commonName || !spec.groups?.includes("system:nodes")) return undefined;
  const name = commonName.slice("system:node:".length);
  let node: Node;
  try {
    node = await client.get(Node, { name });
  } catch (error) {
    if (isReason(error, "NotFound")) throw new Error(`there is no node ${name} yet`);
    throw error;
  }
  const { items: nodes } = await client.list(Node, {});
  if (!isAboutNode(content, node, { nodes, apiServerAddresses: await apiServerAddresses(client) }))
    throw new Error(`node ${name} does not have all the names and addresses that it asks for`);
  return "Auto approving kubelet serving certificate for the Node's own names and addresses.";
}

async function apiServerAddresses(client: Client): Promise<readonly string[]> {
  try {
    const { spec } = await client.get(Service, { namespace: "default", name: "kubernetes" });
    return spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  } catch (error) {
    if (isReason(error, "NotFound")) return [];
    throw error;
  }
}
