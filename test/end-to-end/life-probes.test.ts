// Time limit: 4 minutes.
// Probes and readiness on one real node: what is asked of containers, and what comes of the answers.
// The Pods are made all at once and each looked at in a test of its own, so that their waiting times pass together.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry, untilTold } from "../support/lab-node.ts";
import { lifeOf } from "../support/pod-life.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl", "openssl");

const node = "/usr/lib/keelson/node";
const shell = (text: string) => ({ image: busyboxImage, command: ["sh", "-c", text] });
const main = (text: string, more: object) => ({ name: "main", ...shell(text), ...more });
const program = (text: string, more: object) => ({
  name: "main",
  image: "keelson/hello",
  command: [node, "-e", `process.on("SIGTERM", () => process.exit(0));${text}`],
  ...more,
});
const soon = { periodSeconds: 1, failureThreshold: 1 };

/** Answers 200 to a GET with the right path, header and host, 404 to anything else, and says what it was asked. */
const picky = `require("node:http").createServer((request, response) => {
  const { host, "x-word": word, "user-agent": agent, accept } = request.headers;
  const isRight = request.url === "/healthz?deep=1" && word === "open" && host === "web.example";
  if (!isRight) console.log(request.method, request.url, word, host);
  else if (!globalThis.told) console.log((globalThis.told = "asked by"), agent, accept);
  response.statusCode = isRight ? 200 : 404;
  response.end();
}).listen(8080);`;

const redirecting = `require("node:http").createServer((request, response) => {
  const target = request.url === "/away" ? "http://elsewhere.example/" : "/here";
  response.writeHead(request.url === "/here" ? 200 : 302, { location: target });
  response.end("moved");
}).listen(8080);`;

/** A gRPC health service: SERVING for "good", NOT_SERVING for what else it is asked. */
const health = `const server = require("node:http2").createServer();
server.on("stream", (stream, headers) => {
  const parts = [];
  stream.on("data", (part) => parts.push(part));
  stream.on("end", () => {
    const service = Buffer.concat(parts).subarray(7).toString();
    const state = headers[":path"] === "/grpc.health.v1.Health/Check" && service === "good" ? 1 : 2;
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, state]));
  });
});
server.listen(8080);`;

const secure = `const fs = require("node:fs");
const { createServer } = require("node:https");
createServer({ key: fs.readFileSync("/tls/tls.key"), cert: fs.readFileSync("/tls/tls.crt") }, (request, response) => response.end("ok")).listen(8443);`;

const web = [{ name: "web", containerPort: 8080 }];

const pods: Readonly<Record<string, object>> = {
  slow: {
    containers: [
      main(`sleep 4; touch /tmp/up; ${untilTold}`, {
        startupProbe: { exec: { command: ["test", "-e", "/tmp/up"] }, periodSeconds: 1, failureThreshold: 30 },
        livenessProbe: { exec: { command: ["test", "-e", "/tmp/up"] }, ...soon },
      }),
    ],
  },
  stillborn: {
    containers: [main(untilTold, { startupProbe: { exec: { command: ["cat", "/tmp/up"] }, periodSeconds: 1, failureThreshold: 2 } })],
  },
  unwell: {
    terminationGracePeriodSeconds: 60,
    containers: [
      main("trap '' TERM; touch /tmp/well; sleep 2; rm /tmp/well; sleep 100000", {
        livenessProbe: { exec: { command: ["cat", "/tmp/well"] }, periodSeconds: 1, failureThreshold: 2, terminationGracePeriodSeconds: 1 },
      }),
    ],
  },
  "unwell-once": {
    restartPolicy: "Never",
    containers: [main(untilTold, { livenessProbe: { exec: { command: ["false"] }, ...soon } })],
  },
  hanging: { containers: [main(untilTold, { readinessProbe: { exec: { command: ["sleep", "30"] }, timeoutSeconds: 1, ...soon } })] },
  picky: {
    containers: [
      program(picky, {
        ports: web,
        readinessProbe: {
          httpGet: {
            path: "/healthz?deep=1",
            port: "web",
            httpHeaders: [
              { name: "X-Word", value: "open" },
              { name: "Host", value: "web.example" },
            ],
          },
          ...soon,
        },
      }),
    ],
  },
  refused: { containers: [main(untilTold, { ports: web, readinessProbe: { httpGet: { path: "/", port: "web" }, ...soon } })] },
  secure: {
    volumes: [{ name: "tls", secret: { secretName: "serving" } }],
    containers: [
      program(secure, {
        volumeMounts: [{ name: "tls", mountPath: "/tls" }],
        readinessProbe: { httpGet: { scheme: "HTTPS", port: 8443 }, ...soon },
      }),
    ],
  },
  redirected: { containers: [program(redirecting, { readinessProbe: { httpGet: { path: "/near", port: 8080 }, ...soon } })] },
  away: { containers: [program(redirecting, { readinessProbe: { httpGet: { path: "/away", port: 8080 }, ...soon } })] },
  tcp: {
    containers: [
      main(`sleep 3; httpd -p 8080 -h /tmp; ${untilTold}`, { ports: web, readinessProbe: { tcpSocket: { port: "web" }, ...soon } }),
    ],
  },
  grpc: { containers: [program(health, { readinessProbe: { grpc: { port: 8080, service: "good" }, ...soon } })] },
  "grpc-bad": { containers: [program(health, { readinessProbe: { grpc: { port: 8080, service: "other" }, ...soon } })] },
  leaving: {
    terminationGracePeriodSeconds: 30,
    containers: [
      main(`touch /tmp/ready; ${untilTold}`, {
        ports: web,
        readinessProbe: { exec: { command: ["test", "-e", "/tmp/ready"] }, ...soon },
        livenessProbe: { exec: { command: ["test", "!", "-e", "/tmp/unwell"] }, ...soon },
        lifecycle: { preStop: { exec: { command: ["sh", "-c", "sleep 4; rm /tmp/ready; touch /tmp/unwell; sleep 4"] } } },
      }),
    ],
  },
  delayed: {
    containers: [main(untilTold, { readinessProbe: { exec: { command: ["true"] }, initialDelaySeconds: 6, periodSeconds: 1 } })],
  },
  "started-ready": {
    containers: [
      main(`sleep 3; touch /tmp/up; ${untilTold}`, {
        startupProbe: { exec: { command: ["test", "-e", "/tmp/up"] }, periodSeconds: 1, failureThreshold: 60 },
        readinessProbe: { exec: { command: ["true"] }, periodSeconds: 60 },
      }),
    ],
  },
  "http-alive": {
    containers: [
      program(
        `let asked = 0;
require("node:http").createServer((request, response) => { response.statusCode = (asked += 1) > 2 ? 500 : 200; response.end(); }).listen(8080);`,
        { livenessProbe: { httpGet: { path: "/healthz", port: 8080 }, initialDelaySeconds: 2, periodSeconds: 1, failureThreshold: 1 } },
      ),
    ],
  },
  "tcp-alive": {
    containers: [
      main(untilTold, { livenessProbe: { tcpSocket: { port: 8080 }, initialDelaySeconds: 2, periodSeconds: 1, failureThreshold: 2 } }),
    ],
  },
  "grpc-alive": {
    containers: [program(health, { livenessProbe: { grpc: { port: 8080, service: "bad" }, initialDelaySeconds: 2, ...soon } })],
  },
  misnamed: {
    containers: [
      main(untilTold, {
        ports: web,
        readinessProbe: { tcpSocket: { port: "wob" }, ...soon },
        livenessProbe: { exec: { command: ["no-such"] }, ...soon },
      }),
    ],
  },
  gated: { readinessGates: [{ conditionType: "example.com/open" }], containers: [main(untilTold, {})] },
  thresholds: {
    containers: [
      main(`touch /tmp/a; ${untilTold}`, {
        readinessProbe: { exec: { command: ["test", "-e", "/tmp/a"] }, periodSeconds: 1, successThreshold: 3, failureThreshold: 2 },
      }),
    ],
  },
  sided: {
    initContainers: [
      {
        name: "side",
        restartPolicy: "Always",
        ...shell(`touch /tmp/ready; ${untilTold}`),
        readinessProbe: { exec: { command: ["test", "-e", "/tmp/ready"] }, ...soon },
      },
    ],
    containers: [main(untilTold, {})],
  },
};

test("probes and readiness on one node", { skip, timeout: 4 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-probes"), address: "192.168.91.21" });
  const { machine, kubectl } = lab;
  await startRegistry(machine);
  await machine.sh(
    `cd /root; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=nobody -keyout tls.key -out tls.crt`,
  );
  await kubectl("create -f -", {
    input: JSON.stringify({
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/tls",
      metadata: { name: "serving" },
      stringData: { "tls.crt": await machine.sh("cat /root/tls.crt"), "tls.key": await machine.sh("cat /root/tls.key") },
    }),
  });
  const life = lifeOf(lab);
  await kubectl("create service clusterip leaving --tcp=80:8080");
  await life.create(pods);

  await context.test(
    "NODE-60: until a startup probe succeeds the container is not started, not ready, and no other probe asks",
    async () => {
      const early = await life.until("slow", "it runs", ({ status }) => status.containerStatuses?.[0]?.state.running);
      assert.deepEqual([early.status.containerStatuses?.[0]?.started, early.status.containerStatuses?.[0]?.ready], [false, false]);
      const pod = await life.ready("slow");
      assert.deepEqual([pod.status.containerStatuses?.[0]?.started, pod.status.containerStatuses?.[0]?.restartCount], [true, 0]);
      assert.deepEqual(
        (await life.events("slow")).filter(({ message }) => message?.startsWith("Liveness")),
        [],
      );
    },
  );

  await context.test("NODE-61: a container whose startup probe fails as often as it may is started again", async () => {
    await life.until("stillborn", "a restart", ({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0);
    assert.ok(await life.event("stillborn", "Unhealthy", /^Startup probe failed: cat: can't open '\/tmp\/up': No such file or directory/));
    assert.ok(await life.event("stillborn", "Killing", /^Container main failed startup probe, will be restarted$/));
  });

  await context.test("NODE-62: a container whose liveness probe fails is started again, after the probe's own grace period", async () => {
    const pod = await life.until("unwell", "a restart", ({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0, 30);
    assert.equal(pod.status.containerStatuses?.[0]?.lastState.terminated?.exitCode, 137);
    assert.ok(await life.event("unwell", "Unhealthy", /^Liveness probe failed: cat: can't open/));
    assert.ok(await life.event("unwell", "Killing", /^Container main failed liveness probe, will be restarted$/));
  });

  await context.test(
    "NODE-63: under restartPolicy Never a failed liveness probe ends the container, and nothing starts it again",
    async () => {
      const pod = await life.until("unwell-once", "it has ended", ({ status }) => status.containerStatuses?.[0]?.state.terminated);
      assert.equal(pod.status.containerStatuses?.[0]?.restartCount, 0);
      assert.ok(await life.event("unwell-once", "Killing", /^Container main failed liveness probe$/));
    },
  );

  await context.test("NODE-64: a probe that takes longer than its timeout has failed", async () => {
    assert.ok(await life.event("hanging", "Unhealthy", /^Readiness probe failed: command "sleep 30" timed out/));
    assert.equal(life.condition(await life.pod("hanging"), "Ready")?.reason, "ContainersNotReady");
  });

  await context.test("NODE-65: an HTTP probe asks the declared path at the named port, with its headers and host", async () => {
    await life.ready("picky");
    assert.equal(await kubectl("logs picky"), "asked by kube-probe/1.36 */*");
    assert.ok(
      await life.event(
        "refused",
        "Unhealthy",
        /^Readiness probe failed: Get "http:\/\/[\d.]+:8080\/": dial tcp [\d.]+:8080: connect: connection refused$/,
      ),
    );
  });

  await context.test("NODE-66: an HTTPS probe believes any certificate", async () => {
    await life.ready("secure");
  });

  await context.test(
    "NODE-67: an HTTP probe follows redirects on the same host; one to another host is a warning, and a success",
    async () => {
      await life.ready("redirected");
      await life.ready("away");
      assert.ok(await life.event("away", "ProbeWarning", /^Readiness probe warning: Probe terminated redirects, Response body: /));
    },
  );

  await context.test("NODE-68: a TCP probe succeeds when the port opens", async () => {
    const pod = await life.ready("tcp");
    const began = Date.parse(pod.status.containerStatuses?.[0]?.state.running?.startedAt ?? "");
    const ready = Date.parse(String(life.condition(pod, "Ready")?.lastTransitionTime));
    assert.ok(ready - began >= 2_000, `ready ${ready - began} ms after the start`);
  });

  await context.test("NODE-69: a gRPC probe asks the health service for the service it names", async () => {
    await life.ready("grpc");
    assert.ok(await life.event("grpc-bad", "Unhealthy", /^Readiness probe failed: service unhealthy \(responded with "NOT_SERVING"\)$/));
  });

  await context.test("NODE-75: liveness by HTTP, TCP and gRPC restarts containers too, and restart counts only grow", async () => {
    for (const [name, why] of [
      ["http-alive", /^Liveness probe failed: HTTP probe failed with statuscode: 500$/],
      ["tcp-alive", /^Liveness probe failed: dial tcp [\d.]+:8080: connect: connection refused$/],
      ["grpc-alive", /^Liveness probe failed: service unhealthy \(responded with "NOT_SERVING"\)$/],
    ] as const) {
      let last = 0;
      await life.until(name, "two restarts", ({ status }) => {
        const count = status.containerStatuses?.[0]?.restartCount ?? 0;
        assert.ok(count >= last, `${last} restarts, then ${count}`);
        last = count;
        return count >= 2;
      });
      assert.ok(await life.event(name, "Unhealthy", why));
    }
  });

  await context.test("NODE-76: a probe that cannot be made is told and counts as nothing", async () => {
    assert.ok(
      await life.event(
        "misnamed",
        "Unhealthy",
        /^Readiness probe errored and resulted in unknown state: strconv\.Atoi: parsing "wob": invalid syntax$/,
      ),
    );
    assert.ok(
      await life.event(
        "misnamed",
        "Unhealthy",
        /^Liveness probe errored and resulted in unknown state: rpc error: code = Unknown desc = .*no-such/,
      ),
    );
    const [own] = (await life.pod("misnamed")).status.containerStatuses ?? [];
    assert.deepEqual([own?.ready, own?.restartCount], [false, 0]);
  });

  await context.test("NODE-70: verdicts change after as many answers in a row as the thresholds say", async () => {
    const pod = await life.ready("thresholds");
    const began = Date.parse(pod.status.containerStatuses?.[0]?.state.running?.startedAt ?? "");
    const ready = Date.parse(String(life.condition(pod, "Ready")?.lastTransitionTime));
    assert.ok(ready - began >= 2_000, `three successes within ${ready - began} ms`);
    await life.sh("thresholds", "rm /tmp/a");
    await life.until("thresholds", "it is not ready", (seen) => life.condition(seen, "Ready")?.status === "False");
    assert.equal((await life.pod("thresholds")).status.containerStatuses?.[0]?.restartCount, 0);
  });

  await context.test("NODE-71: a sidecar's readiness is the Pod's", async () => {
    await life.ready("sided");
    await kubectl(["exec", "sided", "-c", "side", "--", "rm", "/tmp/ready"]);
    const pod = await life.until("sided", "it is not ready", (seen) => life.condition(seen, "Ready")?.status === "False");
    assert.equal(life.condition(pod, "ContainersReady")?.message, "containers with unready status: [side]");
  });

  await context.test(
    "NODE-72: a readiness gate holds the Pod back until its condition is True; the containers' readiness is told apart",
    async () => {
      const pod = await life.until("gated", "its container is ready", (seen) => life.condition(seen, "ContainersReady")?.status === "True");
      const why = (of: typeof pod) => [life.condition(of, "Ready")?.reason, life.condition(of, "Ready")?.message];
      assert.deepEqual(why(pod), [
        "ReadinessGatesNotReady",
        'corresponding condition of pod readiness gate "example.com/open" does not exist.',
      ]);
      assert.match(await kubectl("get pod gated -o wide"), / 0\/1 *$/m);
      const gate = (status: string) =>
        kubectl([
          "patch",
          "pod",
          "gated",
          "--subresource=status",
          "-p",
          JSON.stringify({ status: { conditions: [{ type: "example.com/open", status }] } }),
        ]);
      await gate("Unknown");
      await life.until(
        "gated",
        "it says so",
        (seen) => why(seen)[1] === 'the status of pod readiness gate "example.com/open" is not "True", but Unknown',
      );
      await gate("True");
      await life.ready("gated");
    },
  );

  await context.test(
    "NODE-74: no probe asks before its initial delay is over; the first answer counts at once, also after a startup probe",
    async () => {
      const seconds = async (name: string) => {
        const pod = await life.ready(name);
        const began = Date.parse(pod.status.containerStatuses?.[0]?.state.running?.startedAt ?? "");
        return (Date.parse(String(life.condition(pod, "Ready")?.lastTransitionTime)) - began) / 1_000;
      };
      assert.ok((await seconds("delayed")) >= 5);
      const ready = await seconds("started-ready");
      assert.ok(ready >= 2 && ready < 40, `ready after ${ready} s`);
    },
  );

  await context.test("NODE-73: a Pod that ends is ready as long as its readiness probe says so, and is shown as serving", async () => {
    await life.ready("leaving");
    // On a slow machine, on which all of these start at once, a probe may time out before.
    const told = Date.now();
    await kubectl("delete pod leaving --wait=false");
    const { ready, serving, terminating } = await eventually("its endpoint ends", 20, async () => {
      const slices = JSON.parse(await kubectl("get endpointslices -l kubernetes.io/service-name=leaving -o json"));
      const conditions = slices.items[0]?.endpoints?.[0]?.conditions;
      return conditions?.terminating ? conditions : undefined;
    });
    assert.deepEqual(
      [life.condition(await life.pod("leaving"), "Ready")?.status, ready, serving, terminating],
      ["True", false, true, true],
    );
    await life.until("leaving", "it is not ready", (seen) => life.condition(seen, "Ready")?.status === "False");
    await kubectl("wait --for=delete pod/leaving --timeout=60s");
    assert.deepEqual(
      (await life.events("leaving")).filter(
        ({ message, lastTimestamp }) => message?.startsWith("Liveness") && Date.parse(lastTimestamp ?? "") > told,
      ),
      [],
      "it is not asked any more",
    );
  });
});
