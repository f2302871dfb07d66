// Written by tools/index; do not edit.
import type { Controller } from "./controller.ts";
import { attachDetachController } from "./attach-detach/attach-detach-controller.ts";
import { bootstrapSignerController } from "./bootstrap-tokens/bootstrap-signer.ts";
import { tokenCleanerController } from "./bootstrap-tokens/token-cleaner.ts";
import { approvingController } from "./certificates/approving-controller.ts";
import { cleanerController } from "./certificates/cleaner-controller.ts";
import { signingController } from "./certificates/signing-controller.ts";
import { clusterRoleAggregationController } from "./cluster-role-aggregation/cluster-role-aggregation-controller.ts";
import { daemonSetController } from "./daemon-set/daemon-set-controller.ts";
import { deploymentController } from "./deployment/deployment-controller.ts";
import { endpointSliceMirroringController } from "./endpoint-slice-mirroring/endpoint-slice-mirroring-controller.ts";
import { endpointSliceController } from "./endpoint-slice/endpoint-slice-controller.ts";
import { endpointsController } from "./endpoints/endpoints-controller.ts";
import { ephemeralVolumeController } from "./ephemeral-volume/ephemeral-volume-controller.ts";
import { garbageCollectorController } from "./garbage-collector/garbage-collector-controller.ts";
import { localPathProvisionerController } from "./local-path-provisioner/local-path-provisioner-controller.ts";
import { namespaceController } from "./namespace/namespace-controller.ts";
import { nodeIpamController } from "./node-ipam/node-ipam-controller.ts";
import { nodeLifecycleController } from "./node-lifecycle/node-lifecycle-controller.ts";
import { persistentVolumeBinderController } from "./persistent-volume-binder/persistent-volume-binder-controller.ts";
import { persistentVolumeClaimProtectionController } from "./persistent-volume-claim-protection/persistent-volume-claim-protection-controller.ts";
import { persistentVolumeProtectionController } from "./persistent-volume-protection/persistent-volume-protection-controller.ts";
import { podDisruptionBudgetController } from "./pod-disruption-budget/pod-disruption-budget-controller.ts";
import { podGarbageCollectorController } from "./pod-garbage-collector/pod-garbage-collector-controller.ts";
import { replicaSetController } from "./replica-set/replica-set-controller.ts";
import { rootCaPublisherController } from "./root-ca-publisher/root-ca-publisher-controller.ts";
import { serviceAccountController } from "./service-account/service-account-controller.ts";
import { taintEvictionController } from "./taint-eviction/taint-eviction-controller.ts";

export const allControllers: readonly Controller[] = [
  attachDetachController,
  bootstrapSignerController,
  tokenCleanerController,
  approvingController,
  cleanerController,
  signingController,
  clusterRoleAggregationController,
  daemonSetController,
  deploymentController,
  endpointSliceMirroringController,
  endpointSliceController,
  endpointsController,
  ephemeralVolumeController,
  garbageCollectorController,
  localPathProvisionerController,
  namespaceController,
  nodeIpamController,
  nodeLifecycleController,
  persistentVolumeBinderController,
  persistentVolumeClaimProtectionController,
  persistentVolumeProtectionController,
  podDisruptionBudgetController,
  podGarbageCollectorController,
  replicaSetController,
  rootCaPublisherController,
  serviceAccountController,
  taintEvictionController,
];
