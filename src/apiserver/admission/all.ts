// Written by tools/index; do not edit.
import type { AdmissionPlugin } from "./plugin.ts";
import { certificateApproval } from "./certificate-approval/certificate-approval.ts";
import { certificateSigning } from "./certificate-signing/certificate-signing.ts";
import { certificateSubjectRestriction } from "./certificate-subject-restriction/certificate-subject-restriction.ts";
import { defaultIngressClass } from "./default-ingress-class/default-ingress-class.ts";
import { defaultStorageClass } from "./default-storage-class/default-storage-class.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds/default-toleration-seconds.ts";
import { namespaceLifecycle } from "./namespace-lifecycle/namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction/node-restriction.ts";
import { persistentVolumeClaimResize } from "./persistent-volume-claim-resize/persistent-volume-claim-resize.ts";
import { priority } from "./priority/priority.ts";
import { runtimeClass } from "./runtime-class/runtime-class.ts";
import { serviceAccount } from "./service-account/service-account.ts";
import { storageObjectInUseProtection } from "./storage-object-in-use-protection/storage-object-in-use-protection.ts";
import { taintNodesByCondition } from "./taint-nodes-by-condition/taint-nodes-by-condition.ts";

export const allAdmissionPlugins: readonly AdmissionPlugin[] = [
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  defaultIngressClass,
  defaultStorageClass,
  defaultTolerationSeconds,
  namespaceLifecycle,
  nodeRestriction,
  persistentVolumeClaimResize,
  priority,
  runtimeClass,
  serviceAccount,
  storageObjectInUseProtection,
  taintNodesByCondition,
];
