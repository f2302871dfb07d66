// What a user or a client can get wrong against `keelson dev`: each has a clear answer, nothing is lost, and the server lives on.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type DevProcess, startDevProcess } from "../support/dev-process.ts";
import { findKubectl, type Kubectl, kubectlAt } from "../support/kubectl.ts";

const root = join(import.meta.dirname, "../..");
const found = findKubectl();
const skip = "missing" in found ? found.missing : false;
const folder = mkdtempSync(join(tmpdir(), "keelson-bad-input-"));
const data = join(folder, "data");
let server: DevProcess;
let kubectl: Kubectl;

before(async () => {
  server = await startDevProcess(folder, { more: ["--data-dir", data] });
  if ("path" in found) kubectl = kubectlAt(found.path, server.kubeconfig, folder);
});
after(async () => {
  await server?.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly warnings: readonly string[];
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

/** A request whose path and body are sent as they are. */
function send(method: string, path: string, body?: string | Buffer, headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const all = { ...(body !== undefined && { "content-type": type, "content-length": String(Buffer.byteLength(body)) }), ...headers };
    const request = https.request({ agent: server.agent, host: "127.0.0.1", port: server.port, method, path, headers: all }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (chunk: Buffer) => parts.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(parts).toString();
        const warnings = [response.headers["warning"] ?? []].flat();
        resolve({ status: response.statusCode ?? 0, text, warnings, json: text.startsWith("{") ? JSON.parse(text) : undefined });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** A Status with this code and reason, and a message like this. */
function isRefused(reply: Reply, code: number, reason: string, message: RegExp): void {
  assert.equal(reply.status, code, reply.text.slice(0, 500));
  const { kind, status, reason: given, message: said, code: told } = reply.json;
  assert.deepEqual({ kind, status, given, told }, { kind: "Status", status: "Failure", given: reason, told: code });
  assert.match(said, message);
}

const maps = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string, more: object = {}) => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, ...more });

async function created(name: string, more: object = {}): Promise<void> {
  const reply = await send("POST", maps, configMap(name, more));
  assert.equal(reply.status, 201, reply.text.slice(0, 500));
}

async function keelson(...arguments_: string[]): Promise<{ readonly code: number | null; readonly text: string }> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "src/hosts/main.ts"), ...arguments_], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 15_000,
    killSignal: "SIGKILL",
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += String(chunk)));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, text })));
}

/** It ends by itself, with a sentence and without a stack. */
async function endsSaying(arguments_: readonly string[], code: number, message: RegExp): Promise<void> {
  const ran = await keelson(...arguments_);
  assert.equal(ran.code, code, `${arguments_.join(" ")}: ${ran.text}`);
  assert.match(ran.text, message, arguments_.join(" "));
  assert.doesNotMatch(ran.text, /^ +at /m, "no stack");
}

test("flags that are not there, and values that are none", async () => {
  await endsSaying(["dev", "--nope"], 2, /unknown flag: --nope/);
  await endsSaying(["dev", "--nodes", "many"], 2, /invalid argument "many" for "--nodes" flag/);
  await endsSaying(["dev", "--port", "99999"], 1, /--port is 99999; it may be 0 to 65535/);
  await endsSaying(["devel"], 1, /devel/);
});

test("a taken port", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  await endsSaying(["dev", "--port", String(port)], 1, new RegExp(`port ${port} of 127\\.0\\.0\\.1 is taken\nChoose another`));
  taken.close();
});

test("folders that cannot be used", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "mine");
  const foreign = join(folder, "foreign");
  mkdirSync(foreign);
  writeFileSync(join(foreign, "store"), "this is no store, and it is left as it is".repeat(100));
  const dev = (...more: string[]) => ["dev", "--port", "0", ...more];
  await endsSaying(
    dev("--data-dir", "/proc/keelson"),
    1,
    /the data folder \/proc\/keelson cannot be used: .*no folder can be made there\nChoose/,
  );
  await endsSaying(dev("--data-dir", file), 1, /cannot be used: .*something that is no folder is there already/);
  await endsSaying(dev("--data-dir", join(file, "below")), 1, /cannot be used: .*a part of the path is no folder/);
  await endsSaying(dev("--data-dir", foreign), 1, /the data folder .*foreign cannot be used: /);
  await endsSaying(dev("--data-dir", data), 1, /the data folder .* cannot be used: .*in use by another process/);
  await endsSaying(dev("--kubeconfig-out", join(file, "x")), 1, /the kubeconfig cannot be written: /);
  assert.equal((await send("GET", "/livez")).text, "ok", "whoever has the folder is not disturbed");
});

test("manifests that kubectl cannot read or the server does not want", { skip }, async () => {
  const says = async (line: string, pattern: RegExp, input = "") => {
    const ran = await kubectl(line, { input });
    assert.notEqual(ran.code, 0, `${line}: ${ran.text}`);
    assert.match(ran.text, pattern, line);
  };
  await says("apply -f -", /error parsing STDIN|yaml/, "a: [1\nb: {");
  await says("apply -f -", /apiVersion not set|no kind|kind not set/i, "metadata: {name: x}");
  await says("apply -f -", /no matches for kind "Nope" in version "v1"/, "apiVersion: v1\nkind: Nope\nmetadata: {name: x}");
  await says("get pods --nope", /unknown flag: --nope/);
  const unknown = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: strict}\ndat: {a: b}";
  await says("create -f -", /strict decoding error: unknown field "dat"/, unknown);
  await says(
    "create -f -",
    /a lowercase RFC 1123 subdomain must consist of/,
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Upper_Case}",
  );
  await says("get pods -l 'a in'", /unable to parse requirement|couldn't parse/);
  await says("get pods --field-selector nope=1", /field label not supported|"nope" is not a known field/);
  await says("logs missing", /rror from server \(NotFound\): pods "missing" not found/);
  await says("exec missing -- true", /pods "missing" not found/);
});

test("bodies that are no objects", async () => {
  isRefused(await send("POST", maps, "{"), 400, "BadRequest", /unexpected end of JSON input/);
  isRefused(await send("POST", maps, "[]"), 400, "BadRequest", /cannot be handled as a ConfigMap/);
  isRefused(await send("POST", maps, ""), 400, "BadRequest", /unexpected end of JSON input/);
  isRefused(await send("POST", maps, "a: [", { "content-type": "application/yaml" }), 400, "BadRequest", /yaml/);
  isRefused(await send("POST", maps, "x", { "content-type": "text/csv" }), 415, "UnsupportedMediaType", /accepted media types include/);
  isRefused(await send("POST", maps, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), 400, "BadRequest", /not valid UTF-8/);
  isRefused(
    await send("POST", maps, Buffer.from("k8s\0\xff\xff\xff", "latin1"), { "content-type": "application/vnd.kubernetes.protobuf" }),
    400,
    "BadRequest",
    /./,
  );
  isRefused(
    await send("POST", maps, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}`),
    400,
    "BadRequest",
    /does not match the expected kind/,
  );
  isRefused(
    await send("POST", maps, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":1}}`),
    400,
    "BadRequest",
    /cannot unmarshal number/,
  );
});

test("objects and requests of 3 MB", async () => {
  isRefused(
    await send("POST", maps, configMap("large", { data: { a: "x".repeat(3 * 1024 * 1024) } })),
    413,
    "RequestEntityTooLarge",
    /limit is 3145728/,
  );
  const reply = await send("POST", maps, configMap("large", { data: { a: "x".repeat(2 * 1024 * 1024) } }));
  assert.ok(reply.status === 422 || reply.status === 413, reply.text.slice(0, 300));
  assert.match(reply.json.message, /Too long|too large/i);
  await created("fits", { data: { a: "x".repeat(900_000) } });
  assert.equal((await send("GET", `${maps}/fits`)).json.data.a.length, 900_000);
});

test("unknown and duplicate fields: refused, warned of, or ignored", async () => {
  const body = (name: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}"},"data":{"a":"1","a":"2"},"dta":{}}`;
  const strict = await send("POST", `${maps}?fieldValidation=Strict`, body("strict"));
  isRefused(strict, 400, "BadRequest", /strict decoding error: duplicate field "data.a", unknown field "dta"/);
  const warned = await send("POST", `${maps}?fieldValidation=Warn`, body("warned"));
  assert.deepEqual([warned.status, warned.json.data], [201, { a: "2" }]);
  assert.match(warned.warnings.join(), /duplicate field \\"data.a\\".*unknown field \\"dta\\"/);
  const ignored = await send("POST", `${maps}?fieldValidation=Ignore`, body("ignored"));
  assert.deepEqual([ignored.status, ignored.warnings], [201, []]);
  isRefused(await send("POST", `${maps}?fieldValidation=Maybe`, body("maybe")), 422, "Invalid", /fieldValidation: .*"Maybe"/);
});

test("nesting without end", async () => {
  const deep = (depth: number) =>
    `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"x":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  isRefused(await send("POST", maps, deep(100_000)), 400, "BadRequest", /exceeded max depth/);
  isRefused(await send("POST", maps, `${"- ".repeat(50_000)}a`, { "content-type": "application/yaml" }), 400, "BadRequest", /yaml/);
  isRefused(await send("POST", maps, "{a: ".repeat(50_000), { "content-type": "application/yaml" }), 400, "BadRequest", /yaml/);
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[..."bcdefghi"].map((name, index) => `${name}: &${name} [${`*${"abcdefgh"[index]},`.repeat(9)}]`).join("\n")}\n`;
  isRefused(await send("POST", maps, bomb, { "content-type": "application/yaml" }), 400, "BadRequest", /alias/i);
});

test("names and paths", async () => {
  const bad = /a lowercase RFC 1123 subdomain must consist of/i;
  for (const name of ["Upper", "a/b", "a b", "-a", "a_b", "é", "\0", "a".repeat(254)]) {
    const reply = await send("POST", maps, configMap(name));
    assert.equal(reply.status, 422, `${JSON.stringify(name)}: ${reply.text.slice(0, 300)}`);
    assert.equal(reply.json.reason, "Invalid");
  }
  isRefused(await send("POST", maps, configMap("Upper")), 422, "Invalid", bad);
  for (const name of [".", ".."]) assert.equal((await send("POST", maps, configMap(name))).status, 422, name);
  for (const path of ["..%2fsecrets", "%2e%2e", "%00", "%ff", "%zz", "a%2fb", "%", "..%2f..%2f..%2fetc%2fpasswd"]) {
    const reply = await send("GET", `${maps}/${path}`);
    assert.ok(reply.status === 400 || reply.status === 404, `${path}: ${reply.status}`);
    assert.equal(reply.json?.kind ?? "Status", "Status", path);
  }
  isRefused(await send("GET", `${maps}/__proto__`), 404, "NotFound", /configmaps "__proto__" not found/);
  isRefused(await send("GET", "/api/v1/namespaces/default/constructor"), 404, "NotFound", /could not find the requested resource/);
  isRefused(await send("GET", "/apis/__proto__/v1/things"), 404, "NotFound", /could not find/);
});

test("labels and keys", async () => {
  const label = (key: string, value: string) =>
    send("POST", maps, configMap("labelled", { metadata: { name: "labelled", labels: { [key]: value } } }));
  isRefused(await label("a", "x".repeat(100_000)), 422, "Invalid", /must be no more than 63 (bytes|characters)/);
  isRefused(await label("a", "b c"), 422, "Invalid", /a valid label must be an empty string or consist of/);
  isRefused(await label("a/b/c", "b"), 422, "Invalid", /a qualified name must consist of/);
  const text = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"strange","annotations":{"constructor":"c"},"labels":{"toString":"s"}},"data":{"__proto__":"p","constructor":"c"}}`;
  assert.equal((await send("POST", maps, text)).status, 201);
  const { text: kept } = await send("GET", `${maps}/strange`);
  for (const part of [`"__proto__":"p"`, `"constructor":"c"`, `"toString":"s"`]) assert.ok(kept.includes(part), part);
  assert.match((await send("GET", `${maps}?labelSelector=toString%3Ds`)).text, /"name":"strange"/);
  assert.equal((await send("GET", `${maps}?labelSelector=valueOf`)).json.items.length, 0);
  const patched = await send("PATCH", `${maps}/strange`, `{"data":{"__proto__":"q"}}`);
  assert.ok(patched.text.includes(`"__proto__":"q"`), patched.text);
});

test("patches that are none, or want too much", async () => {
  await created("patched", { data: { a: "b" } });
  const json = { "content-type": "application/json-patch+json" };
  const path = `${maps}/patched`;
  isRefused(await send("PATCH", path, "{", json), 400, "BadRequest", /decoding patch/);
  isRefused(await send("PATCH", path, "5"), 400, "BadRequest", /cannot unmarshal number/);
  const removed = await send("PATCH", path, `[{"op":"remove","path":"/data/nope"}]`, json);
  assert.equal(removed.status, 422, removed.text);
  const doubling = Array.from({ length: 40 }, (_, index) => ({ op: "copy", from: "/data", path: `/data/x${index}` }));
  const bomb = await send("PATCH", path, JSON.stringify(doubling), json);
  assert.ok(bomb.status >= 400 && bomb.status < 500, bomb.text.slice(0, 300));
  const many = JSON.stringify(Array.from({ length: 20_000 }, () => ({ op: "add", path: "/data/c", value: "d" })));
  isRefused(await send("PATCH", path, many, json), 413, "RequestEntityTooLarge", /operations/);
  isRefused(
    await send("PATCH", path, "{}", { "content-type": "application/nonsense" }),
    415,
    "UnsupportedMediaType",
    /accepted media types/,
  );
  isRefused(await send("PATCH", path, `{"metadata":{"resourceVersion":"1"}}`), 409, "Conflict", /has been modified/);
  isRefused(await send("PATCH", path, `{"kind":"Secret"}`), 400, "BadRequest", /kind/);
  assert.deepEqual((await send("GET", path)).json.data, { a: "b" });
});

test("queries full of garbage", async () => {
  const asked = async (query: string, code: number, reason: string, message: RegExp) =>
    isRefused(await send("GET", `${maps}?${query}`), code, reason, message);
  await asked("labelSelector=%3D%3D%3D", 400, "BadRequest", /found '==', expected: !, identifier, or 'end of string'/);
  await asked(`labelSelector=${"a,".repeat(5_000)}!`, 400, "BadRequest", /unable to parse|found/);
  await asked("fieldSelector=spec.nope%3D1", 400, "BadRequest", /field label not supported/);
  await asked("limit=many", 400, "BadRequest", /strconv\.ParseInt: parsing "many": invalid syntax/);
  await asked("limit=99999999999999999999", 400, "BadRequest", /value out of range/);
  await asked("timeoutSeconds=x", 400, "BadRequest", /strconv\.ParseInt: parsing "x": invalid syntax/);
  await asked("watch=true&timeoutSeconds=x", 400, "BadRequest", /strconv\.ParseInt: parsing "x": invalid syntax/);
  await asked("resourceVersion=soon", 400, "BadRequest", /invalid resource version|Invalid value/i);
  await asked("watch=1&resourceVersion=-5", 400, "BadRequest", /invalid resource version/i);
  await asked("resourceVersionMatch=Sometimes&resourceVersion=1", 422, "Invalid", /supported values: "Exact", "NotOlderThan"/);
  await asked("continue=garbage", 400, "BadRequest", /continue key is not valid/);
  await asked(
    `continue=${Buffer.from(`{"v":"meta.k8s.io/v1","rv":5,"start":"../../secrets"}`).toString("base64url")}&resourceVersion=3`,
    400,
    "BadRequest",
    /resource version/,
  );
  assert.equal((await send("GET", maps, undefined, { accept: "image/png" })).status, 406);
  assert.ok((await send("GET", maps, undefined, { accept: "a;q=x,".repeat(2_000) })).status < 500);
});

test("custom resources keep what they are given", async () => {
  const schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const names = { plural: "blobs", singular: "blob", kind: "Blob", listKind: "BlobList" };
  const versions = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }];
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "blobs.example.com" },
    spec: { group: "example.com", scope: "Namespaced", names, versions },
  };
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  assert.equal((await send("POST", definitions, JSON.stringify(definition))).status, 201);
  const blobs = "/apis/example.com/v1/namespaces/default/blobs";
  const spec = `{"big":9007199254740993,"least":-9223372036854775808,"float":1.5,"none":null,"__proto__":{"x":[{}]},"deep":{"list":[[1],{"a":null}]}}`;
  const made = await send(
    "POST",
    blobs,
    `{"apiVersion":"example.com/v1","kind":"Blob","metadata":{"name":"b"},"spec":${spec},"other":[1]}`,
  );
  assert.equal(made.status, 201, made.text);
  const shown = await send("GET", `${blobs}/b`);
  for (const part of [spec, `"other":[1]`]) assert.ok(shown.text.includes(part), shown.text);
  const patched = await send("PATCH", `${blobs}/b`, `{"spec":{"more":9007199254740995}}`);
  for (const part of [`"more":9007199254740995`, `"big":9007199254740993`, `"__proto__":{"x":[{}]}`])
    assert.ok(patched.text.includes(part), patched.text);

  const protobuf = "application/vnd.kubernetes.protobuf";
  const only = await send("GET", `${blobs}/b`, undefined, { accept: protobuf });
  assert.equal(only.status, 406);
  assert.match(only.text, /only the following media types are accepted/);
  const either = await send("GET", `${blobs}/b`, undefined, { accept: `${protobuf},application/json` });
  assert.equal(either.json.kind, "Blob");
  assert.equal((await send("GET", blobs, undefined, { accept: `${protobuf},*/*` })).json.kind, "BlobList");
  const metadata = await send("GET", `${blobs}/b`, undefined, { accept: `${protobuf};as=PartialObjectMetadata;g=meta.k8s.io;v=v1` });
  assert.ok(metadata.text.startsWith("k8s\0"), "metadata has a protobuf form");
});

test("logs of Pods that run no containers", { skip }, async () => {
  await kubectl("run sleeper --image=x --restart=Never");
  await kubectl("wait pod/sleeper --for=condition=Ready --timeout=15s");
  const { code, text } = await kubectl("logs sleeper");
  assert.equal(code, 1);
  assert.match(text, /node "[^"]+" is simulated: its Pods run no containers/);
});

test("after all of it the server lives, and a new start finds what was acknowledged", async () => {
  assert.equal((await send("GET", "/livez")).text, "ok");
  await server.kill("SIGKILL");
  server = await startDevProcess(folder, { more: ["--data-dir", data] });
  for (const name of ["fits", "warned", "ignored", "strange", "patched"])
    assert.equal((await send("GET", `${maps}/${name}`)).status, 200, name);
  const blob = await send("GET", "/apis/example.com/v1/namespaces/default/blobs/b");
  assert.ok(blob.text.includes(`"big":9007199254740993`) && blob.text.includes(`"more":9007199254740995`), blob.text);
});
