import assert from "node:assert/strict";
import { test } from "node:test";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { IngressClass } from "#api/networking.k8s.io/ingress-class/ingress-class.ts";
import { Ingress } from "#api/networking.k8s.io/ingress/ingress.ts";
import type { Draft } from "#schema/message.ts";
import { withServer } from "../../../../test/support/api-server.ts";
import { adminClient } from "../../../../test/support/kubelet.ts";
import { defaultIngressClass } from "./default-ingress-class.ts";

test("an Ingress that names no class gets the default one", () =>
  withServer(
    async (h) => {
      const client = adminClient(h);
      await client.create(Namespace, { metadata: { name: "default" } }).catch(() => undefined);
      const made = async (name: string, more: Draft<Ingress> = {}) => {
        const backend = { service: { name: "web", port: { number: 80 } } };
        const metadata = { name, namespace: "default", ...more.metadata };
        const { spec } = await client.create(Ingress, { metadata, spec: { defaultBackend: backend, ...more.spec } });
        return spec.ingressClassName;
      };
      assert.equal(await made("before"), undefined);
      const classOf = (name: string, isDefault: boolean) =>
        client.create(IngressClass, {
          metadata: { name, annotations: { "ingressclass.kubernetes.io/is-default-class": String(isDefault) } },
          spec: { controller: "example.com/x" },
        });
      await classOf("other", false);
      await classOf("usual", true);
      assert.equal(await made("without"), "usual");
      assert.equal(await made("with", { spec: { ingressClassName: "other" } }), "other");
      assert.equal(await made("old", { metadata: { annotations: { "kubernetes.io/ingress.class": "x" } } }), undefined);
    },
    { admission: [defaultIngressClass] },
  ));
