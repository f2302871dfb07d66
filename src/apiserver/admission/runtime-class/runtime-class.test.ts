import assert from "node:assert/strict";
import { test } from "node:test";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { RuntimeClass } from "#api/node.k8s.io/runtime-class/runtime-class.ts";
import type { Draft } from "#schema/message.ts";
import { withServer } from "../../../../test/support/api-server.ts";
import { adminClient } from "../../../../test/support/kubelet.ts";
import { runtimeClass } from "./runtime-class.ts";

test("Pods of a RuntimeClass get what it costs and where it runs, and may not say otherwise", () =>
  withServer(
    async (h) => {
      const client = adminClient(h);
      await client.create(Namespace, { metadata: { name: "default" } }).catch(() => undefined);
      const create = (name: string, spec: Draft<Pod["spec"]>) =>
        client.create(Pod, { metadata: { name, namespace: "default" }, spec: { containers: [{ name: "c", image: "i" }], ...spec } });
      await assert.rejects(create("none", { runtimeClassName: "kata" }), {
        message: 'pods "none" is forbidden: pod rejected: RuntimeClass "kata" not found',
      });
      await client.create(RuntimeClass, {
        metadata: { name: "kata" },
        handler: "kata",
        overhead: { podFixed: { memory: "16Mi" } },
        scheduling: { nodeSelector: { kata: "yes" }, tolerations: [{ key: "kata", operator: "Exists" }] },
      });
      const { spec } = await create("given", { runtimeClassName: "kata", nodeSelector: { disk: "ssd" }, overhead: { memory: "16384Ki" } });
      assert.deepEqual(spec.overhead, { memory: "16Mi" });
      assert.deepEqual(spec.nodeSelector, { disk: "ssd", kata: "yes" });
      assert.ok(spec.tolerations?.some(({ key }) => key === "kata"));
      await assert.rejects(create("other", { runtimeClassName: "kata", overhead: { memory: "1Mi" } }), {
        message: `pods "other" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead`,
      });
      await assert.rejects(create("alone", { overhead: { memory: "1Mi" } }), {
        message: 'pods "alone" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
      });
      await assert.rejects(create("conflict", { runtimeClassName: "kata", nodeSelector: { kata: "no" } }), {
        message:
          'pods "conflict" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[kata] = yes, pod.spec.nodeSelector[kata] = no',
      });
    },
    { admission: [runtimeClass] },
  ));
