// Who may do what, seen through the whole server: tokens, roles, kubelets, admission.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allKinds } from "#api/all.ts";
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import { rootScope } from "#base/scope.ts";
import { encodeBase64 } from "#base/base64.ts";
import type { Client } from "#client/client.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import { simulatedWorld, type SimulatedWorld } from "#platform/simulated/world.ts";
import { openMemoryStore } from "#store/memory/memory-store.ts";
import { allAdmissionPlugins } from "./admission/all.ts";
import { serviceAccountIssuer } from "./authentication/service-accounts/issuer.ts";
import { defaultRoles } from "./authorization/default-roles.ts";
import { reconcileDefaultRoles } from "./authorization/reconcile-roles.ts";
import { security } from "./security.ts";
import { type ApiServer, startApiServer } from "./start.ts";

/** JSON whose shape the test knows. */
// oxlint-disable-next-line typescript/no-explicit-any
type Loose = any;

interface Cluster {
  readonly world: SimulatedWorld;
  readonly api: ApiServer;
  readonly admin: Client;
  as(user: string, ...groups: readonly string[]): Client;
  ask(method: string, path: string, headers?: Record<string, string>, body?: unknown): Promise<{ status: number; json: Loose }>;
}

async function withCluster(run: (cluster: Cluster) => Promise<void>): Promise<void> {
  const world = simulatedWorld({ seed: 1 });
  const failures: unknown[] = [];
  const scope = rootScope("test", (error) => failures.push(error));
  try {
    await world.run(async () => {
      const key = await world.crypto.generateKey("rsa-2048");
      const issuer = serviceAccountIssuer(world, { issuers: ["https://kubernetes.default.svc"], signingKey: key });
      const connect = (handle: ApiServer["handle"], user: string, groups: readonly string[]) =>
        restClient(inProcessTransport(handle, { identity: { user, groups }, userAgent: "test" }), { fieldManager: "test" });
      const api = await startApiServer(scope, world, {
        store: await openMemoryStore(scope, world),
        kinds: allKinds,
        security: security({
          issuer,
          tokens: [{ token: "known", user: { name: "jane", groups: ["dev"] } }],
          controllers: [{ name: "thing-controller", rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }] }],
        }),
        admission: allAdmissionPlugins,
        connect: (handle) => connect(handle, "", []),
      });
      await api.started;
      const as = (user: string, ...groups: readonly string[]) => connect(api.handle, user, groups);
      const admin = as("admin", "system:masters");
      const ask: Cluster["ask"] = async (method, path, headers = {}, body) => {
        const response = await api.handle({
          method,
          path,
          query: "",
          headers,
          peer: { address: "test" },
          body: async () => new TextEncoder().encode(body === undefined ? "" : JSON.stringify(body)),
          signal: new AbortController().signal,
        });
        const pieces = [response.body ?? []].flat() as Uint8Array[];
        return { status: response.status, json: JSON.parse(Buffer.concat(pieces).toString() || "null") };
      };
      await admin.create(ServiceAccount, { metadata: { name: "default", namespace: "default" } });
      await run({ world, api, admin, as, ask });
    });
  } finally {
    await scope.stop();
    world.close();
  }
  assert.deepEqual(failures, []);
}

const podOf = (name: string, spec: object = {}) => ({
  metadata: { name, namespace: "default" },
  spec: { containers: [{ name: "c", image: "i" }], ...spec },
});

const refused =
  (pattern: RegExp | string, code = 403) =>
  (error: unknown) => {
    const { message, code: found } = error as { message: string; code: number };
    if (typeof pattern === "string") assert.equal(message, pattern);
    else assert.match(message, pattern);
    assert.equal(found, code);
    return true;
  };

test("default roles are there, and give what they should", () =>
  withCluster(async ({ admin, as, ask }) => {
    const view = await admin.get(ClusterRole, { name: "view" });
    assert.equal(view.metadata.labels?.["kubernetes.io/bootstrapping"], "rbac-defaults");
    assert.ok(view.rules.some(({ resources }) => resources?.includes("pods")));
    const controller = await admin.get(ClusterRole, { name: "system:controller:thing-controller" });
    assert.deepEqual(controller.rules, [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }]);
    await assert.rejects(
      as("bob").list(Pod, { namespace: "default" }),
      refused('pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"'),
    );
    const roleBinding = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: { name: "b" } };
    await admin.raw("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", {
      ...roleBinding,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "User", name: "bob" }],
    });
    await eventually(async () => assert.deepEqual((await as("bob").list(Pod, { namespace: "default" })).items, []));
    await assert.rejects(as("bob").list(Secret, { namespace: "default" }), refused(/cannot list resource "secrets"/));
    const anonymous = await ask("GET", "/api/v1/pods");
    assert.equal(anonymous.status, 403);
    assert.equal(
      anonymous.json.message,
      'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
    );
    assert.equal((await ask("GET", "/healthz-not")).json.message, 'forbidden: User "system:anonymous" cannot get path "/healthz-not"');
  }));

test("default roles get back what they lost, keep what they were given, and stay as they are when told to", () =>
  withCluster(async ({ admin, api }) => {
    const rule = { verbs: ["get"], apiGroups: ["example.com"], resources: ["things"] };
    const discovery = await admin.get(ClusterRole, { name: "system:discovery" });
    await admin.update(ClusterRole, { ...discovery, rules: [rule] });
    const basic = await admin.get(ClusterRole, { name: "system:basic-user" });
    const annotations = { ...basic.metadata.annotations, "rbac.authorization.kubernetes.io/autoupdate": "false" };
    await admin.update(ClusterRole, { ...basic, metadata: { ...basic.metadata, annotations }, rules: [] });
    const monitoring = await admin.get(ClusterRole, { name: "system:monitoring" });
    await reconcileDefaultRoles(api.registry, defaultRoles());
    assert.deepEqual((await admin.get(ClusterRole, { name: "system:discovery" })).rules, [rule, ...discovery.rules]);
    assert.deepEqual((await admin.get(ClusterRole, { name: "system:basic-user" })).rules, []);
    const { resourceVersion } = (await admin.get(ClusterRole, { name: "system:monitoring" })).metadata;
    assert.equal(resourceVersion, monitoring.metadata.resourceVersion);
  }));

async function eventually(check: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await check();
    } catch (error) {
      if (attempt >= 50) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

test("nobody gives away what he does not hold", () =>
  withCluster(async ({ admin, as }) => {
    await admin.raw("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      metadata: { name: "b" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
      subjects: [{ kind: "User", name: "bob" }],
    });
    const path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
    const role = (name: string, resources: string[]) => ({
      metadata: { name },
      rules: [{ verbs: ["get", "list"], apiGroups: [""], resources }],
    });
    await eventually(async () => void (await as("bob").raw("POST", path, role("fine", ["pods"]))));
    await assert.rejects(
      as("bob").raw("POST", path, role("more", ["nodes"])),
      refused(
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "bob" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}',
      ),
    );
    const bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
    const binding = {
      metadata: { name: "x" },
      roleRef: { kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ kind: "User", name: "bob" }],
    };
    await assert.rejects(as("bob").raw("POST", bindings, binding), refused(/attempting to grant RBAC permissions not currently held/));
  }));

test("tokens of service accounts: issued, verified, and gone with their Pod", () =>
  withCluster(async ({ world, admin, ask }) => {
    const pod = await admin.create(Pod, podOf("web"));
    const token = async (body: object) => {
      const path = "/api/v1/namespaces/default/serviceaccounts/default/token";
      return (await admin.raw("POST", path, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", ...body } as never)) as Loose;
    };
    const bound = await token({ spec: { boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "web", uid: pod.metadata.uid } } });
    assert.equal(bound.spec.expirationSeconds, 3600);
    const whoAmI = (value: string) =>
      ask(
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        { authorization: `Bearer ${value}`, "content-type": "application/json" },
        { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
      );
    const answer = await whoAmI(bound.status.token);
    assert.equal(answer.status, 201, JSON.stringify(answer.json));
    assert.equal(answer.json.status.userInfo.username, "system:serviceaccount:default:default");
    assert.deepEqual(answer.json.status.userInfo.groups, [
      "system:serviceaccounts",
      "system:serviceaccounts:default",
      "system:authenticated",
    ]);
    assert.deepEqual(answer.json.status.userInfo.extra["authentication.kubernetes.io/pod-name"], ["web"]);

    const other = await token({ spec: { audiences: ["vault"] } });
    assert.equal((await whoAmI(other.status.token)).status, 401);
    const review = (await admin.raw("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
      spec: { token: other.status.token, audiences: ["vault", "x"] },
    })) as Loose;
    assert.deepEqual([review.status.authenticated, review.status.audiences], [true, ["vault"]]);

    await assert.rejects(token({ spec: { expirationSeconds: 60 } }), refused(/may not specify a duration less than 10 minutes/, 422));
    await assert.rejects(
      token({ spec: { boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "web", uid: "else" } } }),
      refused(/does not match the UID in record/, 409),
    );
    assert.equal((await whoAmI(`${bound.status.token}x`)).status, 401);
    assert.equal((await whoAmI("known")).json.status.userInfo.username, "jane");

    const plain = await token({ spec: { expirationSeconds: 600 } });
    assert.equal((await whoAmI(plain.status.token)).status, 201);
    await admin.delete(Pod, { namespace: "default", name: "web" }, { gracePeriodSeconds: 0 });
    await world.clock.sleep(
      rootScope("wait", () => {}),
      11_000,
    );
    assert.equal((await whoAmI(bound.status.token)).status, 401);
    assert.equal((await whoAmI(plain.status.token)).status, 201);
    await world.clock.sleep(
      rootScope("wait", () => {}),
      601_000,
    );
    assert.equal((await whoAmI(plain.status.token)).status, 401);
  }));

test("a kubelet sees what its Pods need, and nothing of others", () =>
  withCluster(async ({ admin, as }) => {
    const kubelet = as("system:node:n1", "system:nodes");
    await kubelet.create(Node, { metadata: { name: "n1" } });
    await assert.rejects(
      kubelet.create(Node, { metadata: { name: "n2" } }),
      refused('nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"'),
    );
    for (const name of ["one", "two"]) await admin.create(Secret, { metadata: { name, namespace: "default" } });
    const using = (secretName: string) => ({ volumes: [{ name: "v", secret: { secretName } }] });
    await admin.create(Pod, podOf("mine", { nodeName: "n1", ...using("one") }));
    await admin.create(Pod, podOf("theirs", { nodeName: "n2", ...using("two") }));
    await eventually(async () => void (await kubelet.get(Secret, { namespace: "default", name: "one" })));
    await assert.rejects(
      kubelet.get(Secret, { namespace: "default", name: "two" }),
      refused(
        'secrets "two" is forbidden: User "system:node:n1" cannot get resource "secrets" in API group "" in the namespace "default": no relationship found between node \'n1\' and this object',
      ),
    );
    await assert.rejects(kubelet.list(Secret, { namespace: "default" }), refused(/No Object name found/));
    await kubelet.get(Pod, { namespace: "default", name: "mine" });
    await assert.rejects(kubelet.get(Pod, { namespace: "default", name: "theirs" }), refused(/no relationship found/));
    const listed = await kubelet.list(Pod, { fieldSelector: "spec.nodeName=n1" });
    assert.deepEqual(
      listed.items.map(({ metadata }) => metadata.name),
      ["mine"],
    );
    await assert.rejects(kubelet.list(Pod, {}), refused(/spec\.nodeName/));
    await assert.rejects(kubelet.create(Pod, podOf("p", { nodeName: "n1" })), refused(/can only create mirror pods/));
    const node = await kubelet.get(Node, { name: "n1" });
    const labels = { ...node.metadata.labels, "node-restriction.kubernetes.io/x": "y" };
    await assert.rejects(
      kubelet.update(Node, { ...node, metadata: { ...node.metadata, labels } }),
      refused(/is not allowed to modify labels: node-restriction\.kubernetes\.io\/x/),
    );
  }));

test("Pods get identity, priority and tolerations on the way in", () =>
  withCluster(async ({ admin }) => {
    const pod = await admin.create(Pod, podOf("web"));
    assert.equal(pod.spec.serviceAccountName, "default");
    const [volume] = pod.spec.volumes ?? [];
    assert.match(volume?.name ?? "", /^kube-api-access-[a-z0-9]{5}$/);
    assert.equal(volume?.projected?.sources[0]?.serviceAccountToken?.expirationSeconds, 3607);
    assert.equal(pod.spec.containers[0]?.volumeMounts?.[0]?.mountPath, "/var/run/secrets/kubernetes.io/serviceaccount");
    assert.equal(pod.spec.priority, 0);
    assert.equal(pod.spec.preemptionPolicy, "PreemptLowerPriority");
    assert.deepEqual(
      pod.spec.tolerations?.map(({ tolerationSeconds }) => tolerationSeconds),
      [300, 300],
    );
    await assert.rejects(
      admin.create(Pod, podOf("x", { serviceAccountName: "none" })),
      refused('pods "x" is forbidden: error looking up service account default/none: serviceaccount "none" not found'),
    );
    await assert.rejects(
      admin.create(Pod, podOf("x", { priorityClassName: "none" })),
      refused('pods "x" is forbidden: no PriorityClass with name none was found'),
    );
    const critical = await admin.create(Pod, podOf("y", { priorityClassName: "system-node-critical" }));
    assert.equal(critical.spec.priority, 2_000_001_000);
    const node = await admin.create(Node, { metadata: { name: "n" } });
    assert.deepEqual(node.spec.taints, [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }]);
  }));

test("namespaces: missing, ending and immortal ones", () =>
  withCluster(async ({ admin }) => {
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } };
    await assert.rejects(admin.raw("POST", "/api/v1/namespaces/none/configmaps", map), refused('namespaces "none" not found', 404));
    await assert.rejects(
      admin.delete(Namespace, { name: "kube-system" }),
      refused('namespaces "kube-system" is forbidden: this namespace may not be deleted'),
    );
    await admin.create(Namespace, { metadata: { name: "a" } });
    await admin.delete(Namespace, { name: "a" });
    await assert.rejects(
      admin.raw("POST", "/api/v1/namespaces/a/configmaps", map),
      refused('configmaps "x" is forbidden: unable to create new content in namespace a because it is being terminated'),
    );
  }));

test("reviews tell what would be allowed", () =>
  withCluster(async ({ as, admin }) => {
    const can = (await as("bob").raw("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
      spec: { resourceAttributes: { verb: "list", resource: "pods", namespace: "default" } },
    })) as Loose;
    assert.deepEqual(can.status, { allowed: false });
    const admins = (await admin.raw("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      spec: { groups: ["system:authenticated"], user: "bob", nonResourceAttributes: { verb: "get", path: "/apis/apps" } },
    })) as Loose;
    assert.deepEqual(admins.status, {
      allowed: true,
      reason: 'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
    });
    const rules = (await as("bob").raw("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
      spec: { namespace: "a" },
    })) as Loose;
    assert.ok(rules.status.nonResourceRules.some((rule: Loose) => rule.nonResourceURLs.includes("/apis/*")));
  }));

test("certificate requests say who asked, and are approved by who may", () =>
  withCluster(async ({ world, admin, as }) => {
    const key = await world.crypto.generateKey("ecdsa-p256");
    const pem = await world.crypto.createSigningRequest({
      subject: { commonName: "system:node:n1", organizations: ["system:nodes"] },
      key,
    });
    const request = encodeBase64(new TextEncoder().encode(pem));
    const signerName = "kubernetes.io/kube-apiserver-client-kubelet";
    const kubelet = as("system:node:n1", "system:nodes");
    const created = await kubelet.create(CertificateSigningRequest, {
      metadata: { name: "r" },
      spec: { request, signerName, usages: ["client auth"], username: "forged" },
    });
    assert.equal(created.spec.username, "system:node:n1");
    assert.deepEqual(created.spec.groups, ["system:nodes", "system:authenticated"]);
    const other = await world.crypto.createSigningRequest({ subject: { commonName: "system:node:n2" }, key });
    await assert.rejects(
      kubelet.create(CertificateSigningRequest, {
        metadata: { name: "s" },
        spec: { request: encodeBase64(new TextEncoder().encode(other)), signerName, usages: ["client auth"] },
      }),
      refused(/can only create a node CSR with CN=system:node:n1/),
    );
    const approved = {
      ...created,
      status: { conditions: [{ type: "Approved", status: "True", reason: "Test" }] },
    } as CertificateSigningRequest;
    const done = await admin.updateSubresource(CertificateSigningRequest, { name: "r" }, "approval", CertificateSigningRequest, approved);
    assert.equal(done.status.conditions?.[0]?.type, "Approved");
    assert.ok(done.status.conditions?.[0]?.lastUpdateTime);
    await assert.rejects(
      as("eve", "nobody").updateSubresource(CertificateSigningRequest, { name: "r" }, "approval", CertificateSigningRequest, approved),
      refused(/cannot update resource "certificatesigningrequests\/approval"/),
    );
  }));

async function grant(admin: Client, place: string, roleName: string, user: string, rules: Loose): Promise<void> {
  const folder = `/apis/rbac.authorization.k8s.io/v1/namespaces/${place}`;
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const metadata = { name: roleName };
  await admin.raw("POST", `${folder}/roles`, { kind: "Role", apiVersion, metadata, rules });
  await admin.raw("POST", `${folder}/rolebindings`, {
    kind: "RoleBinding",
    apiVersion,
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: roleName },
    subjects: [{ kind: "User", name: user }],
  });
}

test("who may read one object by name sees no other, however the selector is written", () =>
  withCluster(async ({ admin, as }) => {
    for (const name of ["allowed", "hidden"]) await admin.create(Secret, { metadata: { name, namespace: "default" } });
    const rules = [{ verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["secrets"], resourceNames: ["allowed"] }];
    await grant(admin, "default", "one", "bob", rules);
    const bob = as("bob");
    const secrets = "/api/v1/namespaces/default/secrets";
    const names = async (query: string) =>
      ((await bob.raw("GET", `${secrets}?${query}`)) as Loose).items.map(({ metadata }: Loose) => metadata.name);
    for (const selector of ["metadata.name=allowed", "metadata.name==allowed"]) {
      await eventually(async () => assert.deepEqual(await names(`fieldSelector=${encodeURIComponent(selector)}`), ["allowed"]));
    }
    for (const selector of ["type!=x\\,metadata.name=allowed", "metadata.name!=x\\,metadata.name=allowed", "metadata.name=hidden"]) {
      const code = ({ code: found }: Loose) => [400, 403].includes(found);
      await assert.rejects(names(`fieldSelector=${encodeURIComponent(selector)}`), code, selector);
    }
  }));

test("a kubelet cannot smuggle its node's name past the field selector", () =>
  withCluster(async ({ admin, as }) => {
    await admin.create(Pod, podOf("elsewhere", { nodeName: "n2" }));
    const kubelet = as("system:node:n1", "system:nodes");
    const list = (fieldSelector: string) => kubelet.raw("GET", `/api/v1/pods?fieldSelector=${encodeURIComponent(fieldSelector)}`);
    assert.deepEqual(((await list("spec.nodeName=n1")) as Loose).items, []);
    await assert.rejects(list("metadata.name!=x\\,spec.nodeName=n1"), (error: unknown) =>
      [400, 403].includes((error as { code: number }).code),
    );
    await assert.rejects(list("spec.nodeName!=n1"), refused(/can only list\/watch pods with spec.nodeName field selector/));
  }));

test("rights within a namespace reach no other namespace's object", () =>
  withCluster(async ({ admin, as }) => {
    await grant(admin, "default", "all", "bob", [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }]);
    const bob = as("bob");
    await eventually(async () => void (await bob.raw("GET", "/api/v1/namespaces/default")));
    for (const [method, path] of [
      ["GET", "/api/v1/namespaces/default/namespaces/kube-public"],
      ["DELETE", "/api/v1/namespaces/default/namespaces/kube-node-lease"],
      ["GET", "/api/v1/namespaces/default/namespaces"],
      ["GET", "/api/v1/namespaces/default/namespaces/kube-public/status"],
      ["GET", "/api/v1/namespaces/default/nodes"],
    ] as const) {
      await assert.rejects(bob.raw(method, path), refused(/could not find the requested resource/, 404), path);
    }
    await admin.get(Namespace, { name: "kube-node-lease" });
  }));

test("what nobody serves becomes no label of a metric, however long its name", () =>
  withCluster(async ({ ask, api }) => {
    const long = "x".repeat(10_000);
    for (const path of [`/api/v1/${long}`, `/apis/${long}/v1/pods`, `/api/v1/namespaces/a/pods/b/${long}`, `/api/${long}/pods`]) {
      assert.equal((await ask("GET", path)).status, 403);
    }
    const response = await api.handleAs({ name: "a", groups: ["system:masters"] })({
      method: "GET",
      path: "/metrics",
      query: "",
      headers: {},
      peer: { address: "test" },
      body: async () => new Uint8Array(0),
      signal: new AbortController().signal,
    });
    const text = new TextDecoder().decode(response.body as Uint8Array);
    assert.match(text, /apiserver_request_total\{code="403",.*resource="pods"/);
    assert.ok(!text.includes(long.slice(0, 100)));
  }));

test("an apply or update that would make something needs the right to create it", () =>
  withCluster(async ({ admin, api }) => {
    const verbs = ["get", "patch", "update"];
    await grant(admin, "default", "change", "bob", [
      { verbs, apiGroups: ["", "coordination.k8s.io"], resources: ["configmaps", "leases"] },
    ]);
    const handle = api.handleAs({ name: "bob", groups: [] });
    const send = async (method: string, path: string, type: string, body: Loose): Promise<number> => {
      const response = await handle({
        method,
        path,
        query: method === "PATCH" ? "fieldManager=m" : "",
        headers: { "content-type": type },
        peer: { address: "test" },
        body: async () => new TextEncoder().encode(JSON.stringify(body)),
        signal: new AbortController().signal,
      });
      return response.status;
    };
    const maps = "/api/v1/namespaces/default/configmaps";
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "made" }, data: { a: "b" } };
    const apply = (path: string, body: Loose = map) => send("PATCH", path, "application/apply-patch+yaml", body);
    await eventually(async () => assert.equal(await send("PATCH", `${maps}/made`, "application/merge-patch+json", {}), 404));
    assert.equal(await apply(`${maps}/made`), 403);
    assert.equal(await apply(maps, { ...map, metadata: { generateName: "x-" } }), 405);
    const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "l" }, spec: {} };
    assert.equal(await send("PUT", "/apis/coordination.k8s.io/v1/namespaces/default/leases/l", "application/json", lease), 403);
    await admin.raw("POST", maps, map);
    assert.equal(await apply(`${maps}/made`), 200);
  }));
