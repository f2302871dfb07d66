import assert from "node:assert/strict";
import { test } from "node:test";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Service } from "#api/core/service/service.ts";
import type { Draft } from "#schema/message.ts";
import { withServer } from "../../../../test/support/api-server.ts";
import { adminClient } from "../../../../test/support/kubelet.ts";

const metadata = { name: "web", namespace: "default" };
const ports = [{ port: 80 }];

function withServices(
  ranges: string,
  body: (services: {
    create(name: string, spec: Draft<Service["spec"]>): Promise<Service>;
    patch(spec: object): Promise<Service>;
  }) => Promise<void>,
) {
  return withServer(
    async (h) => {
      const client = adminClient(h);
      await client.create(Namespace, { metadata: { name: "default" } }).catch(() => undefined);
      await body({
        create: (name, spec) => client.create(Service, { metadata: { ...metadata, name }, spec: { ports, ...spec } }),
        patch: (spec) => client.patch(Service, metadata, { spec } as never, { type: "merge" }),
      });
    },
    { options: { services: { clusterIps: ranges, nodePorts: { first: 30_000, last: 30_003 } } } },
  );
}

test("REG14 a Service of two families has an address of each range, and gives the second back when it no longer wants it", () =>
  withServices("10.96.0.0/24,fd00:10:96::/120", async ({ create, patch }) => {
    const { spec } = await create("web", { ipFamilyPolicy: "PreferDualStack" });
    assert.deepEqual(spec.ipFamilies, ["IPv4", "IPv6"]);
    assert.match(spec.clusterIPs?.join(" ") ?? "", /^10\.96\.0\.\d+ fd00:10:96::[0-9a-f]+$/);
    assert.equal(spec.clusterIP, spec.clusterIPs?.[0]);
    const second = spec.clusterIPs?.[1] ?? "";
    await assert.rejects(create("thief", { clusterIP: second }), /provided IP is already allocated/);
    const spelledOut = second.replace("::", ":0:0:0:0:");
    await assert.rejects(
      create("thief", { clusterIP: spelledOut }),
      /failed to allocate IP fd00:10:96:0:.*provided IP is already allocated/,
    );
    const single = await patch({ ipFamilyPolicy: "SingleStack" });
    assert.deepEqual([single.spec.clusterIPs, single.spec.ipFamilies], [[spec.clusterIP], ["IPv4"]]);
    assert.equal((await create("heir", { clusterIP: second })).spec.clusterIP, second);
    const again = await patch({ ipFamilyPolicy: "RequireDualStack" });
    assert.equal(again.spec.clusterIPs?.length, 2);
  }));

test("REG14 addresses that are wrong, of the wrong family or of no range are refused", () =>
  withServices("10.96.0.0/24", async ({ create }) => {
    await assert.rejects(create("a", { clusterIP: "10.97.0.1" }), /not in the valid range\. The range of valid IPs is 10\.96\.0\.0\/24/);
    await assert.rejects(create("b", { clusterIP: "fd00::1" }), /spec\.clusterIPs: Invalid value: .*not in the valid range/);
    await assert.rejects(create("c", { clusterIP: "10.96.0.9", ipFamilies: ["IPv6"] }), /not configured on this cluster/);
    await assert.rejects(
      create("d", { clusterIPs: ["10.96.0.9", "10.96.0.10"], ipFamilyPolicy: "SingleStack" }),
      /must be RequireDualStack/,
    );
  }));

test("REG14 a health check node port is one of the range, that nobody else has", () =>
  withServices("10.96.0.0/24", async ({ create }) => {
    const balanced = { type: "LoadBalancer", externalTrafficPolicy: "Local", allocateLoadBalancerNodePorts: false } as const;
    const { spec } = await create("web", balanced);
    assert.ok((spec.healthCheckNodePort ?? 0) >= 30_000);
    await assert.rejects(
      create("same", { ...balanced, healthCheckNodePort: spec.healthCheckNodePort }),
      /failed to allocate requested HealthCheck NodePort \d+: provided port is already allocated/,
    );
    await assert.rejects(create("far", { ...balanced, healthCheckNodePort: 40_000 }), /provided port is not in the valid range/);
  }));
