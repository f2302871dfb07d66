// Volumes that are folders of the Node whose Pod needs them first. A short-lived Pod on that Node makes the folder, another takes it away
// with everything in it.
import { combinedController, controller } from "../controller.ts";
import { localPathClaims } from "./claims.ts";
import { localPathLeftovers } from "./leftovers.ts";
import { localPathVolumes } from "./volumes.ts";

export const localPathProvisionerController = combinedController("local-path-provisioner", [
  controller(localPathClaims),
  controller(localPathVolumes),
  controller(localPathLeftovers),
]);
