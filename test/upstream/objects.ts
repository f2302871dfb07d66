// Objects of every kind that both API servers know.

/** As kubectl names them. */
export const resources = [
  "namespaces",
  "configmaps",
  "secrets",
  "serviceaccounts",
  "services",
  "endpoints",
  "pods",
  "persistentvolumes",
  "persistentvolumeclaims",
  "deployments.apps",
  "replicasets.apps",
  "daemonsets.apps",
  "controllerrevisions.apps",
  "leases.coordination.k8s.io",
  "priorityclasses.scheduling.k8s.io",
  "storageclasses.storage.k8s.io",
  "csidrivers.storage.k8s.io",
  "networkpolicies.networking.k8s.io",
  "ingresses.networking.k8s.io",
  "ingressclasses.networking.k8s.io",
  "runtimeclasses.node.k8s.io",
  "roles.rbac.authorization.k8s.io",
  "rolebindings.rbac.authorization.k8s.io",
  "clusterroles.rbac.authorization.k8s.io",
  "clusterrolebindings.rbac.authorization.k8s.io",
  "customresourcedefinitions.apiextensions.k8s.io",
  "certificatesigningrequests.certificates.k8s.io",
] as const;

/** YAML; in a namespace of its own, and with names of its own where there is none. */
export function objects(name: string): string {
  return `
apiVersion: v1
kind: Namespace
metadata: {name: ${name}, labels: {kept: "yes"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: ${name}}
data: {text: "å∫ç\\n", number: "9007199254740993"}
binaryData: {bytes: AAEC/w==}
---
apiVersion: v1
kind: Secret
metadata: {name: password, namespace: ${name}}
stringData: {password: hunter2}
immutable: true
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: worker, namespace: ${name}}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: ${name}}
spec:
  selector: {app: web}
  clusterIP: None
  ports: [{name: http, port: 80, targetPort: http}, {name: dns, port: 53, protocol: UDP}]
---
apiVersion: v1
kind: Endpoints
metadata: {name: outside, namespace: ${name}}
subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 80}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: one, namespace: ${name}, annotations: {note: kept}, finalizers: [example.com/kept]}
spec:
  serviceAccountName: worker
  automountServiceAccountToken: false
  nodeSelector: {disk: fast}
  tolerations: [{key: dedicated, operator: Exists, effect: NoSchedule}]
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a, b]}]}]
  initContainers: [{name: first, image: registry.example/first:1}]
  containers:
  - name: main
    image: registry.example/main@sha256:${"0".repeat(64)}
    command: [/main]
    env:
    - {name: PLAIN, value: "1"}
    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}
    resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: "1.5", memory: 1Gi}}
    ports: [{name: http, containerPort: 8080}]
    livenessProbe: {httpGet: {path: /healthz, port: http, httpHeaders: [{name: X, value: "y"}]}, periodSeconds: 5}
    readinessProbe: {exec: {command: [ready]}}
    lifecycle: {preStop: {exec: {command: [stop]}}}
    securityContext: {runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}
    volumeMounts: [{name: files, mountPath: /files, readOnly: true}, {name: scratch, mountPath: /scratch}]
  volumes:
  - name: files
    projected:
      sources:
      - configMap: {name: settings, items: [{key: text, path: a/b}]}
      - secret: {name: password, optional: true}
      - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
      - serviceAccountToken: {audience: vault, expirationSeconds: 3600, path: token}
  - {name: scratch, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk-${name}}
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: kept-${name}
  hostPath: {path: /data}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: ${name}}
spec: {accessModes: [ReadWriteOnce], storageClassName: kept-${name}, resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ${name}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 50%, maxUnavailable: 1}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web:1}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: ${name}}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {hostNetwork: true, containers: [{name: agent, image: registry.example/agent:1}]}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: bare, namespace: ${name}}
spec:
  replicas: 1
  selector: {matchLabels: {app: bare}}
  template:
    metadata: {labels: {app: bare}}
    spec: {containers: [{name: bare, image: registry.example/bare:1}]}
---
apiVersion: apps/v1
kind: ControllerRevision
metadata: {name: first, namespace: ${name}}
revision: 1
data: {spec: {template: {deep: [1, "two", null, 3.5]}}}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: leader, namespace: ${name}}
spec: {holderIdentity: me, leaseDurationSeconds: 15, renewTime: "2026-01-02T03:04:05.678901Z"}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high-${name}}
value: 1000000
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: kept-${name}}
provisioner: example.com/disk
parameters: {type: fast}
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: ${name}.example.com}
spec: {attachRequired: false, podInfoOnMount: true}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: ${name}}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}], ports: [{protocol: TCP, port: http}]}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: class-${name}}
spec: {controller: example.com/ingress}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: ${name}}
spec:
  ingressClassName: class-${name}
  rules: [{host: ${name}.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}}]
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: sandboxed-${name}}
handler: sandboxed
overhead: {podFixed: {memory: 64Mi}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: ${name}}
rules: [{apiGroups: [""], resources: [pods, pods/log], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: ${name}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: worker, namespace: ${name}}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.${name}.example.com}
spec:
  group: ${name}.example.com
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {length: {type: integer, minimum: 1}}}}}}
`;
}
