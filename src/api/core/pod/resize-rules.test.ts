import assert from "node:assert/strict";
import { test } from "node:test";
import { complete } from "#schema/derive/defaults.ts";
import { fieldErrorText } from "#schema/derive/field-error.ts";
import { Pod } from "./pod.ts";
import { resizeErrors } from "./resize-rules.ts";

function withResources(resources: object, init: object = {}, annotations: Record<string, string> = {}): Pod {
  const initContainers = [{ name: "init", image: "i", resources: init }];
  return complete(Pod, {
    metadata: { name: "a", annotations },
    spec: { containers: [{ name: "c", image: "i", resources }], initContainers },
  });
}

function errors(from: Pod, to: Pod): readonly string[] {
  return resizeErrors(to, from).map(fieldErrorText);
}

const burstable = withResources({ requests: { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" }, limits: { memory: "2Gi" } });

test("processor and memory may change while a Pod runs, and nothing else of its amounts", () => {
  const to = (requests: object, limits: object) => errors(burstable, withResources({ requests, limits }));
  const disk = { "ephemeral-storage": "1Gi" };
  assert.deepEqual(to({ cpu: "2", memory: "2Gi", ...disk }, { memory: "3Gi" }), []);
  assert.deepEqual(to({ cpu: "2", memory: "2Gi", ...disk }, { memory: "3Gi", cpu: "4" }), []);
  assert.deepEqual(to({ cpu: "2", ...disk }, { memory: "3Gi" }), []);
  assert.deepEqual(to({ memory: "1Gi", ...disk }, { memory: "2Gi" }), [
    "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
  ]);
  assert.deepEqual(to({ cpu: "1", memory: "1Gi", ...disk }, {}), [
    "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
  ]);
  assert.deepEqual(to({ cpu: "1", memory: "1Gi", "ephemeral-storage": "2Gi" }, { memory: "2Gi" }), [
    "spec.containers[0].resources.requests: Forbidden: only cpu and memory resources are mutable",
  ]);
});

test("the class of service stays, and so do init containers and static Pods", () => {
  assert.deepEqual(errors(withResources({}), withResources({ requests: { memory: "40Mi" } })), [
    'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
  ]);
  const init = (cpu: string) => withResources({ requests: { cpu: "1" } }, { requests: { cpu } });
  assert.deepEqual(errors(init("1"), init("2")), [
    "spec.initContainers[0].resources: Forbidden: resources for non-sidecar init containers are immutable",
  ]);
  const still = withResources({}, {}, { "kubernetes.io/config.mirror": "x" });
  assert.deepEqual(errors(still, still), ["metadata: Forbidden: static pods do not support resize"]);
});
