// The metrics server as every cluster has it: a Deployment behind an APIService, so that `kubectl top` works.
import { APIService } from "#api/apiregistration.k8s.io/api-service/api-service.ts";
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { Service } from "#api/core/service/service.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import { ClusterRoleBinding } from "#api/rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import { RoleBinding } from "#api/rbac.authorization.k8s.io/role-binding/role-binding.ts";
import type { AddOn } from "./add-ons.ts";
import { type ClusterSettings, familiesOf } from "./layout.ts";
import { type ControlPlaneImage, runtimeMount } from "./static-pods.ts";

const name = "metrics-server";
const namespace = "kube-system";
const labels = { "k8s-app": name };
const port = 10_250;
const subjects = [{ kind: "ServiceAccount", name, namespace }];
const roleRef = (kind: "ClusterRole" | "Role", role: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: role });

export function metricsServerAddOns(settings: Pick<ClusterSettings, "podRange">, image: ControlPlaneImage): readonly AddOn[] {
  return [
    { kind: ServiceAccount, object: { metadata: { name, namespace, labels } } },
    {
      kind: ClusterRole,
      object: {
        metadata: {
          name: "system:aggregated-metrics-reader",
          labels: Object.fromEntries(["view", "edit", "admin"].map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, "true"])),
        },
        rules: [{ apiGroups: ["metrics.k8s.io"], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] }],
      },
    },
    {
      kind: ClusterRole,
      object: {
        metadata: { name: "system:metrics-server", labels },
        rules: [
          { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
          { apiGroups: [""], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] },
        ],
      },
    },
    {
      kind: ClusterRoleBinding,
      object: { metadata: { name: "system:metrics-server", labels }, roleRef: roleRef("ClusterRole", "system:metrics-server"), subjects },
    },
    {
      kind: ClusterRoleBinding,
      object: {
        metadata: { name: "metrics-server:system:auth-delegator", labels },
        roleRef: roleRef("ClusterRole", "system:auth-delegator"),
        subjects,
      },
    },
    {
      kind: RoleBinding,
      object: {
        metadata: { name: "metrics-server-auth-reader", namespace, labels },
        roleRef: roleRef("Role", "extension-apiserver-authentication-reader"),
        subjects,
      },
    },
    {
      kind: Service,
      object: {
        metadata: { name, namespace, labels },
        spec: { selector: labels, ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: "https" }] },
      },
    },
    { kind: Deployment, object: deployment(settings, image) },
    {
      kind: APIService,
      object: {
        metadata: { name: "v1beta1.metrics.k8s.io", labels },
        spec: {
          group: "metrics.k8s.io",
          version: "v1beta1",
          groupPriorityMinimum: 100,
          versionPriority: 100,
          // Its certificate is made when it starts and known to nobody; as upstream's manifest has it.
          insecureSkipTLSVerify: true,
          service: { name, namespace, port: 443 },
        },
      },
    },
  ];
}

function deployment(settings: Pick<ClusterSettings, "podRange">, image: ControlPlaneImage): AddOn["object"] {
  const { name: runtime, path, type } = runtimeMount;
  const probe = (at: string, periodSeconds: number) => ({ httpGet: { path: at, port: "https", scheme: "HTTPS" }, periodSeconds });
  return {
    metadata: { name, namespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } },
      template: {
        metadata: { labels, annotations: { "keelson.dev/image-digest": image.digest } },
        spec: {
          containers: [
            {
              name,
              image: image.name,
              imagePullPolicy: "IfNotPresent",
              command: [
                name,
                `--secure-port=${port}`,
                "--metric-resolution=15s",
                ...(familiesOf(settings).includes("IPv6") ? ["--bind-address=::"] : []),
              ],
              ports: [{ name: "https", containerPort: port, protocol: "TCP" }],
              livenessProbe: { ...probe("/livez", 60), initialDelaySeconds: 30, failureThreshold: 3 },
              // Each asking is a TLS handshake, and an idle node should have nothing to do.
              readinessProbe: probe("/readyz", 30),
              resources: { requests: { cpu: "20m", memory: "48Mi" } },
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { drop: ["ALL"] },
                readOnlyRootFilesystem: true,
                seccompProfile: { type: "RuntimeDefault" },
              },
              volumeMounts: [{ name: runtime, mountPath: path, readOnly: true }],
            },
          ],
          nodeSelector: { "kubernetes.io/os": "linux" },
          priorityClassName: "system-cluster-critical",
          serviceAccountName: name,
          tolerations: [{ effect: "NoSchedule", key: "node-role.kubernetes.io/control-plane" }],
          volumes: [{ name: runtime, hostPath: { path, type } }],
        },
      },
    },
  };
}
