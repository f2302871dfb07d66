// Real kubectl against `keelson dev`: what it prints is what it prints against upstream.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ask, type DevProcess, startDevProcess } from "../support/dev-process.ts";
import { findKubectl, type Kubectl, kubectlAt, kubectlOfVersion } from "../support/kubectl.ts";

const found = findKubectl();
const skip = "missing" in found ? found.missing : false;
const folder = mkdtempSync(join(tmpdir(), "keelson-kubectl-"));
let server: DevProcess;
let kubectl: Kubectl;

before(async () => {
  if ("missing" in found) return;
  server = await startDevProcess(folder, { more: ["--nodes", "0"] });
  kubectl = kubectlAt(found.path, server.kubeconfig, folder);
});
after(async () => {
  await server?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Runs it, and wants it to end well, or badly, with exactly this text. */
async function says(line: string, text: string, { input = "", code = 0, env = {} } = {}): Promise<void> {
  const ran = await kubectl(line, { input, env });
  assert.deepEqual({ line, code: ran.code, text: ran.text }, { line, code, text });
}

async function matches(line: string, pattern: RegExp, { input = "", code = 0, env = {} } = {}): Promise<string> {
  const ran = await kubectl(line, { input, env });
  assert.equal(ran.code, code, `${line}: ${ran.text}`);
  assert.match(ran.text, pattern, line);
  return ran.text;
}

const refused = { code: 1 };
const namespace = (name: string) => says(`create namespace ${name}`, `namespace/${name} created`);

test("what is served", { skip }, async () => {
  await matches("version", /Server Version: v1\.36\.0/);
  await matches("cluster-info", /Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:/);
  await matches("api-versions", /^apps\/v1$[^]*^v1$/m);
  const resources = await matches("api-resources", /^deployments +deploy +apps\/v1 +true +Deployment$/m);
  assert.match(resources, /^pods +po +v1 +true +Pod$/m);
  await matches("explain deployment", /GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nDESCRIPTION:\n +Keeps a number of Pods running/);
  await matches("explain pods.spec.containers.livenessProbe.httpGet", /port\t<IntOrString> -required-/);
  await matches("explain deployment --recursive", /^ {4}template\t<PodTemplateSpec> -required-$/m);
  await matches("explain pods.spec.nothing", /field "nothing" does not exist/, refused);
  for (const path of ["/healthz", "/livez", "/readyz", "/livez/ping"]) await says(`get --raw ${path}`, "ok");
  await matches("get --raw /readyz?verbose", /\[\+\]etcd ok[^]*readyz check passed/);
  await matches("get --raw /metrics", /^apiserver_request_total\{/m);
  await matches("get --raw /openapi/v2", /^\{"swagger":"2.0"/);
  await matches("get --raw /openapi/v3", /"apis\/apps\/v1":\{"serverRelativeURL"/);
  await matches("get --raw /apis", /"APIGroupList"/);
  await says("get --raw /nope", "Error from server (NotFound): the server could not find the requested resource", refused);
  const unserved = "the server could not find the requested resource";
  await says("create job j --image=x", `error: failed to create job: ${unserved}`, refused);
  await says("get hpa", `error: the server doesn't have a resource type "hpa"`, refused);
  await says("top nodes", "error: Metrics API not available", refused);
});

test("creates every kind it knows how to", { skip }, async () => {
  await namespace("made");
  const [certificate, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  const subject = ["-subj", "/CN=made", "-newkey", "rsa:2048", "-nodes"];
  spawnSync("openssl", ["req", "-x509", ...subject, "-keyout", key, "-out", certificate, "-days", "2"]);
  const made: readonly (readonly [string, string])[] = [
    ["deployment web --image=nginx --replicas=2", "deployment.apps/web"],
    ["service clusterip web --tcp=80:8080", "service/web"],
    ["service nodeport port --tcp=80:8080", "service/port"],
    ["service externalname name --external-name=example.com", "service/name"],
    ["configmap map --from-literal=a=b", "configmap/map"],
    ["secret generic plain --from-literal=a=b", "secret/plain"],
    [`secret tls sealed --cert=${certificate} --key=${key}`, "secret/sealed"],
    ["serviceaccount robot", "serviceaccount/robot"],
    ["role reader --verb=get,list --resource=pods,deployments.apps", "role.rbac.authorization.k8s.io/reader"],
    ["clusterrole made-reader --verb=get --resource=nodes,pods/log", "clusterrole.rbac.authorization.k8s.io/made-reader"],
    ["rolebinding readers --role=reader --serviceaccount=made:robot", "rolebinding.rbac.authorization.k8s.io/readers"],
    ["clusterrolebinding made-readers --clusterrole=made-reader --user=jane", "clusterrolebinding.rbac.authorization.k8s.io/made-readers"],
    ["poddisruptionbudget few --selector=app=web --min-available=1", "poddisruptionbudget.policy/few"],
    ["priorityclass made-high --value=1000", "priorityclass.scheduling.k8s.io/made-high"],
  ];
  for (const [line, name] of made) await says(`create -n made ${line}`, `${name} created`);
  await says("create -n made configmap map", 'error: failed to create configmap: configmaps "map" already exists', refused);
  await matches("create -n made token robot", /^ey[\w-]+\.[\w-]+\.[\w-]+$/);
  await says("auth can-i list pods -n made --as=system:serviceaccount:made:robot", "yes");
  await says("auth can-i delete pods -n made --as=system:serviceaccount:made:robot", "no", refused);
  await matches("auth can-i --list -n made", /^\*\.\* +\[\] +\[\] +\[\*\]$/m);
  await matches("auth whoami --as=jane --as-group=dev", /Groups +\[dev system:authenticated\]/);
  const forbidden = 'User "joe" cannot list resource "pods" in API group "" in the namespace "made"';
  await says("get pods -n made --as=joe", `Error from server (Forbidden): pods is forbidden: ${forbidden}`, refused);
  const kinds = "deployment,rs,svc,cm,secret,sa,role,rolebinding,pdb,endpointslices";
  await matches(`describe -n made ${kinds} --show-events=true`, /ScalingReplicaSet[^]*Scaled up replica set web-\w+ from 0 to 2/);
  for (const kind of ["namespace/made", "clusterrole/made-reader", "clusterrolebinding/made-readers", "priorityclass/made-high"]) {
    await matches(`describe ${kind}`, /^Name: +made/m);
  }
  await matches("get events -n made", /Normal +SuccessfulCreate +replicaset\/web-\w+ +Created pod: web-/);
  await matches("get endpoints -n made", /Warning: v1 Endpoints is deprecated in v1\.33\+; use discovery\.k8s\.io\/v1 EndpointSlice/);
});

test("gets in every form", { skip }, async () => {
  await namespace("got");
  for (const name of ["one", "two", "three"])
    await says(`create -n got configmap ${name} --from-literal=a=${name}`, `configmap/${name} created`);
  await says("label -n got configmap two kind=odd", "configmap/two labeled");
  await matches("get -n got cm", /^NAME +DATA +AGE\nkube-root-ca.crt +1 +\d+s\none +1/);
  await matches("get -n got cm --show-labels", /^two +1 +\d+s +kind=odd$/m);
  await matches("get -n got cm two -o yaml", /^apiVersion: v1\ndata:\n {2}a: two\nkind: ConfigMap\nmetadata:\n/);
  assert.equal(JSON.parse((await kubectl("get -n got cm two -o json")).out).data.a, "two");
  await says("get -n got cm -l kind=odd -o name", "configmap/two");
  await says(
    "get -n got cm -l 'kind notin (odd)' -o name --field-selector=metadata.name!=one",
    "configmap/kube-root-ca.crt\nconfigmap/three",
  );
  await says("get -n got cm --sort-by=.data.a -o jsonpath='{.items[1:].metadata.name}'", "one three two");
  await says("get -n got cm one --chunk-size=1 -o custom-columns=N:.metadata.name,A:.data.a", "N     A\none   one");
  assert.equal((await kubectl("get -n got cm --chunk-size=1 -o name")).text.split("\n").length, 4);
  await says("get -n got cm four", 'Error from server (NotFound): configmaps "four" not found', refused);
  const refusal =
    'Unable to find "/v1, Resource=pods" that match label selector "", field selector "foo=bar": field label not supported: foo';
  await says("get -n got pods --field-selector=foo=bar", `Error from server (BadRequest): ${refusal}`, refused);
  const watching = kubectl("get -n got cm --watch-only -o name --request-timeout=4s");
  for (let attempt = 0; attempt < 3; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 700));
    await kubectl(`annotate -n got cm three turn=${attempt} --overwrite`);
  }
  assert.match((await watching).text, /^configmap\/three$/m);
});

test("applies: configured, unchanged, conflicts by word", { skip }, async () => {
  await namespace("applied");
  const map = (b: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: applied}\ndata: {a: "1", b: "${b}"}\n`;
  await says("apply -f -", "configmap/m created", { input: map("2") });
  await says("apply -f -", "configmap/m unchanged", { input: map("2") });
  await matches("diff -f -", /^- {2}b: "2"\n\+ {2}b: "3"$/m, { input: map("3"), code: 1 });
  await says("apply -f -", "configmap/m configured", { input: map("3") });
  await says("apply --server-side --field-manager=one -f -", "configmap/m serverside-applied", { input: map("3") });
  const conflict = /^error: Apply failed with \d conflicts?: [^]*conflicts? with "one"[^]*\.data\.b[^]*--force-conflicts/;
  await matches("apply --server-side --field-manager=two -f -", conflict, { input: map("4"), code: 1 });
  await says("apply --server-side --field-manager=two --force-conflicts -f -", "configmap/m serverside-applied", { input: map("4") });
  await matches("get -n applied cm m -o yaml --show-managed-fields", /manager: two\n +operation: Apply/);
  await says("edit -n applied cm m", "configmap/m edited", { env: { EDITOR: `sed -i 's/b: "4"/b: "5"/'` } });
  await says("get -n applied cm m -o jsonpath={.data.b}", "5");
  await says("replace -f -", "configmap/m replaced", { input: map("6") });
  await says("replace --force -f -", 'configmap "m" deleted\nconfigmap/m replaced', { input: map("7") }).catch(async () => {
    // From 1.33 on the namespace is told as well.
    await matches("replace --force -f -", /^configmap "m" deleted from applied namespace\nconfigmap\/m replaced$/, { input: map("7") });
  });
  const old = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","namespace":"applied","resourceVersion":"1"}}';
  await matches(
    "replace -f -",
    /\(Conflict\).*the object has been modified; please apply your changes to the latest version and try again/,
    {
      input: old,
      code: 1,
    },
  );
  await matches("create -f -", /^error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Nope"/, {
    input: '{"apiVersion":"v1","kind":"Nope","metadata":{"name":"x"}}',
    code: 1,
  });
});

test("patches four ways, through subresources too", { skip }, async () => {
  await namespace("patched");
  await says("create -n patched cm m --from-literal=a=b", "configmap/m created");
  await says("create -n patched deployment web --image=nginx", "deployment.apps/web created");
  await says(`patch -n patched cm m -p '{"data":{"c":"1"}}'`, "configmap/m patched");
  await says(`patch -n patched cm m --type=merge -p '{"data":{"c":null}}'`, "configmap/m patched");
  await says(`patch -n patched cm m --type=json -p '[{"op":"add","path":"/data/d","value":"x"}]'`, "configmap/m patched");
  await says("get -n patched cm m -o jsonpath={.data}", '{"a":"b","d":"x"}');
  await says(`patch -n patched cm m -p '{"zz":5}'`, 'configmap/m patched (no change)\nWarning: unknown field "zz"');
  const rejected = "The request is invalid: the server rejected our request due to an error in our request";
  await says(`patch -n patched cm m --type=json -p '[{"op":"test","path":"/data/d","value":"y"}]'`, rejected, refused);
  const decoding = "Error from server (BadRequest): error decoding patch: json: cannot unmarshal";
  await says(`patch -n patched cm m --type=json -p {}`, `${decoding} object into Go value of type jsonpatch.Patch`, refused);
  await says(`patch -n patched cm m -p []`, `${decoding} array into Go value of type map[string]interface {}`, refused);
  await says(`patch -n patched deploy web --subresource=scale --type=merge -p '{"spec":{"replicas":3}}'`, "scale.autoscaling/web patched");
  await matches("get -n patched deploy web --subresource=scale", /^NAME +DESIRED +AVAILABLE +AGE\nweb +3 +\d /);
  await says(
    `patch -n patched deploy web --subresource=status --type=merge -p '{"status":{"collisionCount":1}}'`,
    "deployment.apps/web patched",
  );
  await says("label -n patched cm m foo=bar", "configmap/m labeled");
  await says("label -n patched cm m foo=baz", "error: 'foo' already has a value (bar), and --overwrite is false", refused);
  await says("label -n patched cm m foo-", "configmap/m unlabeled");
  await says("annotate -n patched cm m a=b", "configmap/m annotated");
  await matches("label -n patched cm m __proto__=x", /metadata.labels: Invalid value: "__proto__": name part must consist of/, refused);
});

test("rolls out, back, pauses, scales and exposes", { skip }, async () => {
  await namespace("rolled");
  const web = (line: string) => line.replace(/^(\S+)/, "$1 -n rolled");
  const told: readonly (readonly [string, string, object?])[] = [
    ["create deployment web --image=nginx:1 --replicas=2", "deployment.apps/web created"],
    ["scale deploy web --replicas=4", "deployment.apps/web scaled"],
    ["scale deploy web --replicas=5 --current-replicas=3", "error: Expected replicas to be 3, was 4", refused],
    ["set image deploy/web nginx=nginx:2", "deployment.apps/web image updated"],
    ["set image deploy/web bad=x", 'error: unable to find container named "bad"', refused],
    ["set env deploy/web A=b", "deployment.apps/web env updated"],
    ["set env deploy/web --list", "# Deployment web, container nginx\nA=b"],
    ["set resources deploy web --limits=cpu=1,memory=1Gi", "deployment.apps/web resource requirements updated"],
  ];
  for (const [line, text, more] of told) await says(web(line), text, more);
  await untilSays(web("get deploy web -o 'jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision}'"), "4");
  await matches(
    web("rollout history deploy/web"),
    /^deployment.apps\/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n3 +<none>\n4 +<none>$/,
  );
  await matches(web("rollout history deploy/web --revision=2"), /Image:\tnginx:2/);
  await says(web("rollout undo deploy/web --to-revision=1"), "deployment.apps/web rolled back");
  await says(web("get deploy web -o jsonpath={.spec.template.spec.containers[0].image}"), "nginx:1");
  await says(web("rollout undo deploy/web --to-revision=99"), "error: unable to find specified revision 99 in history", refused);
  await says(web("rollout pause deploy/web"), "deployment.apps/web paused");
  await says(web("rollout pause deploy/web"), 'error: deployments.apps "web" is already paused', refused);
  await says(web("rollout resume deploy/web"), "deployment.apps/web resumed");
  await says(web("rollout restart deploy/web"), "deployment.apps/web restarted");
  await matches(
    web("rollout status deploy/web --timeout=1s"),
    /Waiting for deployment "web" rollout to finish[^]*timed out waiting for the condition$/,
    refused,
  );
  await says(web("expose deploy web --port=80 --name=exposed"), "service/exposed exposed");
  await says(
    web("expose deploy web --port=80 --name=exposed"),
    'Error from server (AlreadyExists): services "exposed" already exists',
    refused,
  );
  await matches(
    web("autoscale deploy web --max=3"),
    /the server could not find the requested resource|failed to create autoscaling\/v2 HPA/,
    refused,
  );
  await matches(web("get all -o wide"), /^deployment.apps\/web +0\/4 .* nginx +nginx:1 +app=web$/m);
});

test("deletes: orphans, foreground, by label, by force", { skip }, async () => {
  await namespace("gone");
  await says("create -n gone deployment web --image=a --replicas=2", "deployment.apps/web created");
  const pods = "get -n gone pods -o 'jsonpath={.items[*].status.phase}'";
  await untilSays(pods, "Pending Pending");
  await matches("delete -n gone deploy web --cascade=orphan", /^deployment.apps "web" deleted/);
  await matches("get -n gone rs -o name", /^replicaset.apps\/web-\w+$/);
  await matches("delete -n gone rs --all --cascade=foreground", /^replicaset.apps "web-\w+" deleted/);
  await says("get -n gone rs,pods", "No resources found in gone namespace.");
  await says("create -n gone deployment other --image=a --replicas=2", "deployment.apps/other created");
  await untilSays(pods, "Pending Pending");
  const forced = await matches("delete -n gone pods -l app=other --grace-period=0 --force", /Warning: Immediate deletion does not wait/);
  assert.equal(forced.match(/force deleted/g)?.length, 2);
  await matches("delete -n gone deploy --all", /"other" deleted/);
  await says("delete -n gone pod nope", 'Error from server (NotFound): pods "nope" not found', refused);
  await says("delete -n gone pod nope --ignore-not-found", "");
  await says("create -n gone cm waited", "configmap/waited created");
  await says("wait -n gone --for=jsonpath='{.metadata.name}'=waited cm/waited --timeout=5s", "configmap/waited condition met");
  const waiting = kubectl("wait -n gone --for=delete cm/waited --timeout=20s");
  await matches("delete -n gone cm waited", /"waited" deleted/);
  // Nothing is said when it was gone before the wait began.
  const waited = await waiting;
  assert.equal(waited.code, 0, waited.text);
  assert.match(waited.text, /^(configmap\/waited condition met)?$/);
  await matches("delete ns gone", /^namespace "gone" deleted/);
  await says("get ns gone", 'Error from server (NotFound): namespaces "gone" not found', refused);
  await says(
    "delete ns default",
    'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted',
    refused,
  );
});

test("Nodes are tainted, cordoned, waited for", { skip }, async () => {
  await says("create -f -", "node/n1 created", { input: "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n" });
  await says("taint node n1 a=b:NoSchedule", "node/n1 tainted");
  await says("taint node n1 a=c:NoSchedule", "error: node n1 already has a taint(s) with same effect(s) and --overwrite is false", refused);
  await says("taint node n1 a-", "node/n1 untainted");
  await says("cordon n1", "node/n1 cordoned");
  await matches("get node n1", /SchedulingDisabled/);
  await says("uncordon n1", "node/n1 uncordoned");
  await matches("describe node n1", /^Name: +n1$/m);
  const ready = `{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`;
  await says(`patch node n1 --subresource=status -p '${ready}'`, "node/n1 patched");
  await says("wait --for=condition=Ready node/n1 --timeout=5s", "node/n1 condition met");
  await matches("delete node n1", /^node "n1" deleted/);
});

test("strict, warning and ignoring validation; dry runs", { skip }, async () => {
  await namespace("checked");
  const template = "template: {metadata: {labels: {app: s}}, spec: {containers: [{name: a, image: b, imagez: c}]}}";
  const input = `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: s, namespace: checked}\nspec: {bogus: 1, selector: {matchLabels: {app: s}}, ${template}}\n`;
  const [first, second] = ['unknown field "spec.bogus"', 'unknown field "spec.template.spec.containers[0].imagez"'];
  const strict = `Error from server (BadRequest): error when creating "STDIN": strict decoding error: ${first}, ${second}`;
  await says("create -f - --validate=strict", strict, { input, code: 1 });
  await says("create -f - --dry-run=server --validate=ignore", "deployment.apps/s created (server dry run)", { input });
  await says("create -f - --validate=warn", `deployment.apps/s created\nWarning: ${first}\nWarning: ${second}`, { input });
  await says("create -n checked deployment d --image=a --dry-run=client", "deployment.apps/d created (dry run)");
  await matches("create -n checked deployment d --image=a --dry-run=server -o yaml", /terminationGracePeriodSeconds: 30/);
  await says("get -n checked deploy -o name", "deployment.apps/s");
  await matches(
    "apply --server-side -f -",
    /^Error from server: failed to create typed patch object \(checked\/s; apps\/v1, Kind=Deployment\): errors:/,
    { input, code: 1 },
  );
  const wrong = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: s, namespace: checked}\nspec: {replicas: two}\n";
  await matches("create -f -", /cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32/, {
    input: wrong,
    code: 1,
  });
  await matches("create -f -", /^error: error parsing STDIN/, { input: "a: [", code: 1 });
});

test("custom resources, from their definition to its end", { skip }, async () => {
  await says("apply -f -", "customresourcedefinition.apiextensions.k8s.io/widgets.example.com created", { input: definition });
  await says(
    "wait --for=condition=Established crd/widgets.example.com --timeout=5s",
    "customresourcedefinition.apiextensions.k8s.io/widgets.example.com condition met",
  );
  const widget = (spec: string) => ({ input: `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":${spec}}` });
  await says("apply -f -", "widget.example.com/w created", widget('{"size":3,"color":"red"}'));
  await says("apply -f -", "widget.example.com/w configured", widget('{"size":4,"color":"red"}'));
  await says("apply -f -", "widget.example.com/w unchanged", widget('{"size":4,"color":"red"}'));
  await matches("get wd -o wide", /^NAME +SIZE +AGE +COLOR\nw +4 +\d+s +red$/);
  await matches("explain widget.spec", /size\t<integer> -required-\n +How big\./);
  const wrong = { ...widget('{"size":0}'), code: 1 };
  await says(
    "create -f -",
    'The Widget "w" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1',
    wrong,
  );
  await says(`patch wd w --type=merge -p '{"spec":{"size":9,"big":9007199254740993}}'`, "widget.example.com/w patched");
  await says("get wd w -o jsonpath={.spec.big}", "9007199254740993");
  await says(`patch wd w --type=merge --subresource=status -p '{"status":{"replicas":2}}'`, "widget.example.com/w patched");
  await says("scale wd w --replicas=5", "widget.example.com/w scaled");
  await matches("apply --server-side --field-manager=m -f -", /conflict with "kubectl-patch" using example.com\/v1: .spec.size/, {
    ...widget('{"size":7}'),
    code: 1,
  });
  await matches("describe wd w", /^Kind: +Widget$/m);
  await matches("delete wd w", /^widget.example.com "w" deleted/);
  await matches("delete crd widgets.example.com", /deleted$/);
  await matches("get wd", /the server could not find the requested resource|doesn't have a resource type "wd"/, refused);
});

test("certificates are approved and signed", { skip }, async () => {
  const request = join(folder, "jane.csr");
  spawnSync("openssl", [
    "req",
    "-new",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    join(folder, "jane.key"),
    "-out",
    request,
    "-subj",
    "/CN=jane/O=dev",
  ]);
  const encoded = spawnSync("base64", ["-w0", request], { encoding: "utf8" }).stdout;
  const spec = `{request: ${encoded}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}`;
  const input = `apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: jane}\nspec: ${spec}\n`;
  await says("create -f -", "certificatesigningrequest.certificates.k8s.io/jane created", { input });
  await matches("get csr jane", /kubernetes.io\/kube-apiserver-client +kubernetes-admin +<none> +Pending$/);
  await says("certificate approve jane", "certificatesigningrequest.certificates.k8s.io/jane approved");
  await untilMatches("get csr jane", /Approved,Issued$/);
  const certificate = Buffer.from((await kubectl("get csr jane -o jsonpath={.status.certificate}")).out, "base64");
  writeFileSync(join(folder, "jane.crt"), certificate);
  const read = spawnSync("openssl", ["x509", "-noout", "-subject", "-in", join(folder, "jane.crt")], { encoding: "utf8" });
  assert.match(read.stdout, /O ?= ?dev, CN ?= ?jane/);
});

test("older and newer kubectl do the same", { skip }, async (t) => {
  const path = (found as { path: string }).path;
  for (const version of ["1.27", "1.33"]) {
    const other = kubectlOfVersion(path, version);
    await t.test(`kubectl ${version}`, { skip: other ? false : `no kubectl ${version} beside the one on PATH` }, async () => {
      const run = kubectlAt(other as string, server.kubeconfig, folder);
      const place = `v${version.replace(".", "-")}`;
      const lines: readonly (readonly [string, RegExp, string?])[] = [
        [`create namespace ${place}`, /created$/],
        [`create -n ${place} deployment web --image=nginx`, /^deployment.apps\/web created$/],
        [`get -n ${place} deploy web -o wide`, /^web +0\/1 /m],
        [`apply -n ${place} -f -`, /^configmap\/m created$/, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n"],
        [`apply -n ${place} -f -`, /^configmap\/m unchanged$/, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n"],
        [
          `apply -n ${place} --server-side --force-conflicts -f -`,
          /serverside-applied$/,
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: b}\n",
        ],
        [`scale -n ${place} deploy web --replicas=2`, /^deployment.apps\/web scaled$/],
        [`set image -n ${place} deploy/web nginx=nginx:2`, /image updated$/],
        [`rollout history -n ${place} deploy/web`, /REVISION/],
        [`describe -n ${place} deploy web`, /Events:/],
        ["explain pod.spec.containers", /image\t<string>/],
        ["api-resources", /deployments +deploy +apps\/v1/],
        [`delete ns ${place}`, /deleted/],
      ];
      for (const [line, pattern, input = ""] of lines) {
        const ran = await run(line, { input });
        assert.equal(ran.code, 0, `${line}: ${ran.text}`);
        assert.match(ran.text, pattern, line);
      }
    });
  }
});

test("kubectl proxy", { skip }, async () => {
  const proxying = kubectl("proxy --port=0", { milliseconds: 3_000 });
  const ran = await proxying;
  assert.match(ran.text, /^Starting to serve on 127\.0\.0\.1:\d+$/m);
  assert.equal((await ask(server, "GET", "/api/v1/namespaces/default")).json.metadata.name, "default");
});

async function untilSays(line: string, text: string): Promise<void> {
  let last = "";
  for (let attempt = 0; attempt < 50; attempt++) {
    last = (await kubectl(line)).text;
    if (last === text) return;
  }
  assert.equal(last, text, line);
}

async function untilMatches(line: string, pattern: RegExp): Promise<void> {
  let last = "";
  for (let attempt = 0; attempt < 50; attempt++) {
    last = (await kubectl(line)).text;
    if (pattern.test(last)) return;
  }
  assert.match(last, pattern, line);
}

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    - {name: Color, type: string, jsonPath: .spec.color, priority: 1}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, minimum: 1, description: How big.}
              replicas: {type: integer, default: 1}
              color: {type: string, enum: [red, blue]}
              big: {type: integer, format: int64}
          status: {type: object, properties: {replicas: {type: integer}}}
`;
