// The verbs, on the in-process handler over an empty store.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Harness, type Loose, withServer } from "../../test/support/api-server.ts";

const pods = "/api/v1/namespaces/default/pods";
const pod = (name: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: "web" } },
  spec: { containers: [{ name: "c", image: "nginx:1" }] },
  ...more,
});
const maps = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string, data: Record<string, string> = { a: "b" }) => ({ metadata: { name }, data });
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const deployment = (name: string, replicas = 1) => ({
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "nginx" }] } },
  },
});
const merge = { "content-type": "application/merge-patch+json" };
const names = (list: { json: Loose }) => list.json.items.map((item: Loose) => item.metadata.name);

test("REG1 creates, gets, lists and deletes", () =>
  withServer(async (h) => {
    const created = await h.ask("POST", pods, pod("web"));
    assert.equal(created.status, 201, created.text);
    assert.equal(created.json.kind, "Pod");
    assert.match(created.json.metadata.uid, /^[0-9a-f-]{36}$/);
    assert.equal(created.json.metadata.managedFields[0].manager, "test");
    assert.equal(created.json.status.phase, "Pending");
    assert.equal((await h.ask("GET", `${pods}/web`)).text, created.text);
    const list = await h.ask("GET", pods);
    assert.equal(list.json.kind, "PodList");
    assert.deepEqual(names(list), ["web"]);
    const again = await h.ask("POST", pods, pod("web"));
    assert.equal(again.status, 409);
    assert.equal(again.json.message, 'pods "web" already exists');
    const gone = await h.ask("DELETE", `${pods}/web`);
    assert.equal(gone.status, 200);
    assert.equal(gone.json.kind, "Pod");
    const missing = await h.ask("GET", `${pods}/web`);
    assert.equal(missing.status, 404);
    assert.equal(missing.json.message, 'pods "web" not found');
    assert.deepEqual(missing.json.details, { name: "web", kind: "pods" });
  }));

test("REG2 makes names from generateName", () =>
  withServer(async (h) => {
    const { json } = await h.ask("POST", maps, { metadata: { generateName: "m-" } });
    assert.match(json.metadata.name, /^m-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    const none = await h.ask("POST", maps, { metadata: {} });
    assert.equal(none.status, 422);
    assert.match(none.json.message, /metadata.name: Required value: name or generateName is required/);
  }));

test("REG3 refuses what is invalid, with every cause", () =>
  withServer(async (h) => {
    const { status, json } = await h.ask("POST", deployments, deployment("x", -1));
    assert.equal(status, 422);
    assert.equal(json.message, 'Deployment.apps "x" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0');
    assert.deepEqual(json.details.causes, [
      { reason: "FieldValueInvalid", message: "Invalid value: -1: must be greater than or equal to 0", field: "spec.replicas" },
    ]);
    const place = await h.ask("POST", maps, { metadata: { name: "a", namespace: "other" } });
    assert.equal(place.status, 400);
    const kind = await h.ask("POST", maps, { kind: "Secret", apiVersion: "v1", metadata: { name: "a" } });
    assert.equal(kind.status, 400);
    const type = await h.ask("POST", maps, { metadata: { name: "a" }, data: { a: 1 } });
    assert.equal(type.status, 400);
    assert.match(type.json.message, /^ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into/);
  }));

test("REG4 field validation refuses, warns or ignores", () =>
  withServer(async (h) => {
    const odd = { metadata: { name: "odd" }, data: {}, foo: 1 };
    const strict = await h.ask("POST", `${maps}?fieldValidation=Strict`, odd);
    assert.equal(strict.status, 400);
    assert.equal(strict.json.message, 'strict decoding error: unknown field "foo"');
    const warned = await h.ask("POST", `${maps}?fieldValidation=Warn`, odd);
    assert.equal(warned.status, 201);
    assert.equal(warned.headers.warning, '299 - "unknown field \\"foo\\""');
    const ignored = await h.ask("PUT", `${maps}/odd?fieldValidation=Ignore`, odd);
    assert.equal(ignored.status, 200);
    assert.equal(ignored.headers.warning, undefined);
  }));

test("REG5 an update needs the newest resourceVersion, and one that changes nothing writes nothing", () =>
  withServer(async (h) => {
    const created = (await h.ask("POST", maps, configMap("m"))).json;
    const changed = await h.ask("PUT", `${maps}/m`, { ...created, data: { a: "c" } });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.json.metadata.resourceVersion, created.metadata.resourceVersion);
    const stale = await h.ask("PUT", `${maps}/m`, { ...created, data: { a: "d" } });
    assert.equal(stale.status, 409);
    assert.equal(
      stale.json.message,
      'Operation cannot be fulfilled on configmaps "m": the object has been modified; please apply your changes to the latest version and try again',
    );
    const revision = await h.store.revision();
    const same = await h.ask("PUT", `${maps}/m`, changed.json);
    assert.equal(same.json.metadata.resourceVersion, changed.json.metadata.resourceVersion);
    assert.equal(await h.store.revision(), revision);
    const otherUid = await h.ask("PUT", `${maps}/m`, { metadata: { name: "m", uid: "another" } });
    assert.equal(otherUid.status, 409);
    const missing = await h.ask("PUT", `${maps}/none`, configMap("none"));
    assert.equal(missing.status, 404);
    const unconditional = await h.ask("PUT", `${maps}/m`, configMap("m", { z: "z" }));
    assert.deepEqual(unconditional.json.data, { z: "z" });
  }));

test("REG6 generation counts what owners want, status what the system saw", () =>
  withServer(async (h) => {
    const created = (await h.ask("POST", deployments, { ...deployment("d"), status: { replicas: 9 } })).json;
    assert.equal(created.metadata.generation, 1);
    assert.deepEqual(created.status, {});
    const labelled = await h.ask("PATCH", `${deployments}/d`, { metadata: { labels: { a: "b" } } }, merge);
    assert.equal(labelled.json.metadata.generation, 1);
    const scaled = await h.ask("PATCH", `${deployments}/d`, { spec: { replicas: 4 }, status: { replicas: 7 } }, merge);
    assert.equal(scaled.json.metadata.generation, 2);
    assert.deepEqual(scaled.json.status, {});
    const seen = await h.ask("PATCH", `${deployments}/d/status`, { spec: { replicas: 8 }, status: { replicas: 7 } }, merge);
    assert.equal(seen.json.spec.replicas, 4);
    assert.equal(seen.json.status.replicas, 7);
    assert.equal(seen.json.metadata.generation, 2);
  }));

test("REG7 patches four ways", () =>
  withServer(async (h) => {
    await h.ask("POST", maps, configMap("m", { a: "1", b: "2" }));
    const merged = await h.ask("PATCH", `${maps}/m`, { data: { a: null, c: "3" } }, merge);
    assert.deepEqual(merged.json.data, { b: "2", c: "3" });
    const json = await h.ask("PATCH", `${maps}/m`, [{ op: "replace", path: "/data/b", value: "9" }], {
      "content-type": "application/json-patch+json",
    });
    assert.deepEqual(json.json.data, { b: "9", c: "3" });
    const failed = await h.ask("PATCH", `${maps}/m`, [{ op: "test", path: "/data/b", value: "0" }], {
      "content-type": "application/json-patch+json",
    });
    assert.equal(failed.status, 422);
    await h.ask("POST", pods, pod("p"));
    const strategic = await h.ask(
      "PATCH",
      `${pods}/p`,
      { spec: { containers: [{ name: "c", image: "nginx:2" }] } },
      { "content-type": "application/strategic-merge-patch+json" },
    );
    assert.equal(strategic.json.spec.containers[0].image, "nginx:2");
    assert.equal(strategic.json.spec.containers[0].terminationMessagePath, "/dev/termination-log");
    const unknown = await h.ask("PATCH", `${maps}/m`, {}, { "content-type": "text/plain" });
    assert.equal(unknown.status, 415);
    assert.equal((await h.ask("PATCH", `${maps}/m`, { metadata: { name: "other" } }, merge)).status, 400);
    const stale = await h.ask("PATCH", `${maps}/m`, { metadata: { resourceVersion: "1" }, data: { q: "q" } }, merge);
    assert.equal(stale.status, 409);
  }));

test("REG8 applies: makes what is missing, owns what it says, and conflicts", () =>
  withServer(async (h) => {
    const apply = { "content-type": "application/apply-patch+yaml" };
    const wanted = (value: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  a: "${value}"\n`;
    const made = await h.ask("PATCH", `${maps}/m?fieldManager=one`, wanted("1"), apply);
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(
      made.json.metadata.managedFields.map((entry: Loose) => [entry.manager, entry.operation]),
      [["one", "Apply"]],
    );
    const same = await h.ask("PATCH", `${maps}/m?fieldManager=one`, wanted("1"), apply);
    assert.equal(same.status, 200);
    assert.equal(same.json.metadata.resourceVersion, made.json.metadata.resourceVersion);
    const conflict = await h.ask("PATCH", `${maps}/m?fieldManager=two`, wanted("2"), apply);
    assert.equal(conflict.status, 409);
    assert.equal(conflict.json.message, 'Apply failed with 1 conflict: conflict with "one": .data.a');
    const forced = await h.ask("PATCH", `${maps}/m?fieldManager=two&force=true`, wanted("2"), apply);
    assert.deepEqual(forced.json.data, { a: "2" });
    const nameless = await h.ask("PATCH", `${maps}/m`, wanted("2"), apply);
    assert.equal(nameless.status, 422);
  }));

test("REG9 patches that meet on one object all come through", () =>
  withServer(async (h) => {
    await h.ask("POST", maps, configMap("m", {}));
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    const answers = await Promise.all(keys.map((key) => h.ask("PATCH", `${maps}/m`, { data: { [key]: "v" } }, merge)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    const { json } = await h.ask("GET", `${maps}/m`);
    assert.deepEqual(Object.keys(json.data).sort(), [...keys].sort());
  }));

test("REG10 dry runs store nothing", () =>
  withServer(async (h) => {
    const revision = await h.store.revision();
    const created = await h.ask("POST", `${maps}?dryRun=All`, configMap("m"));
    assert.equal(created.status, 201);
    assert.equal((await h.ask("GET", `${maps}/m`)).status, 404);
    assert.equal(await h.store.revision(), revision);
    assert.equal((await h.ask("POST", `${maps}?dryRun=some`, configMap("m"))).status, 422);
  }));

test("REG11 deletes: preconditions, finalizers, propagation, grace", () =>
  withServer(async (h) => {
    await h.ask("POST", maps, configMap("m"));
    const guarded = await h.ask("DELETE", `${maps}/m`, { preconditions: { uid: "other" } });
    assert.equal(guarded.status, 409);
    const gone = await h.ask("DELETE", `${maps}/m`);
    assert.equal(gone.json.status, "Success");
    assert.equal(gone.json.details.kind, "configmaps");

    await h.ask("POST", maps, { metadata: { name: "held", finalizers: ["example.com/hold"] } });
    const held = await h.ask("DELETE", `${maps}/held`);
    assert.equal(held.status, 200);
    assert.ok(held.json.metadata.deletionTimestamp);
    assert.equal((await h.ask("DELETE", `${maps}/held`)).status, 200);
    const added = await h.ask("PATCH", `${maps}/held`, { metadata: { finalizers: ["example.com/hold", "example.com/more"] } }, merge);
    assert.equal(added.status, 422);
    const released = await h.ask("PATCH", `${maps}/held`, { metadata: { finalizers: null } }, merge);
    assert.equal(released.status, 200, released.text);
    assert.equal((await h.ask("GET", `${maps}/held`)).status, 404);

    await h.ask("POST", deployments, deployment("d"));
    const foreground = await h.ask("DELETE", `${deployments}/d?propagationPolicy=Foreground`);
    assert.deepEqual(foreground.json.metadata.finalizers, ["foregroundDeletion"]);
    assert.equal((await h.ask("DELETE", `${deployments}/d?propagationPolicy=Sideways`)).status, 422);

    const running = pod("p");
    await h.ask("POST", pods, { ...running, spec: { ...running.spec, nodeName: "n1", terminationGracePeriodSeconds: 20 } });
    const dying = await h.ask("DELETE", `${pods}/p`);
    assert.equal(dying.json.metadata.deletionGracePeriodSeconds, 20);
    assert.equal(dying.json.metadata.generation, 2);
    const shorter = await h.ask("DELETE", `${pods}/p?gracePeriodSeconds=5`);
    assert.equal(shorter.json.metadata.deletionGracePeriodSeconds, 5);
    await h.ask("DELETE", `${pods}/p?gracePeriodSeconds=0`);
    assert.equal((await h.ask("GET", `${pods}/p`)).status, 404);
  }));

test("REG12 deletes collections by selector", () =>
  withServer(async (h) => {
    for (const name of ["a", "b", "c"]) await h.ask("POST", maps, { metadata: { name, labels: { keep: String(name === "b") } } });
    const deleted = await h.ask("DELETE", `${maps}?labelSelector=keep%3Dfalse`);
    assert.equal(deleted.status, 200);
    assert.deepEqual(names(await h.ask("GET", maps)), ["b"]);
  }));

test("REG13 scales through the scale subresource", () =>
  withServer(async (h) => {
    await h.ask("POST", deployments, deployment("d", 2));
    const scale = await h.ask("GET", `${deployments}/d/scale`);
    assert.equal(scale.json.kind, "Scale");
    assert.deepEqual(scale.json.spec, { replicas: 2 });
    assert.equal(scale.json.status.selector, "app=d");
    const put = await h.ask("PUT", `${deployments}/d/scale`, { ...scale.json, spec: { replicas: 5 } });
    assert.equal(put.json.spec.replicas, 5, put.text);
    const { json } = await h.ask("GET", `${deployments}/d`);
    assert.equal(json.spec.replicas, 5);
    assert.equal(json.metadata.generation, 2);
    assert.equal((await h.ask("PATCH", `${deployments}/d/scale`, { spec: { replicas: -1 } }, merge)).status, 422);
  }));

test("REG14 Services get addresses and ports, keep them, and give them back", () =>
  withServer(async (h) => {
    const services = "/api/v1/namespaces/default/services";
    const service = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
    const { json } = await h.ask("POST", services, service("a", { type: "NodePort" }));
    assert.match(json.spec.clusterIP, /^10\.(9[6-9]|10[0-9]|11[01])\./);
    assert.deepEqual(json.spec.clusterIPs, [json.spec.clusterIP]);
    const { nodePort } = json.spec.ports[0];
    assert.ok(nodePort >= 30_000 && nodePort <= 32_767);
    const taken = await h.ask("POST", services, service("b", { clusterIP: json.spec.clusterIP }));
    assert.equal(taken.status, 422);
    assert.match(taken.json.message, /provided IP is already allocated/);
    const port = await h.ask("POST", services, { metadata: { name: "c" }, spec: { type: "NodePort", ports: [{ port: 80, nodePort }] } });
    assert.match(port.json.message, /spec.ports\[0\].nodePort: Invalid value: \d+: provided port is already allocated/);
    const outside = await h.ask("POST", services, service("d", { clusterIP: "10.200.0.1" }));
    assert.match(outside.json.message, /not in the valid range. The range of valid IPs is 10.96.0.0\/12/);
    const headless = await h.ask("POST", services, service("e", { clusterIP: "None" }));
    assert.deepEqual(headless.json.spec.clusterIPs, ["None"]);
    await h.ask("DELETE", `${services}/a`);
    const free = await h.ask("POST", services, service("f", { clusterIP: json.spec.clusterIP, type: "NodePort" }));
    assert.equal(free.status, 201, free.text);
    const updated = await h.ask("PUT", `${services}/f`, service("f", { type: "NodePort" }));
    assert.equal(updated.json.spec.clusterIP, json.spec.clusterIP, updated.text);
    assert.equal(updated.json.spec.ports[0].nodePort, free.json.spec.ports[0].nodePort);
  }));

test("REG15 Namespaces end in two steps", () =>
  withServer(async (h) => {
    const made = await h.ask("POST", "/api/v1/namespaces", { metadata: { name: "n" } });
    assert.deepEqual(made.json.spec.finalizers, ["kubernetes"]);
    assert.equal(made.json.metadata.labels["kubernetes.io/metadata.name"], "n");
    const ending = await h.ask("DELETE", "/api/v1/namespaces/n");
    assert.equal(ending.json.status.phase, "Terminating");
    assert.equal((await h.ask("GET", "/api/v1/namespaces/n")).status, 200);
    const { json } = await h.ask("GET", "/api/v1/namespaces/n");
    const done = await h.ask("PUT", "/api/v1/namespaces/n/finalize", { ...json, spec: {} });
    assert.equal(done.status, 200, done.text);
    assert.equal((await h.ask("GET", "/api/v1/namespaces/n")).status, 404);
    for (const name of ["default", "kube-system", "kube-public", "kube-node-lease"]) {
      assert.equal((await h.ask("GET", `/api/v1/namespaces/${name}`)).status, 200);
    }
  }));

test("REG16 binds Pods once", () =>
  withServer(async (h) => {
    await h.ask("POST", pods, pod("p"));
    const binding = { metadata: { name: "p" }, target: { kind: "Node", name: "n1" } };
    const bound = await h.ask("POST", `${pods}/p/binding`, binding);
    assert.equal(bound.status, 201, bound.text);
    const { json } = await h.ask("GET", `${pods}/p`);
    assert.equal(json.spec.nodeName, "n1");
    assert.ok(json.status.conditions.some((condition: Loose) => condition.type === "PodScheduled" && condition.status === "True"));
    const again = await h.ask("POST", `${pods}/p/binding`, binding);
    assert.equal(again.status, 409);
    assert.match(again.json.message, /pod p is already assigned to node "n1"/);
  }));

test("REG17 evictions ask the disruption budget", () =>
  withServer(async (h) => {
    const running = async (name: string) => {
      const { spec } = pod(name);
      await h.ask("POST", pods, { ...pod(name), spec: { ...spec, nodeName: "n1", terminationGracePeriodSeconds: 1 } });
      const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
      await h.ask("PATCH", `${pods}/${name}/status`, { status }, merge);
    };
    await running("a");
    await running("b");
    const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    await h.ask("POST", budgets, { metadata: { name: "web" }, spec: { minAvailable: 1, selector: { matchLabels: { app: "web" } } } });
    const status = { observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 };
    await h.ask("PATCH", `${budgets}/web/status`, { status }, merge);
    const evict = (name: string) => h.ask("POST", `${pods}/${name}/eviction`, { metadata: { name } });
    const allowed = async () => (await h.ask("GET", `${budgets}/web`)).json.status.disruptionsAllowed;
    const tried = await h.ask("POST", `${pods}/a/eviction`, { metadata: { name: "a" }, deleteOptions: { dryRun: ["All"] } });
    assert.equal(tried.status, 201, tried.text);
    const stranger = await h.ask("POST", `${pods}/a/eviction`, { metadata: { name: "a" }, deleteOptions: { preconditions: { uid: "x" } } });
    assert.equal(stranger.status, 409, stranger.text);
    assert.equal(await allowed(), 1, "neither a dry run nor a failed precondition is charged");
    const first = await evict("a");
    assert.equal(first.status, 201, first.text);
    const { conditions } = (await h.ask("GET", `${pods}/a`)).json.status;
    const [why] = conditions.filter(({ type }: { type: string }) => type === "DisruptionTarget");
    assert.deepEqual([why.status, why.reason, why.message], ["True", "EvictionByEvictionAPI", "Eviction API: evicting"]);
    const second = await evict("b");
    assert.equal(second.status, 429);
    assert.equal(second.json.message, "Cannot evict pod as it would violate the pod's disruption budget.");
    assert.equal(second.json.details.causes[0].reason, "DisruptionBudget");
  }));

test("REG18 two versions of Event share one storage", () =>
  withServer(async (h) => {
    const made = await h.ask("POST", "/api/v1/namespaces/default/events", {
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", name: "p", namespace: "default" },
      reason: "Started",
      message: "it runs",
      type: "Normal",
    });
    assert.equal(made.status, 201, made.text);
    const other = await h.ask("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e");
    assert.equal(other.json.note, "it runs");
    assert.equal(other.json.regarding.name, "p");
    assert.equal(other.json.apiVersion, "events.k8s.io/v1");
    assert.equal(other.json.metadata.resourceVersion, made.json.metadata.resourceVersion);
    const list = await h.ask("GET", "/apis/events.k8s.io/v1/events");
    assert.equal(list.json.items[0].note, "it runs");
    await h.world.clock.advance(3_601_000).catch(() => {});
  }));

test("HTTP1 paths, methods and media types that are none of ours", () =>
  withServer(async (h: Harness) => {
    const unknown = await h.ask("GET", "/apis/none/v1/things");
    assert.equal(unknown.status, 404);
    assert.equal(unknown.json.message, "the server could not find the requested resource");
    assert.equal((await h.ask("POST", `${maps}/m`, {})).status, 405);
    assert.equal((await h.ask("POST", maps, "{}", { "content-type": "text/csv" })).status, 415);
    assert.equal((await h.ask("GET", maps, undefined, { accept: "image/png" })).status, 406);
    assert.equal((await h.ask("GET", "/api/v1/namespaces/%zz/pods")).status, 400);
    assert.equal((await h.ask("POST", maps, "{")).status, 400);
    const yaml = await h.ask("POST", maps, "metadata: {name: yam}\ndata: {a: b}\n", { "content-type": "application/yaml" });
    assert.equal(yaml.status, 201, yaml.text);
    assert.match((await h.ask("GET", `${maps}/yam`, undefined, { accept: "application/yaml" })).text, /^ {2}a: b$/m);
    assert.equal((await h.ask("GET", "/version")).json.minor, "36");
    for (const path of ["/livez", "/readyz", "/healthz", "/readyz/ping"]) assert.equal((await h.ask("GET", path)).text, "ok");
    assert.match((await h.ask("GET", "/readyz?verbose")).text, /\[\+\]etcd ok\n/);
    const metrics = (await h.ask("GET", "/metrics")).text;
    assert.match(metrics, /^apiserver_request_total\{.*verb="GET".*\} \d+$/m);
    assert.match(metrics, /^apiserver_current_inflight_requests\{request_kind="readOnly"\} 1$/m);
    assert.match(metrics, /^apiserver_storage_objects\{resource="configmaps"\} 1$/m);
  }));

test("HTTP2 tables, metadata only, protobuf", () =>
  withServer(async (h) => {
    await h.ask("POST", maps, configMap("m"));
    const table = await h.ask("GET", maps, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" });
    assert.equal(table.json.kind, "Table");
    assert.equal(table.json.rows[0].cells[0], "m");
    const partial = await h.ask("GET", maps, undefined, { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" });
    assert.equal(partial.json.kind, "PartialObjectMetadataList");
    assert.deepEqual(Object.keys(partial.json.items[0]), ["kind", "apiVersion", "metadata"]);
    const protobuf = await h.ask("GET", `${maps}/m`, undefined, { accept: "application/vnd.kubernetes.protobuf" });
    assert.equal(protobuf.headers["content-type"], "application/vnd.kubernetes.protobuf");
    assert.equal(protobuf.text.slice(0, 3), "k8s");
  }));

test("HTTP3 discovery tells what is served", () =>
  withServer(async (h) => {
    const core = await h.ask("GET", "/api/v1");
    assert.ok(core.json.resources.some((resource: Loose) => resource.name === "pods/binding" && resource.kind === "Binding"));
    const apps = await h.ask("GET", "/apis/apps/v1");
    const scale = apps.json.resources.find((resource: Loose) => resource.name === "deployments/scale");
    assert.deepEqual([scale.group, scale.version, scale.kind], ["autoscaling", "v1", "Scale"]);
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const aggregated = await h.ask("GET", "/apis", undefined, { accept });
    assert.equal(aggregated.json.kind, "APIGroupDiscoveryList");
    const cached = await h.ask("GET", "/apis", undefined, { accept, "if-none-match": aggregated.headers.etag as string });
    assert.equal(cached.status, 304);
    assert.equal(
      (await h.ask("GET", "/openapi/v3")).json.paths["apis/apps/v1"].serverRelativeURL.startsWith("/openapi/v3/apis/apps/v1?hash="),
      true,
    );
    assert.equal((await h.ask("GET", "/openapi/v2")).json.swagger, "2.0");
  }));

test("HTTP1 what is not served is not found, whatever the method", () =>
  withServer(async (h) => {
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      assert.equal((await h.ask(method, "/apis/batch/v1/namespaces/default/jobs", method === "GET" ? undefined : {})).status, 404, method);
    }
    assert.equal((await h.ask("POST", "/apis", {})).status, 405);
  }));

test("HTTP2 the swagger document as protobuf, for those who ask for it first", () =>
  withServer(async (h) => {
    const type = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    const protobuf = await h.ask("GET", "/openapi/v2", undefined, { accept: type });
    assert.equal(protobuf.headers["content-type"], type.replace("@", "."));
    assert.equal(protobuf.text.slice(1, 5), "\x032.0");
    assert.equal((await h.ask("GET", "/openapi/v2", undefined, { accept: `application/json, ${type}` })).json.swagger, "2.0");
  }));

test("HTTP2 a Scale as a table", () =>
  withServer(async (h) => {
    await h.ask("POST", deployments, deployment("web", 3));
    const table = await h.ask("GET", `${deployments}/web/scale`, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
    assert.deepEqual(
      table.json.columnDefinitions.map(({ name }: Loose) => name),
      ["Name", "Desired", "Available", "Age"],
    );
    assert.deepEqual(table.json.rows[0].cells.slice(0, 3), ["web", 3, 0]);
  }));

test("HTTP1 answers about what should no longer be used carry a warning", () =>
  withServer(async (h) => {
    const { headers } = await h.ask("GET", "/api/v1/namespaces/default/endpoints");
    assert.equal(headers.warning, '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"');
    assert.equal((await h.ask("GET", pods)).headers.warning, undefined);
  }));

test("REG7 patches that cannot be read say so in upstream's words", () =>
  withServer(async (h) => {
    await h.ask("POST", maps, configMap("m"));
    const patch = async (body: unknown, type: string) => (await h.ask("PATCH", `${maps}/m`, body, { "content-type": type })).json;
    assert.equal(
      (await patch([], "application/merge-patch+json")).message,
      "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
    );
    assert.equal(
      (await patch({}, "application/json-patch+json")).message,
      "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
    );
    const wrong = await patch({ data: { a: 1 } }, "application/strategic-merge-patch+json");
    assert.deepEqual([wrong.code, wrong.details.kind ?? "", wrong.details.causes[0].field], [422, "", "patch"]);
    const unknown = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" }, nope: 1 };
    const applied = await h.ask("PATCH", `${maps}/m?fieldManager=f`, unknown, { "content-type": "application/apply-patch+yaml" });
    assert.deepEqual([applied.json.code, applied.json.reason], [500, undefined]);
    assert.equal(
      applied.json.message,
      "failed to create typed patch object (/m; /v1, Kind=ConfigMap): .nope: field not declared in schema",
    );
  }));

test("REG4 a problem is told once, and an unknown fieldValidation refused", () =>
  withServer(async (h) => {
    const twice = '{"metadata":{"name":"m"},"odd":1,"odd":2}';
    const strict = await h.ask("POST", `${maps}?fieldValidation=Strict`, twice);
    assert.equal(strict.json.message, 'strict decoding error: unknown field "odd"');
    assert.equal((await h.ask("POST", `${maps}?fieldValidation=Sometimes`, configMap("m"))).status, 422);
  }));

test("REG1 a create that names a resourceVersion is refused", () =>
  withServer(async (h) => {
    const refused = await h.ask("POST", maps, { metadata: { name: "m", resourceVersion: "5" } });
    assert.deepEqual([refused.status, refused.json.message], [500, "resourceVersion should not be set on objects to be created"]);
    assert.equal((await h.ask("POST", maps, { metadata: { name: "m", resourceVersion: "0" } })).status, 201);
  }));

test("HTTP1 an object of another kind is named in the refusal", () =>
  withServer(async (h) => {
    const refused = await h.ask("POST", maps, pod("web"));
    assert.equal(refused.status, 400);
    assert.match(refused.json.message, /^Pod in version "v1" cannot be handled as a ConfigMap: /);
  }));
