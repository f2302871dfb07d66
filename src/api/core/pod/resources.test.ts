import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "./container.ts";
import { qualityOfService } from "./quality-of-service.ts";
import { podLimits, podRequests, type ResourceConsumer } from "./resources.ts";

function asking(requests: Record<string, string>, limits: Record<string, string> = {}, more: object = {}): Container {
  return { name: "c", resources: { requests, limits }, ...more } as Container;
}
const podOf = (containers: Container[], more: object = {}): ResourceConsumer => ({ spec: { containers, ...more } });

test("containers add up, with the overhead", () => {
  const pod = podOf([asking({ cpu: "500m", memory: "1Gi" }), asking({ cpu: "1" })], { overhead: { cpu: "100m" } });
  assert.deepEqual(podRequests(pod), { cpu: "1600m", memory: "1Gi" });
});

test("an init container counts when it needs more than all containers", () => {
  const pod = podOf([asking({ cpu: "1", memory: "1Gi" })], { initContainers: [asking({ cpu: "2", memory: "512Mi" })] });
  assert.deepEqual(podRequests(pod), { cpu: "2", memory: "1Gi" });
});

test("a sidecar counts beside containers and beside later init containers", () => {
  const sidecar = asking({ cpu: "1" }, {}, { restartPolicy: "Always" });
  const pod = podOf([asking({ cpu: "1" })], { initContainers: [asking({ cpu: "2500m" }), sidecar, asking({ cpu: "2" })] });
  assert.deepEqual(podRequests(pod), { cpu: "3" });
});

test("what the Pod as a whole asks for replaces the sum", () => {
  const pod = podOf([asking({ cpu: "1", "example.com/gpu": "1" })], { resources: { requests: { cpu: "4" } } });
  assert.deepEqual(podRequests(pod), { cpu: "4", "example.com/gpu": "1" });
});

test("overhead is added to limits only where there is one", () => {
  const pod = podOf([asking({}, { cpu: "1" })], { overhead: { cpu: "100m", memory: "1Mi" } });
  assert.deepEqual(podLimits(pod), { cpu: "1100m" });
});

test("quality of service", () => {
  const full = { cpu: "1", memory: "1Gi" };
  assert.equal(qualityOfService(podOf([asking({})])), "BestEffort");
  assert.equal(qualityOfService(podOf([asking({ cpu: "0" })])), "BestEffort");
  assert.equal(qualityOfService(podOf([asking({ "example.com/gpu": "1" })])), "BestEffort");
  assert.equal(qualityOfService(podOf([asking(full, full)])), "Guaranteed");
  assert.equal(qualityOfService(podOf([asking(full, { cpu: "1000m", memory: "1024Mi" })])), "Guaranteed");
  assert.equal(qualityOfService(podOf([asking(full, full), asking({})])), "Burstable");
  assert.equal(qualityOfService(podOf([asking(full, full)], { initContainers: [asking({ cpu: "1" })] })), "Burstable");
  assert.equal(qualityOfService(podOf([asking({}, { cpu: "1" })])), "Burstable");
  assert.equal(qualityOfService(podOf([asking({})], { resources: { requests: full, limits: full } })), "Guaranteed");
});
