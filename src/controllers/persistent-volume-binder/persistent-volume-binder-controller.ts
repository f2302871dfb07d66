// Brings volumes and claims together: each side is looked at by itself (claims.ts, volumes.ts), and either may be written first.
import { combinedController, controller } from "../controller.ts";
import { claimBinder } from "./claims.ts";
import { volumeBinder } from "./volumes.ts";

export const persistentVolumeBinderController = combinedController("persistentvolume-binder-controller", [
  controller(claimBinder),
  controller(volumeBinder),
]);
