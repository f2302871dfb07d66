// All controllers against an API server in the same process, in virtual time; kubelets are a few lines that make Pods ready.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ControllerRevision } from "#api/apps/controller-revision/controller-revision.ts";
import { DaemonSet } from "#api/apps/daemon-set/daemon-set.ts";
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import { Binding } from "#api/core/binding/binding.ts";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Endpoints } from "#api/core/endpoints/endpoints.ts";
import { Event } from "#api/core/event/event.ts";
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { ClusterRoleBinding } from "#api/rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import { sharedInformers } from "#client/informers.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import { type Security, type SecurityParts, security } from "#apiserver/security.ts";
import { type Harness, withServer } from "../support/api-server.ts";
import { startControllers } from "#controllers/manager.ts";

interface Cluster {
  readonly harness: Harness;
  readonly client: Client;
  until(what: string, holds: () => boolean | Promise<boolean>, seconds?: number): Promise<void>;
  /** Ends the controllers wherever they are, and starts others that know nothing but what the server does. */
  restart(): Promise<void>;
  /** Called at every step of `until`. */
  always(check: () => void): void;
}

async function withCluster(run: (cluster: Cluster) => Promise<void>, { kubelet = true, secured = false } = {}): Promise<void> {
  const test = async (harness: Harness) => {
    const { scope, world, api } = harness;
    const handle = api.handleAs({ name: "tester", groups: ["system:masters"] });
    const client = restClient(inProcessTransport(handle, { identity: { user: "tester", groups: ["system:masters"] }, userAgent: "test" }), {
      fieldManager: "test",
    });
    const signingKey = await world.crypto.generateKey("ecdsa-p256");
    const certificate = await world.crypto.issueCertificate({
      subject: { commonName: "test CA" },
      publicKey: signingKey.publicKey,
      signingKey: signingKey.privateKey,
      isCa: true,
      notBefore: world.clock.now() - 1000,
      notAfter: world.clock.now() + 1e11,
    });
    const start = async () => {
      const task = scope.child("controllers");
      await startControllers(task, world, {
        client,
        facts: {
          clusterDomain: "cluster.local",
          clusterCidrs: [{ range: "10.244.0.0/16", nodeMaskSize: 24 }],
          serviceClusterIpRange: "10.96.0.0/12",
          rootCa: "the CA",
          signer: { certificate, key: signingKey.privateKey },
        },
      });
      return task;
    };
    let controlPlane = await start();
    if (kubelet) startKubelet(harness, client);
    const checks: (() => void)[] = [];
    try {
      await run({
        harness,
        client,
        always: (check) => checks.push(check),
        async restart() {
          await controlPlane.stop();
          controlPlane = await start();
        },
        async until(what, holds, seconds = 120) {
          const end = world.clock.now() + seconds * 1000;
          while (!(await holds())) {
            for (const check of checks) check();
            assert.ok(world.clock.now() < end, `in ${seconds} s it never came to this: ${what}`);
            await world.clock.sleep(scope, 50);
          }
        },
      });
    } finally {
      await controlPlane.stop();
    }
  };
  await withServer(test, secured ? { security: securityOf } : {});
}

/** Roles and node rights as in every cluster, with the one binding that bootstrap adds. */
function securityOf(parts: SecurityParts): Security {
  const audiences = ["https://kubernetes.default.svc"];
  const signing = { privateKey: "", keyId: "none" };
  return security({
    issuer: { issuer: audiences[0] as string, formerIssuers: [], audiences, signing, keys: [], jwksUri: "" },
  })(parts);
}

/** Every Pod whose image is not "bad" runs and is ready half a second later; what is to go, goes. */
function startKubelet({ scope, world }: Harness, client: Client): void {
  const informers = sharedInformers(scope, world, client);
  let address = 1;
  const ignore = (error: unknown) => {
    if (!isReason(error, "NotFound", "Conflict")) throw error;
  };
  const seen = new Set<string>();
  informers.for(Pod).onChange(({ type, object: pod }) => {
    if (type === "deleted") return;
    const { uid, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp && !seen.has(`gone ${uid}`)) {
      seen.add(`gone ${uid}`);
      world.clock.timer(300, () => void client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 }).catch(ignore));
    }
    if (seen.has(uid) || deletionTimestamp || pod.spec.containers[0]?.image === "bad") return;
    seen.add(uid);
    world.clock.timer(500, () => {
      const podIP = `10.244.0.${address++ % 250}`;
      const status = {
        phase: "Running",
        podIP,
        podIPs: [{ ip: podIP }],
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: new Date(world.clock.now()).toISOString() }],
      };
      void client.patch(Pod, pod.metadata, { status }, { type: "merge", subresource: "status" }).catch(ignore);
    });
  });
}

const namespace = "default";

function deployment(name: string, replicas: number, image = "web:1") {
  return {
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "web", image, ports: [{ name: "http", containerPort: 8080 }] }] },
      },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    },
  } as const;
}

const service = (name: string) => ({
  metadata: { name, namespace },
  spec: { selector: { app: name }, ports: [{ name: "web", port: 80, targetPort: "http" }] },
});

test("a Deployment behind a Service: rolled to a new image and back with all promised endpoints ready all the time", () =>
  withCluster(async ({ client, until }) => {
    await client.create(Namespace, { metadata: { name: namespace } }).catch(() => {});
    await client.create(Service, service("web"));
    await client.create(Deployment, deployment("web", 3));
    const endpoints = async () =>
      (await client.list(EndpointSlice, { namespace, labelSelector: "kubernetes.io/service-name=web" })).items.flatMap(
        (slice) => slice.endpoints,
      );
    const readyCount = async () => (await endpoints()).filter(({ conditions }) => conditions.ready).length;
    const rolledOut = async () => {
      const { metadata, status, spec } = await client.get(Deployment, { namespace, name: "web" });
      return (
        Number(status.observedGeneration) >= Number(metadata.generation) &&
        status.updatedReplicas === spec.replicas &&
        status.replicas === spec.replicas &&
        status.availableReplicas === spec.replicas
      );
    };
    await until("rolled out", rolledOut);
    await until("3 endpoints", async () => (await readyCount()) === 3);
    const [slice] = (await client.list(EndpointSlice, { namespace, labelSelector: "kubernetes.io/service-name=web" })).items;
    assert.deepEqual(slice?.ports, [{ name: "web", protocol: "TCP", port: 8080 }]);
    await until("the older form as well", async () => {
      const [published] = (await client.list(Endpoints, { namespace })).items;
      return published?.subsets?.[0]?.addresses?.length === 3;
    });

    const change = (image: string) =>
      client.patch(
        Deployment,
        { namespace, name: "web" },
        { spec: { template: { spec: { containers: [{ name: "web", image }] } } } },
        { type: "strategic" },
      );
    await change("web:2");
    await until("rolled to 2", async () => {
      assert.ok((await readyCount()) >= 3, "no request may fail");
      return rolledOut();
    });
    await change("bad");
    await until("one bad Pod", async () =>
      (await client.list(Pod, { namespace })).items.some((pod) => pod.spec.containers[0]?.image === "bad"),
    );
    await change("web:1");
    await until("undone", async () => {
      assert.ok((await readyCount()) >= 3, "no request may fail");
      return rolledOut();
    });
    const sets = (await client.list(ReplicaSet, { namespace })).items;
    assert.equal(sets.length, 3);
    const first = sets.find((set) => set.spec.template.spec.containers[0]?.image === "web:1");
    assert.equal(first?.metadata.annotations?.["deployment.kubernetes.io/revision"], "4");
    const { status } = await client.get(Deployment, { namespace, name: "web" });
    assert.equal(status.conditions?.find(({ type }) => type === "Progressing")?.reason, "NewReplicaSetAvailable");
    await until("it was told", async () =>
      (await client.list(Event, { namespace })).items.some(
        ({ reason, message }) => reason === "ScalingReplicaSet" && /^Scaled up replica set web-\w+ from 0 to 3$/.test(message ?? ""),
      ),
    );
  }));

test("a Namespace gets its account and CA, and is gone with all that is in it", () =>
  withCluster(async ({ client, until }) => {
    await client.create(Namespace, { metadata: { name: "team" } });
    const has = (kind: typeof ServiceAccount | typeof ConfigMap, name: string) =>
      client.get(kind as typeof ConfigMap, { namespace: "team", name }).then(
        () => true,
        () => false,
      );
    await until("default account", () => has(ServiceAccount, "default"));
    await until("CA", () => has(ConfigMap, "kube-root-ca.crt"));
    await client.delete(ConfigMap, { namespace: "team", name: "kube-root-ca.crt" });
    await until("CA again", () => has(ConfigMap, "kube-root-ca.crt"));
    await client.create(Pod, { metadata: { namespace: "team", name: "web" }, spec: { containers: [{ name: "web", image: "web:1" }] } });
    await client.create(ConfigMap, { metadata: { namespace: "team", name: "held", finalizers: ["example.org/hold"] } });
    await client.delete(Namespace, { name: "team" });
    await until("it says what holds it", async () => {
      const { status } = await client.get(Namespace, { name: "team" });
      const remaining = status.conditions?.find(({ type }) => type === "NamespaceFinalizersRemaining");
      return remaining?.message === "Some content in the namespace has finalizers remaining: example.org/hold in 1 resource instances";
    });
    await client.patch(ConfigMap, { namespace: "team", name: "held" }, { metadata: { finalizers: null } }, { type: "merge" });
    await until("gone", async () => !(await client.list(Namespace)).items.some(({ metadata }) => metadata.name === "team"));
    assert.equal((await client.list(Pod, { namespace: "team" })).items.length, 0);
  }));

test("what a Deployment owns goes with it: in the background, in the foreground, or stays as orphans", () =>
  withCluster(async ({ client, until }) => {
    await client.create(Namespace, { metadata: { name: namespace } }).catch(() => {});
    const count = async (kind: typeof Pod | typeof ReplicaSet) => (await client.list(kind as typeof Pod, { namespace })).items.length;
    const isThere = async () => (await client.list(Deployment, { namespace })).items.length > 0;
    const start = async () => {
      await client.create(Deployment, deployment("web", 3));
      await until("3 ready", async () => (await client.get(Deployment, { namespace, name: "web" })).status.readyReplicas === 3);
    };
    await start();
    await client.delete(Deployment, { namespace, name: "web" }, { propagationPolicy: "Background" });
    assert.equal(await isThere(), false);
    await until("all gone", async () => (await count(ReplicaSet)) === 0 && (await count(Pod)) === 0);

    await start();
    await client.delete(Deployment, { namespace, name: "web" }, { propagationPolicy: "Foreground" });
    assert.equal(await isThere(), true, "it waits for what it owns");
    await until("all gone", async () => {
      if ((await count(Pod)) > 0) assert.equal(await isThere(), true);
      return !(await isThere());
    });
    assert.equal(await count(Pod), 0);

    await start();
    await client.delete(Deployment, { namespace, name: "web" }, { propagationPolicy: "Orphan" });
    await until("gone", async () => !(await isThere()));
    const [set] = (await client.list(ReplicaSet, { namespace })).items;
    assert.equal(set?.metadata.ownerReferences, undefined);
    assert.equal(await count(Pod), 3);
  }));

test("an object whose owner never was is collected; one with an owner left only lets go of the other", () =>
  withCluster(async ({ client, until }) => {
    await client.create(Namespace, { metadata: { name: namespace } }).catch(() => {});
    const owner = await client.create(ConfigMap, { metadata: { namespace, name: "owner" } });
    const reference = (name: string, uid: string) => ({ apiVersion: "v1", kind: "ConfigMap", name, uid });
    const [left, gone] = [reference("owner", owner.metadata.uid), reference("owner", "another-uid")];
    await client.create(ConfigMap, { metadata: { namespace, name: "both", ownerReferences: [left, gone] } });
    await client.create(ConfigMap, { metadata: { namespace, name: "none", ownerReferences: [gone] } });
    const names = async () => (await client.list(ConfigMap, { namespace })).items.map(({ metadata }) => metadata.name);
    await until("collected", async () => !(await names()).includes("none"));
    await until("let go", async () => {
      const { metadata } = await client.get(ConfigMap, { namespace, name: "both" });
      return metadata.ownerReferences?.length === 1 && metadata.ownerReferences[0]?.uid === owner.metadata.uid;
    });
    await client.delete(ConfigMap, { namespace, name: "owner" });
    await until("collected too", async () => !(await names()).includes("both"));
  }));

test("a Node that falls silent is marked, its Pods are evicted in time, and it is taken back when it speaks again", () =>
  withCluster(
    async ({ harness: { world, scope }, client, until }) => {
      await client.create(Namespace, { metadata: { name: namespace } }).catch(() => {});
      await client.create(Namespace, { metadata: { name: "kube-node-lease" } }).catch(() => {});
      const alive = new Set(["a", "b"]);
      for (const name of alive) {
        const at = new Date(world.clock.now()).toISOString();
        await client.create(Node, {
          metadata: { name },
          status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: at, lastTransitionTime: at }] },
        });
        await client.create(Lease, { metadata: { namespace: "kube-node-lease", name }, spec: { holderIdentity: name, renewTime: at } });
      }
      scope.start("heartbeats", async (task) => {
        for (;;) {
          for (const name of alive) {
            const renewTime = new Date(world.clock.now()).toISOString();
            await client.patch(Lease, { namespace: "kube-node-lease", name }, { spec: { renewTime } }, { type: "merge" });
          }
          await world.clock.sleep(task, 10_000);
        }
      });
      await until("each has a range of its own", async () => {
        const ranges = (await client.list(Node)).items.map(({ spec }) => spec.podCIDR);
        return ranges.every(Boolean) && new Set(ranges).size === 2;
      });
      const pod = (name: string, tolerationSeconds: number) =>
        client.create(Pod, {
          metadata: { namespace, name },
          spec: {
            nodeName: "a",
            terminationGracePeriodSeconds: 0,
            containers: [{ name: "c", image: "web:1" }],
            tolerations: [{ key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds }],
          },
        });
      await pod("soon", 30);
      await pod("later", 3_000);
      const at = new Date(world.clock.now()).toISOString();
      const status = { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime: at }] };
      await client.patch(Pod, { namespace, name: "later" }, { status }, { type: "merge", subresource: "status" });

      alive.delete("a");
      const node = (name: string) => client.get(Node, { name });
      const started = world.clock.now();
      await until("unknown", async () => (await node("a")).status.conditions?.some(({ status: one }) => one === "Unknown") === true);
      const took = (world.clock.now() - started) / 1000;
      assert.ok(took > 39 && took < 62, `${took} s`);
      await until("tainted", async () => (await node("a")).spec.taints?.length === 2);
      assert.deepEqual((await node("a")).spec.taints?.map(({ key, effect }) => `${key}:${effect}`).sort(), [
        "node.kubernetes.io/unreachable:NoExecute",
        "node.kubernetes.io/unreachable:NoSchedule",
      ]);
      await until("its Pods are not ready", async () => {
        const { conditions } = (await client.get(Pod, { namespace, name: "later" })).status;
        return conditions?.find(({ type }) => type === "Ready")?.status === "False";
      });
      await until(
        "evicted",
        async () => (await client.list(Pod, { namespace })).items.map(({ metadata }) => metadata.name).join() === "later",
      );
      assert.equal((await node("b")).spec.taints, undefined);

      alive.add("a");
      const heartbeat = new Date(world.clock.now()).toISOString();
      const again = [{ type: "Ready", status: "True", lastHeartbeatTime: heartbeat, lastTransitionTime: heartbeat }];
      await client.patch(Node, { name: "a" }, { status: { conditions: again } }, { type: "merge", subresource: "status" });
      await until("taken back", async () => (await node("a")).spec.taints === undefined);
    },
    { kubelet: false },
  ));

test("Pods of a Node that is gone are removed", () =>
  withCluster(
    async ({ client, until }) => {
      await client.create(Namespace, { metadata: { name: namespace } }).catch(() => {});
      await client.create(Pod, {
        metadata: { namespace, name: "lost" },
        spec: { nodeName: "gone", containers: [{ name: "c", image: "web:1" }] },
      });
      await until("removed", async () => (await client.list(Pod, { namespace })).items.length === 0);
    },
    { kubelet: false },
  ));

test("a node gets certificates for itself and its own addresses, and no others", () =>
  withCluster(
    async ({ harness: { world, api }, until, client }) => {
      const user = { name: "system:node:a", groups: ["system:nodes", "system:authenticated"] };
      const as = restClient(
        inProcessTransport(api.handleAs(user), { identity: { user: user.name, groups: user.groups }, userAgent: "test" }),
        {
          fieldManager: "kubelet",
        },
      );
      await client.create(Node, { metadata: { name: "a" }, status: { addresses: [{ type: "InternalIP", address: "10.0.0.1" }] } });
      await client.create(ClusterRoleBinding, {
        metadata: { name: "node-autoapprove-certificate-rotation" },
        roleRef: {
          apiGroup: "rbac.authorization.k8s.io",
          kind: "ClusterRole",
          name: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:nodes" }],
      });
      const ask = async (name: string, signerName: string, usage: string, ipAddresses: readonly string[]) => {
        const key = await world.crypto.generateKey("ecdsa-p256");
        const subject = { commonName: "system:node:a", organizations: ["system:nodes"] };
        const pem = await world.crypto.createSigningRequest({ subject, key, ipAddresses });
        await as.create(CertificateSigningRequest, {
          metadata: { name },
          spec: { request: btoa(pem), signerName, usages: ["digital signature", usage] },
        });
      };
      await ask("client", "kubernetes.io/kube-apiserver-client-kubelet", "client auth", []);
      await ask("serving", "kubernetes.io/kubelet-serving", "server auth", ["10.0.0.1"]);
      await ask("stolen", "kubernetes.io/kubelet-serving", "server auth", ["10.0.0.2"]);
      const get = (name: string) => client.get(CertificateSigningRequest, { name });
      await until("both signed", async () =>
        Boolean((await get("client")).status.certificate && (await get("serving")).status.certificate),
      );
      const { subject } = world.crypto.readCertificate(atob((await get("client")).status.certificate as string));
      assert.deepEqual(subject, { commonName: "system:node:a", organizations: ["system:nodes"] });
      assert.equal(conditionOf((await get("client")).status.conditions, "Approved")?.reason, "AutoApproved");
      assert.equal((await get("stolen")).status.conditions, undefined);
    },
    { kubelet: false, secured: true },
  ));

test("a DaemonSet runs on every Node it is meant for, follows new Nodes, and rolls one Node at a time", () =>
  withCluster(async ({ client, until, always, harness: { scope, world } }) => {
    await client.create(Namespace, { metadata: { name: namespace } }).catch(() => {});
    const addNode = (name: string, taint?: string) =>
      client.create(Node, {
        metadata: { name, labels: { "kubernetes.io/os": "linux" } },
        spec: taint ? { taints: [{ key: taint, effect: "NoSchedule" }] } : {},
      });
    await addNode("a");
    await addNode("b");
    await addNode("c", "example.org/closed");
    // A scheduler that does as it is told by the Pod's affinity.
    sharedInformers(scope, world, client)
      .for(Pod)
      .onChange(({ type, object: pod }) => {
        const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
        const name = terms?.[0]?.matchFields?.[0]?.values?.[0];
        if (type !== "added" || pod.spec.nodeName || !name) return;
        void client.createSubresource(Pod, pod.metadata, "binding", Binding, { metadata: pod.metadata, target: { kind: "Node", name } });
      });
    const template = (image: string) => ({
      metadata: { labels: { app: "agent" } },
      spec: { containers: [{ name: "agent", image }], nodeSelector: { "kubernetes.io/os": "linux" } },
    });
    await client.create(DaemonSet, {
      metadata: { namespace, name: "agent" },
      spec: { selector: { matchLabels: { app: "agent" } }, template: template("agent:1") },
    });
    const status = async () => (await client.get(DaemonSet, { namespace, name: "agent" })).status;
    const nodesOf = async (image: string) =>
      (await client.list(Pod, { namespace })).items
        .filter((pod) => pod.spec.containers[0]?.image === image && !pod.metadata.deletionTimestamp)
        .map((pod) => pod.spec.nodeName)
        .sort()
        .join();
    await until("on a and b", async () => (await nodesOf("agent:1")) === "a,b" && (await status()).numberAvailable === 2);
    await addNode("d");
    await until("on d too", async () => (await nodesOf("agent:1")) === "a,b,d" && (await status()).numberAvailable === 3);
    assert.equal((await status()).desiredNumberScheduled, 3);

    const copies = sharedInformers(scope, world, client).for(Pod);
    await copies.synced;
    always(() => {
      const up = copies
        .list(namespace)
        .filter((pod) => !pod.metadata.deletionTimestamp && conditionOf(pod.status.conditions, "Ready")?.status === "True");
      assert.ok(up.length >= 2, "only one may be away");
    });
    await client.patch(DaemonSet, { namespace, name: "agent" }, { spec: { template: template("agent:2") } }, { type: "merge" });
    await until("rolled", async () => (await nodesOf("agent:2")) === "a,b,d" && (await status()).updatedNumberScheduled === 3);
    const revisions = (await client.list(ControllerRevision, { namespace })).items;
    assert.deepEqual(revisions.map(({ revision }) => revision).sort(), [1, 2]);
  }));

test("controllers that are killed again and again in the middle of a rollout still finish it, and promise what they promised", () =>
  withCluster(async ({ client, until, always, restart, harness: { scope, world } }) => {
    await client.create(Namespace, { metadata: { name: namespace } }).catch(() => {});
    const copies = sharedInformers(scope, world, client).for(Pod);
    await copies.synced;
    await client.create(Deployment, deployment("web", 6));
    const readyPods = () =>
      copies
        .list(namespace)
        .filter((pod) => !pod.metadata.deletionTimestamp && conditionOf(pod.status.conditions, "Ready")?.status === "True");
    await until("6 ready", () => readyPods().length === 6);
    always(() => {
      const alive = copies.list(namespace).filter(({ metadata }) => !metadata.deletionTimestamp);
      assert.ok(readyPods().length >= 6 && alive.length <= 7, `${readyPods().length} ready of ${alive.length}`);
    });
    await client.patch(
      Deployment,
      { namespace, name: "web" },
      { spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } } },
      { type: "strategic" },
    );
    let rounds = 0;
    await until("rolled", async () => {
      if (rounds++ % 5 === 4) await restart();
      const pods = copies.list(namespace);
      return pods.length === 6 && pods.every((pod) => pod.spec.containers[0]?.image === "web:2");
    });
    assert.ok(rounds > 20, `${rounds} rounds`);
    const { items } = await client.list(ReplicaSet, { namespace });
    assert.deepEqual(items.map(({ spec }) => spec.replicas).sort(), [0, 6]);
  }));
