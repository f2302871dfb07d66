// Time limit: 5 minutes.
// What stands between Services and Pods: endpoints, as controllers publish them and as people write them, and the way through the API
// server; on one node made for this file. The rules are those of src/controllers/endpoint-slice/SPEC.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoints } from "#api/core/endpoints/endpoints.ts";
import type { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { nodeFor, nodePrograms } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, "curl");
const address = "192.168.88.20";
const program = "/usr/lib/keelson/node";
const pods = ["one", "two", "three"] as const;

/** Says who it is, at which port, and what it was asked; "/toggle" turns its readiness. */
const server = `let ready = true; for (const port of process.env.PORTS.split(",")) require("node:http").createServer((asked, answer) => {
  let body = ""; asked.on("data", (part) => { body += part; });
  asked.on("end", () => { if (asked.url === "/toggle") ready = !ready;
    answer.writeHead(asked.url === "/ready" ? (ready ? 200 : 503) : asked.url.startsWith("/teapot") ? 418 : 200, { connection: "close", "x-asked": asked.method });
    answer.end([process.env.NAME, port, asked.method, asked.url, body].join(" ").trim()); }); }).listen(Number(port));
process.on("SIGTERM", () => setTimeout(process.exit, 4000));`;

const pod = (name: string, http: number) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: web, name: ${name}}}
spec:
  containers:
  - name: main
    image: keelson/hello
    command: [${program}, -e, ${JSON.stringify(server)}]
    env: [{name: NAME, value: ${name}}, {name: PORTS, value: "${http},9090"}]
    ports: [{name: http, containerPort: ${http}}, {name: other, containerPort: 9090}]
    readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 1, failureThreshold: 1}
---`;
const service = (name: string, spec: string) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: ${spec}
---`;
const ports = "ports: [{name: http, port: 80, targetPort: http}, {name: other, port: 81, targetPort: 9090}]";
const slice = (name: string, of: string, port: string, ips: readonly string[]) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, labels: {kubernetes.io/service-name: ${of}}}
addressType: IPv4
ports: [${port}]
endpoints: [${ips.map((ip) => `{addresses: [${ip}], conditions: {ready: true}}`).join(", ")}]
---`;

test("endpoints on one node", { skip, timeout: 5 * 60_000 }, async (context) => {
  const { machine, kubectl, tryKubectl, apply } = await nodeFor(context, { name: uniqueName("e2e-endpoints"), address });
  await apply(
    `${pod("one", 8080)}${pod("two", 8080)}${pod("three", 8081)}${service("web", `{selector: {app: web}, ${ports}}`)}${service("by-hand", `{${ports}}`)}`,
  );
  await kubectl("wait --for=condition=Ready pod --all --timeout=90s");
  const node = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
  const ips = (await kubectl(["get", "pods", ...pods, "-o", "jsonpath={.items[*].status.podIP}"])).split(" ");
  const [one = "", two = "", three = ""] = ips;
  const vipOf = (name: string) => kubectl(`get service ${name} -o jsonpath={.spec.clusterIP}`);
  const ask = async (host: string, port = 80, path = "/") =>
    (await machine.run(["curl", "-s", "--max-time", "2", `http://${host}:${port}${path}`])).stdout;
  /** "NAME PORT" of everybody who answers there. */
  const answering = async (host: string, port = 80) => {
    const found = new Set<string>();
    for (let at = 0; at < 16; at += 1) found.add((await ask(host, port)).split(" ").slice(0, 2).join(" "));
    return [...found].sort();
  };
  const answered = (what: string, host: string, port: number, wanted: readonly string[]) =>
    eventually(what, 20, async () => (JSON.stringify(await answering(host, port)) === JSON.stringify(wanted) ? true : undefined));
  const slicesOf = async (name: string): Promise<readonly EndpointSlice[]> =>
    JSON.parse(await kubectl(`get endpointslices -l kubernetes.io/service-name=${name} -o json`)).items;
  /** "two http:8080,other:9090 ready serving", by name. */
  const shown = async (name: string) =>
    (await slicesOf(name))
      .flatMap(({ endpoints = [], ports: offered }) =>
        endpoints.map(({ targetRef, addresses, conditions }) =>
          [
            targetRef?.name ?? addresses[0],
            offered.map((one) => `${one.name}:${one.port}`).join(","),
            ...(["ready", "serving", "terminating"] as const).filter((which) => conditions[which]),
          ].join(" "),
        ),
      )
      .sort();
  /** "one two / three": ready, and not. */
  const older = async (name: string) => {
    const { subsets = [] } = JSON.parse(await kubectl(`get endpoints ${name} -o json`)) as Endpoints;
    const names = (which: "addresses" | "notReadyAddresses") =>
      subsets
        .flatMap((subset) => subset[which] ?? [])
        .map(({ targetRef, ip }) => targetRef?.name ?? ip)
        .sort()
        .join(" ");
    return `${names("addresses")} / ${names("notReadyAddresses")}`;
  };
  const becomes = <T>(what: string, look: () => Promise<T>, wanted: T) =>
    eventually(what, 20, async () => (JSON.stringify(await look()) === JSON.stringify(wanted) ? true : undefined)).catch(async () =>
      assert.deepEqual(await look(), wanted, what),
    );

  await context.test("NETWORK-401: each port of a Service leads to its target port, of whatever number in each Pod", async () => {
    const vip = await vipOf("web");
    await answered("the named port", vip, 80, ["one 8080", "three 8081", "two 8080"]);
    assert.deepEqual(await answering(vip, 81), ["one 9090", "three 9090", "two 9090"]);
  });

  await context.test("NETWORK-404: trafficDistribution gives ready endpoints hints, which follow their Node's zone", async () => {
    const hints = async () => [
      ...new Set((await slicesOf("web")).flatMap(({ endpoints }) => endpoints.map((endpoint) => JSON.stringify(endpoint.hints ?? null)))),
    ];
    const prefer = (value: string | null) =>
      kubectl(["patch", "service", "web", "--type=merge", "-p", JSON.stringify({ spec: { trafficDistribution: value } })]);
    const zone = { forZones: [{ name: "east" }] };
    await kubectl(`label node ${node} topology.kubernetes.io/zone=east`);
    for (const value of ["PreferSameZone", "PreferClose"]) {
      await prefer(value);
      await becomes(value, hints, [JSON.stringify(zone)]);
    }
    await prefer("PreferSameNode");
    await becomes("the node's", hints, [JSON.stringify({ forNodes: [{ name: node }], ...zone })]);
    assert.equal((await answering(await vipOf("web"))).length, 3);
    await prefer("PreferSameZone");
    await kubectl(`label node ${node} topology.kubernetes.io/zone-`);
    await becomes("no zone, no hints", hints, ["null"]);
    await prefer(null);
  });

  await context.test("NETWORK-402: a Service without a selector leads where EndpointSlices say that others write", async () => {
    const vip = await vipOf("by-hand");
    assert.equal((await machine.run(["curl", "-s", "--max-time", "2", `http://${vip}`])).code, 7, "refused at once");
    await apply(
      slice("hand-1", "by-hand", "{name: http, port: 8080}", [one]) + slice("hand-2", "by-hand", "{name: other, port: 9090}", [two]),
    );
    await answered("the one slice's port", vip, 80, ["one 8080"]);
    await answered("the other slice's port", vip, 81, ["two 9090"]);
    await apply(slice("hand-3", "by-hand", "{name: http, port: 8080}", [two]));
    await answered("two slices, one port", vip, 80, ["one 8080", "two 8080"]);
    await kubectl("delete endpointslice hand-1");
    await answered("one of them", vip, 80, ["two 8080"]);
    assert.deepEqual((await slicesOf("by-hand")).map(({ metadata }) => metadata.name).sort(), ["hand-2", "hand-3"]);
    await kubectl("delete endpointslice hand-2 hand-3");
    await becomes("nobody", () => answering(vip), [""]);
  });

  await context.test("NETWORK-403: Endpoints that somebody writes are shown as EndpointSlices, until they go", async () => {
    const vip = await vipOf("by-hand");
    const endpoints = (ip: string, labels = "{}") => `
apiVersion: v1
kind: Endpoints
metadata: {name: by-hand, labels: ${labels}}
subsets: [{addresses: [{ip: ${ip}}], ports: [{name: http, port: ${ip === three ? 8081 : 8080}}]}]`;
    await apply(endpoints(one));
    await answered("the first", vip, 80, ["one 8080"]);
    const [mirrored] = await slicesOf("by-hand");
    assert.equal(mirrored?.metadata.labels?.["endpointslice.kubernetes.io/managed-by"], "endpointslicemirroring-controller.k8s.io");
    assert.deepEqual(
      mirrored?.metadata.ownerReferences?.map(({ kind, name }) => `${kind} ${name}`),
      ["Endpoints by-hand"],
    );
    await apply(endpoints(three));
    await answered("the changed one", vip, 80, ["three 8081"]);
    await kubectl("label endpoints by-hand endpointslice.kubernetes.io/skip-mirror=true");
    await becomes("not to be shown", () => shown("by-hand"), []);
    await kubectl("label endpoints by-hand endpointslice.kubernetes.io/skip-mirror-");
    await becomes("shown again", () => shown("by-hand"), [`${three} http:8081 ready`]);
    await kubectl("delete endpoints by-hand");
    await becomes("gone", () => shown("by-hand"), []);
  });

  await context.test("NETWORK-405: the Service kubernetes leads every Pod to the API server, and keeps its endpoints", async () => {
    const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
    const script = `const { readFileSync: read } = require("node:fs"); require("node:https").get("https://kubernetes.default.svc/api/v1/namespaces/default",
{ ca: read("${folder}/ca.crt"), headers: { authorization: "Bearer " + read("${folder}/token", "utf8") } }, (a) => { a.on("data", (d) => process.stdout.write(d)); });`;
    const said = JSON.parse(await kubectl(["exec", "one", "--", program, "-e", script]));
    assert.match(said.message, /User "system:serviceaccount:default:default" cannot get resource "namespaces"/, "known by its token");
    const its = async () => (await slicesOf("kubernetes")).flatMap(({ endpoints }) => endpoints.flatMap(({ addresses }) => addresses));
    assert.deepEqual(await its(), [address]);
    assert.equal(await older("kubernetes"), `${address} / `);
    await kubectl("delete endpointslice kubernetes");
    await kubectl("delete endpoints kubernetes");
    await becomes("made anew", async () => [...(await its()), (await tryKubectl("get endpoints kubernetes")).code], [address, 0]);
  });

  await context.test("NETWORK-410: requests of every method reach Pods and Services through the API server", async () => {
    const pki = "/etc/kubernetes/pki";
    const as = ["--cacert", `${pki}/ca.crt`, "--cert", `${pki}/admin.crt`, "--key", `${pki}/admin.key`];
    const through = async (path: string, ...words: readonly string[]) =>
      (
        await machine.run([
          "curl",
          ...["-s", "--max-time", "5", "-w", " %{http_code} %header{x-asked}", ...as, ...words],
          `https://${address}:6443/api/v1/namespaces/default/${path}`,
        ])
      ).stdout.trim();
    const places = ["pods/one", "pods/one:8080", "pods/http:one:http", "services/solo:http", "services/solo:80", "services/http:solo:http"];
    await apply(service("solo", `{selector: {name: one}, ${ports}}`));
    await answered("its Service", await vipOf("solo"), 80, ["one 8080"]);
    for (const place of places)
      assert.equal(await through(`${place}/proxy/some/path?a=b%20c`), "one 8080 GET /some/path?a=b%20c 200 GET", place);
    assert.equal(await through("services/solo:other/proxy/"), "one 9090 GET / 200 GET");
    assert.equal(await through("pods/one:9090/proxy/"), "one 9090 GET / 200 GET");
    for (const place of ["pods/one", "services/solo:http"]) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"])
        assert.equal(
          await through(`${place}/proxy/x`, "-X", method, "-H", "content-type: text/plain", "-d", "text"),
          `one 8080 ${method} /x text 200 ${method}`,
          `${method} ${place}`,
        );
      assert.equal(await through(`${place}/proxy/x`, "-X", "OPTIONS"), "one 8080 OPTIONS /x 200 OPTIONS");
      assert.match(await through(`${place}/proxy/x`, "--head"), /200 HEAD$/);
      assert.equal(await through(`${place}/proxy/teapot`), "one 8080 GET /teapot 418 GET");
      assert.match(await through(`${place}/proxy`), /301$/);
    }
    assert.match(await through("services/by-hand:http/proxy/"), /no endpoints available for service \\?"by-hand[\s\S]* 503$/);
    await kubectl("delete service solo");
  });

  await context.test("NETWORK-400: EndpointSlices and Endpoints show a Service's Pods as they come, become ready, end and go", async () => {
    const both = "http:8080,other:9090";
    const [first, second, third] = [`one ${both} ready serving`, `two ${both} ready serving`, "three http:8081,other:9090 ready serving"];
    await becomes("all", () => shown("web"), [first, third, second].sort());
    await becomes("all, the older way", () => older("web"), "one three two / ");
    const [any] = await slicesOf("web");
    assert.deepEqual(
      [any?.metadata.labels?.["endpointslice.kubernetes.io/managed-by"], any?.metadata.ownerReferences?.[0]?.kind],
      ["endpointslice-controller.k8s.io", "Service"],
    );
    assert.equal(any?.endpoints[0]?.nodeName, node);
    await ask(two, 8080, "/toggle");
    await becomes("one is not ready", () => shown("web"), [first, third, `two ${both}`].sort());
    await becomes("the older way", () => older("web"), "one three / two");
    assert.deepEqual(await answering(await vipOf("web")), ["one 8080", "three 8081"]);
    await ask(two, 8080, "/toggle");
    await becomes("it is ready again", () => shown("web"), [first, third, second].sort());
    await kubectl("delete pod two --wait=false");
    await becomes("it ends, and serves", () => shown("web"), [first, third, `two ${both} serving terminating`].sort());
    await becomes("the older way it is gone", () => older("web"), "one three / ");
    await becomes("it is gone", () => shown("web"), [first, third].sort());
    await kubectl("label pod three app=else --overwrite");
    await becomes("another label", () => shown("web"), [first]);
    await kubectl("delete service web");
    await becomes("the Service is gone", () => shown("web"), []);
    await becomes("and its Endpoints", async () => (await tryKubectl("get endpoints web")).code, 1);
  });

  await context.test("NETWORK-406: a hundred Services made at once have their endpoints soon", async (own) => {
    const names = Array.from({ length: 100 }, (_, at) => `many-${at}`);
    const started = performance.now();
    await apply(
      names
        .map((name) => service(name, "{type: NodePort, selector: {name: one}, ports: [{port: 80, targetPort: 8080}]}"))
        .map((text, at) => text.replace(`{name: ${names[at]}}`, `{name: ${names[at]}, labels: {many: "yes"}}`))
        .join(""),
    );
    const applied = performance.now();
    await eventually("all have endpoints", 20, async () => {
      const { items } = JSON.parse(await kubectl("get endpointslices -l many=yes -o json")) as { readonly items: readonly EndpointSlice[] };
      return items.filter(({ endpoints }) => endpoints.some(({ addresses }) => addresses[0] === one)).length === 100 ? true : undefined;
    });
    own.diagnostic(`made in ${Math.round(applied - started)} ms, endpoints ${Math.round(performance.now() - applied)} ms later`);
  });

  await context.test(
    "NETWORK-411: Services are deleted as a collection, and give back what they had; their status is written apart",
    async () => {
      const status = {
        conditions: [{ type: "Known", status: "True", reason: "Test", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" }],
      };
      await kubectl(["patch", "service", "many-1", "--subresource=status", "--type=merge", "-p", JSON.stringify({ status })]);
      assert.equal(await kubectl("get service many-1 -o jsonpath={.status.conditions[0].reason}"), "Test");
      await kubectl(["patch", "service", "many-1", "--type=merge", "-p", JSON.stringify({ status: { conditions: [] } })]);
      assert.equal(await kubectl("get service many-1 -o jsonpath={.status.conditions[0].reason}"), "Test", "not with the Service itself");
      const had = JSON.parse(await kubectl("get service many-1 -o json"));
      const heir = service(
        "heir",
        `{type: NodePort, clusterIP: ${had.spec.clusterIP}, ports: [{port: 80, nodePort: ${had.spec.ports[0].nodePort}}]}`,
      );
      assert.match((await tryKubectl("apply -f -", { input: heir })).stderr, /provided (IP|port) is already allocated/);
      await kubectl("delete --raw /api/v1/namespaces/default/services?labelSelector=many%3Dyes");
      await becomes("all are gone", async () => (await kubectl("get services -l many=yes -o name")).length, 0);
      await apply(heir);
      await becomes("and their slices", async () => (await kubectl("get endpointslices -l many=yes -o name")).length, 0);
    },
  );

  await context.test("NETWORK-412: Ingresses, IngressClasses, IPAddresses and ServiceCIDRs are served whole", async () => {
    const group = "/apis/networking.k8s.io/v1";
    const objects = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: usual, labels: {kind-of: test}, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: example.org/usual}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, labels: {kind-of: test}}
spec: {rules: [{host: shop.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: heir, port: {number: 80}}}}]}}]}
---
apiVersion: networking.k8s.io/v1
kind: IPAddress
metadata: {name: 192.0.2.7, labels: {kind-of: test}}
spec: {parentRef: {resource: services, namespace: default, name: heir}}
---
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: more, labels: {kind-of: test}}
spec: {cidrs: [192.0.2.0/24]}
---`;
    const resources = [
      ["ingressclasses", "ingressclasses", "usual"],
      ["ingresses", "namespaces/default/ingresses", "shop"],
      ["ipaddresses", "ipaddresses", "192.0.2.7"],
      ["servicecidrs", "servicecidrs", "more"],
    ] as const;
    await apply(objects);
    assert.equal(await kubectl("get ingress shop -o jsonpath={.spec.ingressClassName}"), "usual");
    for (const [plural, path, name] of resources) {
      const list = JSON.parse(await kubectl(["get", "--raw", `${group}/${path}?labelSelector=kind-of%3Dtest`]));
      assert.deepEqual([list.items.length, list.items[0].metadata.name], [1, name], plural);
      const { resourceVersion } = list.metadata;
      await kubectl(["patch", plural, name, "--type=merge", "-p", '{"metadata":{"annotations":{"touched":"yes"}}}']);
      const watched = `${group}/${path}?watch=true&timeoutSeconds=1&resourceVersion=${resourceVersion}&fieldSelector=metadata.name%3D${name}`;
      const events = (await kubectl(["get", "--raw", watched])).split("\n").map((line) => JSON.parse(line));
      assert.deepEqual([events[0].type, events[0].object.metadata.annotations.touched], ["MODIFIED", "yes"], plural);
    }
    const balanced = { status: { loadBalancer: { ingress: [{ ip: "192.0.2.8" }] } } };
    await kubectl(["patch", "ingress", "shop", "--subresource=status", "--type=merge", "-p", JSON.stringify(balanced)]);
    assert.match(await kubectl("get ingress shop --no-headers"), /^shop +usual +shop\.example +192\.0\.2\.8 +80 /);
    assert.match(await kubectl("get ipaddress 192.0.2.7 --no-headers"), /services\/default\/heir/);
    assert.equal(await kubectl("get servicecidr kubernetes -o jsonpath={.status.conditions[0].type}"), "Ready");
    const wrong = objects.replace("pathType: Prefix", "pathType: Any").replace("name: 192.0.2.7", "name: 192.0.2.007");
    const refused = (await tryKubectl("apply -f - --dry-run=server", { input: wrong })).stderr;
    assert.match(refused, /pathType: Unsupported value: "Any"/);
    assert.match(refused, /metadata\.name: Invalid value: "192\.0\.2\.007"/);
    assert.match(
      (await tryKubectl(["patch", "servicecidr", "more", "--type=merge", "-p", '{"spec":{"cidrs":["192.0.2.0/25"]}}'])).stderr,
      /spec\.cidrs/,
    );
    for (const [plural, path] of resources) {
      await kubectl(["delete", "--raw", `${group}/${path}?labelSelector=kind-of%3Dtest`]);
      await becomes(plural, async () => (await kubectl(`get ${plural} -l kind-of=test -o name`)).length, 0);
    }
  });
});
