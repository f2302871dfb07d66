// Time limit: 4 minutes.
// Commands, terminals and ports of containers on one real node: by every kubectl there is, by WebSocket, and when connections are cut.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { WebSocket } from "ws";
import { findKubectl, kubectlOfVersion } from "../support/kubectl.ts";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, type LabNode, nodeFor, nodePrograms, registryPrograms, startRegistry, untilTold } from "../support/lab-node.ts";

const client = findKubectl();
const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl", "script");
const address = "192.168.86.20";
const path = "path" in client ? client.path : "kubectl";
/** Every version beside the one on PATH. */
const versions = ["1.27", "1.28", "1.29", "1.30", "1.31", "1.32", "1.33"].flatMap((version) => kubectlOfVersion(path, version) ?? []);
const kubectls = versions.length > 0 ? versions : ["kubectl"];

const shell = (text: string) => ({ image: busyboxImage, command: ["sh", "-c", text] });
const pod = (name: string, ...containers: object[]) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 1, containers },
});
const serve = "mkdir /www; echo page >/www/index.html; httpd -p 8080 -h /www";
const objects = [
  pod("box", { name: "main", ...shell(`${serve}; ${untilTold}`) }, { name: "side", ...shell(untilTold) }),
  pod("cat", { name: "main", ...shell("echo begun; while read line; do echo heard $line; done; echo over; sleep 60"), stdin: true }),
  pod("term", { name: "main", ...shell("exec sh"), stdin: true, tty: true }),
  pod("moved", {
    name: "main",
    image: "keelson/hello",
    command: [
      "/usr/lib/keelson/node",
      "-e",
      `require("node:http").createServer((request, response) => {
        response.setHeader("x-seen", request.method + " " + request.url);
        if (request.url.startsWith("/away")) response.writeHead(302, { location: "http://169.254.169.254/" });
        else if (request.url.startsWith("/here")) response.writeHead(302, { location: "/there?x=1" });
        response.end(request.method + " " + request.url + " " + (request.headers.authorization ?? "no credentials") + "\\n");
      }).listen(8080)`,
    ],
    ports: [{ name: "web", containerPort: 8080 }],
  }),
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "moved" },
    spec: { selector: { app: "moved" }, ports: [{ name: "web", port: 80, targetPort: "web" }] },
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "watcher" },
    rules: [{ apiGroups: [""], resources: ["nodes/stats", "nodes/metrics", "nodes/pods", "nodes/configz"], verbs: ["get"] }],
  },
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "watcher" } },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "watcher" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "watcher" },
    subjects: [{ kind: "ServiceAccount", name: "watcher", namespace: "default" }],
  },
];

test("commands and ports of containers", { skip, timeout: 230_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-streams"), address });
  const { machine, kubectl, tryKubectl, apply, script } = lab;
  await startRegistry(machine);
  await apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  for (const name of ["box", "cat", "term", "moved"]) await kubectl(`wait --for=condition=Ready pod/${name} --timeout=60s`);
  const open = await channelsTo(lab);

  await context.test("NODE-210: a command's output, errors and exit code arrive, with every version of kubectl", async () => {
    for (const one of kubectls) {
      const { code, stdout, stderr } = await script(`${one} exec box -c main -- sh -c 'echo out; echo err >&2; exit 3'`);
      assert.deepEqual([code, stdout], [3, "out\n"], one);
      assert.match(stderr, /^err\n(error: Internal|command terminated with exit code 3)/, one);
    }
    const { stderr } = await tryKubectl("exec box -c none -- true");
    assert.match(stderr, /container none is not valid for pod box|container not found/);
    assert.notEqual((await tryKubectl("exec box -- no-such-program")).code, 0);
  });

  await context.test("NODE-211: a command reads its input to the end, and all of much output arrives", async () => {
    const input = randomBytes(3 * 2 ** 20).toString("base64");
    for (const one of [kubectls[0], kubectls.at(-1)]) {
      const { code, stdout } = await script(`${one} exec -i box -c main -- cat`, { input });
      assert.deepEqual([code, stdout === input], [0, true], one);
    }
  });

  await context.test("NODE-212: a terminal has the size of the caller's, and one stream", async () => {
    const { stdout } = await script(
      `script -qec "stty rows 33 cols 99; kubectl exec -it box -c main -- sh -c 'sleep 0.5; stty size; echo err >&2; tty'" /dev/null`,
    );
    assert.match(stdout, /33 99\r?\nerr\r?\n\/dev\/pts\/\d+/);
  });

  await context.test("NODE-213: attach joins a running container's own streams", async () => {
    const { stdout } = await script("(echo one; sleep 1; echo two; sleep 1) | timeout 10 kubectl attach -i cat");
    assert.match(stdout, /heard one\nheard two\n/);
    assert.match(await kubectl("logs cat"), /begun\nheard one\nheard two/);
    const term = await script(
      // What is typed before kubectl has the terminal to itself never arrives. `timeout` stands outside: what it starts
      // inside is in the terminal's background, where a program that takes hold of the terminal is stopped.
      `(for try in 1 2 3 4 5; do sleep 1; echo 'echo $((6*7))'; done) | timeout 8 script -qec "kubectl attach -it term" /dev/null`,
    );
    assert.match(term.stdout, /\b42\b/);
  });

  await context.test("NODE-214: files are copied into containers and out of them", async () => {
    const copied = await script(`set -e; cd "$HOME"; head -c 300000 /dev/urandom >there; kubectl cp there box:/tmp/there -c main
      kubectl cp box:/tmp/there back -c main; cmp there back && echo same`);
    assert.match(copied.stdout, /same/, copied.stderr);
  });

  await context.test("NODE-215: a Pod is run, attached to and removed in one command", async () => {
    const { stdout, stderr } = await script(
      `echo hello | timeout 50 kubectl run once -i --rm --restart=Never --image=${busyboxImage} --command -- sh -c 'read word; echo got $word'`,
    );
    assert.match(stdout, /got hello/, stderr);
    assert.match((await tryKubectl("get pod once")).stderr, /not found/);
  });

  await context.test("NODE-216: a debugging container is attached to, and sees its target's processes", async () => {
    const { stdout, stderr } = await script(
      `(echo 'cat /proc/1/cmdline; echo; exit'; sleep 2) | timeout 50 kubectl debug box -i --image=${busyboxImage} --target=main -- sh`,
    );
    assert.match(stdout, /mkdir \/www; echo page/, stderr);
  });

  await context.test("NODE-217: commands over WebSocket: versions 5 and 4, base64, and the first one without a Status", async () => {
    const query = "container=main&stdin=true&stdout=true&stderr=true";
    const command = (text: string) =>
      text
        .split(" ")
        .map((word) => `&command=${encodeURIComponent(word)}`)
        .join("");
    const five = open(`pods/box/exec?${query}${command("cat")}`, ["v5.channel.k8s.io"]);
    await five.send(0, "some input\n");
    await five.end(0);
    assert.deepEqual(await five.heard(), { code: 1000, 1: "some input\n", 3: "Success" });
    const four = open(`pods/box/exec?${query}&command=sh&command=-c&command=${encodeURIComponent("echo e >&2; exit 4")}`, [
      "v4.channel.k8s.io",
    ]);
    assert.deepEqual(await four.heard(), { code: 1000, 2: "e\n", 3: "Failure NonZeroExitCode 4" });
    const base64 = open(`pods/box/exec?${query}${command("echo hello")}`, ["v4.base64.channel.k8s.io"]);
    assert.deepEqual(await base64.heard(), { code: 1000, 1: "hello\n", 3: "Success" });
    const first = open(`pods/box/exec?${query}${command("echo hello")}`, ["channel.k8s.io"]);
    assert.deepEqual(await first.heard(), { code: 1000, 1: "hello\n" });
  });

  await context.test(
    "NODE-218: ports are forwarded by every version of kubectl, many connections at a time; a closed port is told",
    async () => {
      const forwarded = (one: string, port: number, ask: string) =>
        script(
          `rm -f "$HOME/forward"; "${one}" port-forward pod/box :${port} >"$HOME/forward" 2>&1 & forward=$!
          for i in $(seq 100); do grep -q 'Forwarding from 127' "$HOME/forward" && break; sleep 0.1; done
          at=http://127.0.0.1:$(sed -n 's/.*127.0.0.1:\\([0-9]*\\) .*/\\1/p' "$HOME/forward" | head -1)/
          ${ask}
          kill $forward 2>/dev/null; wait $forward; cat "$HOME/forward" >&2`,
          { seconds: 30 },
        );
      const five = 'for i in 1 2 3 4 5; do curl -sS --max-time 10 $at & asked="$asked $!"; done; wait $asked';
      for (const one of kubectls) {
        const { stdout, stderr } = await forwarded(one, 8080, five);
        assert.equal(stdout, "page\n".repeat(5), `${one}: ${stderr}`);
      }
      const closed = await forwarded("kubectl", 81, "curl -sS --max-time 10 $at; sleep 0.5");
      assert.match(closed.stderr, /connection refused/i);
    },
  );

  await context.test("NODE-219: ports are forwarded over plain WebSocket channels, each beginning with its port", async () => {
    const forward = open("pods/box/portforward?ports=8080", ["v4.channel.k8s.io"]);
    await forward.send(0, "GET / HTTP/1.0\r\n\r\n");
    await eventually("the page", 10, async () => (forward.text(0).includes("page\n") ? true : undefined));
    assert.deepEqual([...Buffer.from(forward.text(0), "latin1").subarray(0, 2)], [0x90, 0x1f]);
    assert.deepEqual([...Buffer.from(forward.text(1), "latin1")], [0x90, 0x1f]);
    forward.close();
  });

  await context.test("NODE-220: connections that are cut, containers that vanish and upgrades that fail leave nothing open", async () => {
    const count = async () => {
      const pids = (await machine.sh("pgrep -f 'kubelet|kube-apiserver' || true")).split("\n").filter((pid) => pid !== "");
      const counts = await Promise.all(
        pids.map(async (pid) => Number(await machine.sh(`ls -l /proc/${pid}/fd 2>/dev/null | grep -c 'socket:' || true`))),
      );
      return counts.reduce((sum, one) => sum + one, 0);
    };
    await script("kubectl exec box -c main -- true");
    const before = await count();
    const cut = Array.from({ length: 15 }, (_, index) =>
      open(`pods/box/exec?container=main&stdin=true&stdout=true&command=cat`, [
        index % 2 === 0 ? "v5.channel.k8s.io" : "v4.channel.k8s.io",
      ]),
    );
    await Promise.all(cut.map((one) => one.opened));
    for (const one of cut) one.cut();
    for (let index = 0; index < 15; index++) {
      const refused = open(`pods/box/exec?container=main&stdout=true&command=true`, ["v9.channel.k8s.io"]);
      await refused.heard().catch(() => {});
      const unreachable = open(`pods/box/exec?container=none&stdout=true&command=true`, ["v5.channel.k8s.io"]);
      await unreachable.heard().catch(() => {});
    }
    await script(
      `for one in ${kubectls[0]} kubectl kubectl kubectl; do $one exec -i box -c main -- cat </dev/zero >/dev/null & pids="$pids $!"; done; sleep 2; kill -9 $pids; wait`,
      { seconds: 60 },
    );
    await apply(JSON.stringify(pod("doomed", { name: "doomed", ...shell("exec sleep 600") })));
    await kubectl("wait --for=condition=Ready pod/doomed --timeout=60s");
    const doomed = script("timeout 30 kubectl exec -i doomed -- cat", { input: "x" });
    const followed = script("timeout 30 kubectl logs -f doomed");
    await kubectl("delete pod doomed --grace-period=0 --force --wait=false");
    assert.notEqual((await doomed).code, 124);
    assert.notEqual((await followed).code, 124);
    await eventually("all connections are closed", 60, async () => ((await count()) <= before + 4 ? true : undefined));
    await eventually("commands whose input was cut have ended", 40, async () =>
      /\bcat\b/.test(await kubectl("exec box -c main -- ps -o args")) ? undefined : true,
    );
  });

  await context.test("NODE-226: a Pod that debugs a node sees its files, its processes and its network", async () => {
    const name = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
    const look = "chroot /host cat /etc/kubernetes/admin.conf | head -1; echo seen $(ps | grep -c '[c]ontainerd'); ip -4 -o address; exit";
    const { stdout, stderr } = await script(
      `(cat <<'END'\n${look}\nEND\nsleep 2) | timeout 50 kubectl debug node/${name} -i --image=${busyboxImage} -- sh`,
    );
    assert.match(stdout, /apiVersion: v1/, stderr);
    assert.match(stdout, /^seen [1-9]/m, stderr);
    assert.match(stdout, new RegExp(address.replaceAll(".", "\\.")), stderr);
    await script("kubectl delete $(kubectl get pods -o name | grep node-debugger) --wait=false");
  });

  await context.test("NODE-227: a log is read over a WebSocket, as bytes or base64, to its end", async () => {
    const { certificate, key, port } = await credentials(lab);
    const read = (below: string, ...protocols: string[]) =>
      new Promise<string>((resolve, reject) => {
        const url = `wss://127.0.0.1:${port}/api/v1/namespaces/default/${below}`;
        const socket = new WebSocket(url, protocols, { cert: certificate, key, rejectUnauthorized: false });
        let heard = "";
        socket.on("message", (data: Buffer, isBinary) => {
          heard += isBinary ? data.toString() : Buffer.from(data.toString(), "base64").toString();
        });
        socket.on("close", (code) => resolve(`${heard}${code}`));
        socket.on("error", reject);
      });
    const said = await kubectl("logs cat");
    assert.equal(await read("pods/cat/log", "binary.k8s.io"), `${said}\n1000`);
    assert.equal(await read("pods/cat/log"), `${said}\n1000`);
    assert.equal(await read("pods/cat/log?tailLines=1", "base64.binary.k8s.io"), `${said.split("\n").at(-1)}\n1000`);
    assert.equal(await read("pods/cat/log?follow=true&limitBytes=6", "binary.k8s.io"), "begun\n1000");
    await assert.rejects(read("pods/cat/log", "v9.channel.k8s.io"), /400/);
    await assert.rejects(read("pods/none/log", "binary.k8s.io"), /404/);
    await kubectl(["run", "brief", `--image=${busyboxImage}`, "--restart=Never", "--", "sh", "-c", "echo one; sleep 2; echo two"]);
    await eventually("it has begun", 30, async () => ((await tryKubectl("logs brief")).stdout.includes("one") ? true : undefined));
    assert.equal(await read("pods/brief/log?follow=true", "binary.k8s.io"), "one\ntwo\n1000");
  });

  await context.test("NODE-221: who has no credentials, or wrong ones, is refused by the kubelet", async () => {
    const ask = (options: string, at = "/pods") => machine.sh(`curl -sk -w ' %{http_code}' ${options} https://127.0.0.1:10250${at}`);
    assert.equal(await ask(""), "Unauthorized 401");
    assert.equal(await ask("-H 'Authorization: Bearer wrong'"), "Unauthorized 401");
    assert.equal(await ask("-X POST", "/exec/default/box/main?command=id&output=1"), "Unauthorized 401");
    await machine.sh(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /tmp/k -out /tmp/c -subj /O=system:masters/CN=x 2>/dev/null",
    );
    assert.equal(await ask("--cert /tmp/c --key /tmp/k"), "Unauthorized 401");
  });

  await context.test("NODE-222: a right on a part of the kubelet's API opens that part and no other", async () => {
    const token = await kubectl("create token watcher");
    const status = (at: string, options = "") =>
      machine.sh(`curl -sk -o /tmp/answer -w '%{http_code}' ${options} -H 'Authorization: Bearer ${token}' 'https://127.0.0.1:10250${at}'`);
    for (const at of ["/stats/summary", "/metrics", "/metrics/cadvisor", "/pods", "/runningpods/", "/configz"])
      assert.equal(await status(at), "200", at);
    for (const at of ["/healthz", "/containerLogs/default/box/main", "/logs/", "/exec/default/box/main?command=id&output=1", "/unknown"])
      assert.equal(await status(at), "403", at);
    assert.equal(await status("/exec/default/box/main?command=id&output=1", "-X POST"), "403");
    assert.equal(
      await machine.sh("cat /tmp/answer"),
      "Forbidden (user=system:serviceaccount:default:watcher, verb=create, resource=nodes, subresource(s)=[proxy])",
    );
  });

  await context.test("NODE-223: proxies reach Pods, Services and Nodes with any method, without the caller's credentials", async () => {
    const raw = (at: string) => kubectl(["get", "--raw", at]);
    assert.equal(await raw("/api/v1/namespaces/default/pods/moved/proxy/a/b?c=d"), "GET /a/b?c=d no credentials");
    assert.equal(await raw("/api/v1/namespaces/default/pods/http:moved:8080/proxy/"), "GET / no credentials");
    assert.equal(await raw("/api/v1/namespaces/default/services/moved:web/proxy/x"), "GET /x no credentials");
    assert.equal(await raw("/api/v1/namespaces/default/services/moved/proxy"), "GET / no credentials");
    const node = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
    assert.equal(await raw(`/api/v1/nodes/${node}/proxy/healthz`), "ok");
    const created = await kubectl(["create", "--raw", "/api/v1/namespaces/default/pods/moved/proxy/new", "-f", "-"], { input: "{}" });
    assert.equal(created, "POST /new no credentials");
    assert.equal(await kubectl(["delete", "--raw", "/api/v1/namespaces/default/pods/moved/proxy/old"]), "DELETE /old no credentials");
  });

  await context.test("NODE-224: redirects are told as the caller reaches them, and never followed", async () => {
    const answer = async (at: string) => {
      const { certificate, key, port } = await credentials(lab);
      const { request } = await import("node:https");
      return new Promise<string>((resolve, reject) => {
        const options = { host: "127.0.0.1", port, path: at, cert: certificate, key, rejectUnauthorized: false };
        request(options, (response) => {
          response.resume();
          resolve(`${response.statusCode} ${response.headers.location}`);
        })
          .on("error", reject)
          .end();
      });
    };
    const at = "/api/v1/namespaces/default/pods/moved/proxy";
    assert.equal(await answer(`${at}/here`), `302 ${at}/there?x=1`);
    assert.equal(await answer(`${at}/away`), "302 http://169.254.169.254/");
    assert.equal(await answer(at), `301 ${at}/`);
  });

  await context.test("NODE-225: proxies refuse loopback and link-local addresses, of Pods, Services and Nodes", async () => {
    const refused = async (at: string) => (await tryKubectl(["get", "--raw", at])).stderr;
    for (const [name, ip] of [
      ["own", "127.0.0.1"],
      ["link", "169.254.169.254"],
    ] as const) {
      await apply(JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name } }));
      const status = {
        status: { addresses: [{ type: "InternalIP", address: ip }], daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } } },
      };
      await kubectl(["patch", "node", name, "--subresource=status", "--type=merge", "-p", JSON.stringify(status)]);
      assert.match(await refused(`/api/v1/nodes/${name}/proxy/pods`), /address not allowed/);
      assert.match(await refused(`/api/v1/nodes/http:${name}:2381/proxy/metrics`), /address not allowed/);
      const slice = {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name, labels: { "kubernetes.io/service-name": name } },
        addressType: "IPv4",
        ports: [{ name: "", port: 6443 }],
        endpoints: [{ addresses: ["10.1.2.3"], conditions: { ready: true } }],
      };
      const refusedSlice = { ...slice, endpoints: [{ addresses: [ip] }] };
      assert.match(
        (await tryKubectl("apply -f -", { input: JSON.stringify(refusedSlice) })).stderr,
        /may not be in the (loopback|link-local) range/,
      );
      await kubectl(`delete node ${name}`);
    }
  });
});

interface Channels {
  readonly opened: Promise<void>;
  send(channel: number, text: string): Promise<void>;
  end(channel: number): Promise<void>;
  /** What was heard on a channel so far, byte for character. */
  text(channel: number): string;
  /** All of it, once the server closed: a Status is told by its reason and exit code. */
  heard(): Promise<Readonly<Record<string, string | number>>>;
  close(): void;
  /** As a machine that vanished. */
  cut(): void;
}

async function credentials({ script }: LabNode) {
  const { stdout } = await script("cat $KUBECONFIG");
  const data = (name: string) => Buffer.from(new RegExp(`${name}: "?([A-Za-z0-9+/=]+)`).exec(stdout)?.[1] ?? "", "base64").toString();
  const file = (name: string) => {
    const found = new RegExp(`${name}: "?([^"\\n]+)`).exec(stdout)?.[1];
    return found === undefined ? "" : readFileSync(found, "utf8");
  };
  return {
    certificate: data("client-certificate-data") || file("client-certificate"),
    key: data("client-key-data") || file("client-key"),
    port: Number(/server: https:\/\/127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]),
  };
}

/** Opens WebSockets to subresources of Pods, as client libraries do. */
async function channelsTo(lab: LabNode): Promise<(below: string, protocols: readonly string[]) => Channels> {
  const { certificate, key, port } = await credentials(lab);
  return (below, protocols) => {
    const url = `wss://127.0.0.1:${port}/api/v1/namespaces/default/${below}`;
    const socket = new WebSocket(url, [...protocols], { cert: certificate, key, rejectUnauthorized: false });
    const heard: Record<string, string> = {};
    const opened = new Promise<void>((resolve, reject) => {
      socket.on("open", resolve);
      socket.on("error", reject);
    });
    opened.catch(() => {});
    const isBase64 = protocols[0]?.includes("base64") ?? false;
    socket.on("message", (data: Buffer) => {
      const channel = isBase64 ? (data[0] as number) - 48 : (data[0] as number);
      const said = isBase64 ? Buffer.from(data.subarray(1).toString(), "base64") : data.subarray(1);
      heard[channel] = (heard[channel] ?? "") + said.toString("latin1");
    });
    const closed = new Promise<number>((resolve, reject) => {
      socket.on("close", resolve);
      socket.on("error", reject);
    });
    closed.catch(() => {});
    return {
      opened,
      async send(channel, text) {
        await opened;
        socket.send(isBase64 ? `${channel}${btoa(text)}` : Buffer.concat([Buffer.of(channel), Buffer.from(text)]));
      },
      async end(channel) {
        await opened;
        socket.send(Buffer.of(255, channel));
      },
      text: (channel) => heard[channel] ?? "",
      async heard() {
        const code = await closed;
        const { 3: status, ...rest } = heard;
        if (status === undefined) return { code, ...rest };
        const { status: outcome, reason, details } = JSON.parse(status);
        const why = reason === undefined ? outcome : `${outcome} ${reason} ${details?.causes?.[0]?.message}`;
        return { code, ...rest, 3: why };
      },
      close: () => socket.close(),
      cut: () => socket.terminate(),
    };
  };
}
