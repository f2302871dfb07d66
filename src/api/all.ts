// Written by tools/index; do not edit.
import type { Kind } from "#schema/kind.ts";
import { CustomResourceDefinition } from "./apiextensions.k8s.io/custom-resource-definition/custom-resource-definition.ts";
import { APIService } from "./apiregistration.k8s.io/api-service/api-service.ts";
import { ControllerRevision } from "./apps/controller-revision/controller-revision.ts";
import { DaemonSet } from "./apps/daemon-set/daemon-set.ts";
import { Deployment } from "./apps/deployment/deployment.ts";
import { ReplicaSet } from "./apps/replica-set/replica-set.ts";
import { SelfSubjectReview } from "./authentication.k8s.io/self-subject-review/self-subject-review.ts";
import { TokenRequest } from "./authentication.k8s.io/token-request/token-request.ts";
import { TokenReview } from "./authentication.k8s.io/token-review/token-review.ts";
import { LocalSubjectAccessReview } from "./authorization.k8s.io/local-subject-access-review/local-subject-access-review.ts";
import { SelfSubjectAccessReview } from "./authorization.k8s.io/self-subject-access-review/self-subject-access-review.ts";
import { SelfSubjectRulesReview } from "./authorization.k8s.io/self-subject-rules-review/self-subject-rules-review.ts";
import { SubjectAccessReview } from "./authorization.k8s.io/subject-access-review/subject-access-review.ts";
import { Scale } from "./autoscaling/scale/scale.ts";
import { CertificateSigningRequest } from "./certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { Lease } from "./coordination.k8s.io/lease/lease.ts";
import { Binding } from "./core/binding/binding.ts";
import { ConfigMap } from "./core/config-map/config-map.ts";
import { Endpoints } from "./core/endpoints/endpoints.ts";
import { Event } from "./core/event/event.ts";
import { Namespace } from "./core/namespace/namespace.ts";
import { Node } from "./core/node/node.ts";
import { PersistentVolumeClaim } from "./core/persistent-volume-claim/persistent-volume-claim.ts";
import { PersistentVolume } from "./core/persistent-volume/persistent-volume.ts";
import { PodTemplate } from "./core/pod-template/pod-template.ts";
import { Pod } from "./core/pod/pod.ts";
import { Secret } from "./core/secret/secret.ts";
import { ServiceAccount } from "./core/service-account/service-account.ts";
import { Service } from "./core/service/service.ts";
import { EndpointSlice } from "./discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { Event as EventOfEventsK8sIo } from "./events.k8s.io/event/event.ts";
import { IngressClass } from "./networking.k8s.io/ingress-class/ingress-class.ts";
import { Ingress } from "./networking.k8s.io/ingress/ingress.ts";
import { IPAddress } from "./networking.k8s.io/ip-address/ip-address.ts";
import { NetworkPolicy } from "./networking.k8s.io/network-policy/network-policy.ts";
import { ServiceCIDR } from "./networking.k8s.io/service-cidr/service-cidr.ts";
import { RuntimeClass } from "./node.k8s.io/runtime-class/runtime-class.ts";
import { Eviction } from "./policy/eviction/eviction.ts";
import { PodDisruptionBudget } from "./policy/pod-disruption-budget/pod-disruption-budget.ts";
import { ClusterRoleBinding } from "./rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import { ClusterRole } from "./rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import { RoleBinding } from "./rbac.authorization.k8s.io/role-binding/role-binding.ts";
import { Role } from "./rbac.authorization.k8s.io/role/role.ts";
import { PriorityClass } from "./scheduling.k8s.io/priority-class/priority-class.ts";
import { CSIDriver } from "./storage.k8s.io/csi-driver/csi-driver.ts";
import { CSINode } from "./storage.k8s.io/csi-node/csi-node.ts";
import { CSIStorageCapacity } from "./storage.k8s.io/csi-storage-capacity/csi-storage-capacity.ts";
import { StorageClass } from "./storage.k8s.io/storage-class/storage-class.ts";
import { VolumeAttachment } from "./storage.k8s.io/volume-attachment/volume-attachment.ts";
import { VolumeAttributesClass } from "./storage.k8s.io/volume-attributes-class/volume-attributes-class.ts";

export const allKinds: readonly Kind[] = [
  CustomResourceDefinition,
  APIService,
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  SelfSubjectReview,
  TokenRequest,
  TokenReview,
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  Scale,
  CertificateSigningRequest,
  Lease,
  Binding,
  ConfigMap,
  Endpoints,
  Event,
  Namespace,
  Node,
  PersistentVolumeClaim,
  PersistentVolume,
  PodTemplate,
  Pod,
  Secret,
  ServiceAccount,
  Service,
  EndpointSlice,
  EventOfEventsK8sIo,
  IngressClass,
  Ingress,
  IPAddress,
  NetworkPolicy,
  ServiceCIDR,
  RuntimeClass,
  Eviction,
  PodDisruptionBudget,
  ClusterRoleBinding,
  ClusterRole,
  RoleBinding,
  Role,
  PriorityClass,
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
];
