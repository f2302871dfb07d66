// Gives every Pod an identity: its namespace's default ServiceAccount where it names none, and the account's token as a volume.
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import type { Container } from "#api/core/pod/container.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { Volume } from "#api/core/pod/volume.ts";
import type { World } from "#platform/world.ts";
import { forbidden } from "../../registry/errors.ts";
import { generatedName } from "../../registry/object-meta.ts";
import { lookUp } from "../newest.ts";
import { type AdmissionNeeds, admissionPlugin } from "../plugin.ts";

const mirrorAnnotation = "kubernetes.io/config.mirror";
const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Upstream's odd hour: it tells tokens that were mounted for a Pod from those somebody asked for. */
const tokenSeconds = 3_607;

export const serviceAccount = admissionPlugin({
  name: "ServiceAccount",
  operations: ["CREATE"],
  resources: ["pods"],
  async mutate(request, needs) {
    if (request.subresource !== "") return undefined;
    const pod = request.object as Pod;
    if (isMirror(pod)) return undefined;
    const named = withAccountName(pod);
    const account = await accountOf(named, request.namespace, request.name, needs);
    const mounted = wantsToken(named, account) ? withToken(named, needs.world) : named;
    const pullSecrets = account.imagePullSecrets ?? [];
    if ((mounted.spec.imagePullSecrets ?? []).length > 0 || pullSecrets.length === 0) return mounted;
    return { ...mounted, spec: { ...mounted.spec, imagePullSecrets: pullSecrets.map(({ name }) => ({ name })) } } as Pod;
  },
  async validate(request, needs) {
    if (request.subresource !== "") return;
    const pod = request.object as Pod;
    if (isMirror(pod)) {
      if (pod.spec.serviceAccountName) throw forbidden(Pod, request.name, "a mirror pod may not reference service accounts");
      for (const { projected } of pod.spec.volumes ?? []) {
        if (!projected?.sources.some((source) => source.serviceAccountToken)) continue;
        throw forbidden(Pod, request.name, "a mirror pod may not use ServiceAccountToken volume projections");
      }
      return;
    }
    await accountOf(pod, request.namespace, request.name, needs);
  },
});

function isMirror({ metadata }: Pod): boolean {
  return metadata.annotations !== undefined && Object.hasOwn(metadata.annotations, mirrorAnnotation);
}

function withAccountName(pod: Pod): Pod {
  const name = pod.spec.serviceAccountName || pod.spec.serviceAccount || "default";
  if (pod.spec.serviceAccountName === name && pod.spec.serviceAccount === name) return pod;
  return { ...pod, spec: { ...pod.spec, serviceAccountName: name, serviceAccount: name } };
}

async function accountOf(pod: Pod, namespace: string, podName: string, needs: AdmissionNeeds): Promise<ServiceAccount> {
  const name = pod.spec.serviceAccountName ?? "";
  const account = name === "" ? undefined : await lookUp(needs, ServiceAccount, namespace, name);
  if (account) return account;
  const why = name === "" ? "no service account specified for pod" : `serviceaccount ${JSON.stringify(name)} not found`;
  throw forbidden(Pod, podName, `error looking up service account ${namespace}/${name}: ${why}`);
}

function wantsToken({ spec }: Pod, account: ServiceAccount): boolean {
  return spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
}

/** The token's volume where a container has nothing of its own in that place. */
function withToken(pod: Pod, world: World): Pod {
  const { spec } = pod;
  const volumeName = generatedName(world, "kube-api-access-");
  let used = false;
  const mounted = (container: Container): Container => {
    const mounts = container.volumeMounts ?? [];
    if (mounts.some((mount) => mount.mountPath === mountPath)) return container;
    used = true;
    return { ...container, volumeMounts: [...mounts, { name: volumeName, readOnly: true, mountPath }] } as Container;
  };
  const containers = spec.containers.map(mounted);
  const initContainers = spec.initContainers?.map(mounted);
  if (!used) return pod;
  return {
    ...pod,
    spec: {
      ...spec,
      volumes: [...(spec.volumes ?? []), tokenVolume(volumeName)],
      containers,
      ...(initContainers && { initContainers }),
    },
  };
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
      ],
    },
  };
}
