// Written by tools/index; do not edit.
import type { Controller } from "./controller.ts";
import { deploymentController } from "./deployment/deployment-controller.ts";
import { replicaSetController } from "./replica-set/replica-set-controller.ts";

export const allControllers: readonly Controller[] = [deploymentController, replicaSetController];
