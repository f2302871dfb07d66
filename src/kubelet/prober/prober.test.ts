import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import type { Container } from "#api/core/pod/container.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import type { ExecResult } from "#cri/runtime.ts";
import { GrpcError } from "#platform/network.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { startProber } from "./prober.ts";

const ended = (exitCode: number, text = ""): ExecResult => ({
  exitCode,
  stdout: new TextEncoder().encode(text),
  stderr: new Uint8Array(0),
});

function setUp(container: Draft<Container>, { exec = () => ended(0) }: { exec?: (seconds: number) => ExecResult } = {}) {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const pod = complete(Pod, {
    metadata: { name: "web", namespace: "default", uid: "u1" },
    spec: { containers: [{ name: "main", image: "a", ...container }] },
  });
  const started = world.clock.now();
  const seconds = () => (world.clock.now() - started) / 1_000;
  const attempts: number[] = [];
  const events: string[] = [];
  const changes: number[] = [];
  const runtime = {
    ...simulatedRuntime(world),
    execSync: async () => {
      attempts.push(seconds());
      return exec(seconds());
    },
  };
  const prober = startProber(scope, world, {
    runtime,
    recorder: {
      record: (subject, type, reason, message) =>
        events.push(`${"fieldPath" in subject ? subject.fieldPath : ""} ${type} ${reason} ${message}`),
    },
    changed: () => changes.push(seconds()),
  });
  const target = {
    pod,
    container: pod.spec.containers[0] as Container,
    containerId: "c1",
    startedAt: started,
    podIP: world.network.addresses().find(({ internal }) => !internal)?.address ?? "",
  };
  prober.start(target);
  return { world, scope, prober, attempts, events, changes, target };
}

const execProbe = { exec: { command: ["check"] }, periodSeconds: 10, failureThreshold: 3 };

test("PROBE1 without probes a container is started and ready at once", () => {
  const { prober } = setUp({});
  assert.deepEqual(prober.state("c1"), { started: true, ready: true });
  assert.equal(prober.state("other"), undefined);
});

test("PROBE4 what was started and ready before is so until a probe says otherwise", async () => {
  const probes = { startupProbe: execProbe, readinessProbe: execProbe };
  const { world, scope, prober, attempts, target } = setUp(probes, { exec: (at) => ended(at < 30 ? 0 : 1) });
  prober.stop("c1");
  prober.start({ ...target, before: { started: true, ready: true } });
  assert.deepEqual(prober.state("c1"), { started: true, ready: true });
  await world.advance(1_000);
  assert.equal(attempts.length, 1, "the startup probe is over");
  await world.advance(60_000);
  assert.deepEqual(prober.state("c1"), { started: true, ready: false });
  await scope.stop();
});

test("PROBE5 of a container that ends only its readiness is asked", async () => {
  const { world, scope, prober, attempts } = setUp({ readinessProbe: execProbe, livenessProbe: execProbe });
  await world.advance(1_000);
  assert.equal(attempts.length, 2);
  prober.stopRestarts("c1");
  await world.advance(10_000);
  assert.equal(attempts.length, 3);
  assert.deepEqual(prober.state("c1"), { started: true, ready: true });
  await scope.stop();
});

test("a readiness probe that fails at first is tried again soon, and neither told nor counted", async () => {
  const { world, prober, attempts, events, changes } = setUp({ readinessProbe: execProbe }, { exec: (at) => ended(at < 0.3 ? 1 : 0) });
  assert.deepEqual(prober.state("c1"), { started: true, ready: false });
  await world.advance(1_000);
  assert.deepEqual(prober.state("c1"), { started: true, ready: true });
  assert.equal(changes.length, 1);
  assert.ok((changes[0] as number) < 0.5, `ready after ${changes[0]} s`);
  assert.deepEqual(events, []);
  const before = attempts.length;
  await world.advance(10_000);
  assert.equal(attempts.length, before + 1, "the period counts once it succeeded");
});

test("PROBE2 a readiness probe takes failureThreshold failures to be lost, each told", async () => {
  const { world, prober, events } = setUp({ readinessProbe: execProbe }, { exec: (at) => (at < 5 ? ended(0) : ended(1, "no database")) });
  await world.advance(25_000);
  assert.equal(prober.state("c1")?.ready, true);
  assert.deepEqual(new Set(events), new Set(["spec.containers{main} Warning Unhealthy Readiness probe failed: no database"]));
  assert.equal(events.length, 2);
  await world.advance(10_000);
  assert.equal(prober.state("c1")?.ready, false);
});

test("PROBE2 a liveness probe fails the container after failureThreshold, with its own grace period, and probing ends", async () => {
  const livenessProbe = { ...execProbe, initialDelaySeconds: 5, terminationGracePeriodSeconds: 3 };
  const { world, prober, attempts } = setUp({ livenessProbe }, { exec: () => ended(1) });
  await world.advance(24_900);
  assert.equal(prober.state("c1")?.failed, undefined);
  assert.equal(attempts[0], 5);
  await world.advance(200);
  assert.deepEqual(prober.state("c1")?.failed, { probe: "liveness", graceSeconds: 3 });
  const count = attempts.length;
  await world.advance(60_000);
  assert.equal(attempts.length, count);
});

test("PROBE1 a startup probe holds the others back", async () => {
  const container = {
    startupProbe: { ...execProbe, periodSeconds: 1, failureThreshold: 30 },
    livenessProbe: { ...execProbe, periodSeconds: 1 },
  };
  const { world, prober, events } = setUp(container, { exec: (at) => ended(at < 6 ? 1 : 0) });
  await world.advance(5_000);
  assert.deepEqual(prober.state("c1"), { started: false, ready: false });
  assert.ok(
    events.every((event) => event.includes("Startup probe failed")),
    events.join(),
  );
  await world.advance(3_000);
  assert.deepEqual(prober.state("c1"), { started: true, ready: true });
});

test("PROBE3 a probe that times out fails; one that cannot be made counts as nothing", async () => {
  const timesOut = setUp(
    { livenessProbe: { ...execProbe, failureThreshold: 1 } },
    {
      exec: () => {
        throw new GrpcError(4, "deadline exceeded");
      },
    },
  );
  await timesOut.world.advance(1_000);
  assert.equal(timesOut.prober.state("c1")?.failed?.probe, "liveness");
  assert.deepEqual(timesOut.events, ['spec.containers{main} Warning Unhealthy Liveness probe failed: command "check" timed out']);
  const cannot = setUp(
    { livenessProbe: { ...execProbe, failureThreshold: 1 } },
    {
      exec: () => {
        throw new GrpcError(14, "runtime is gone");
      },
    },
  );
  await cannot.world.advance(60_000);
  assert.equal(cannot.prober.state("c1")?.failed, undefined);
  assert.match(
    cannot.events[0] ?? "",
    /Liveness probe errored and resulted in unknown state: rpc error: code = Unavailable desc = runtime is gone/,
  );
});

test("HTTP and TCP probes: status codes, redirects, refusals, by port names", async () => {
  let status = 200;
  let headers: Record<string, string> = {};
  let asked: Record<string, string> = {};
  const container = {
    ports: [{ name: "web", containerPort: 8080 }],
    readinessProbe: { httpGet: { path: "/ok?x=1", port: "web", httpHeaders: [{ name: "X-A", value: "b" }] }, failureThreshold: 1 },
  };
  const { world, scope, prober, events, target } = setUp(container);
  await world.network.serve(scope, { host: "0.0.0.0", port: 8080 }, async (request) => {
    asked = { ...request.headers, path: `${request.path}?${request.query}` };
    return { status, headers };
  });
  await world.advance(100);
  assert.equal(prober.state("c1")?.ready, true);
  assert.equal(asked["path"], "/ok?x=1");
  assert.equal(asked["user-agent"], "kube-probe/1.36");
  assert.equal(asked["x-a"], "b");
  status = 500;
  await world.advance(10_000);
  assert.equal(prober.state("c1")?.ready, false);
  assert.equal(events.at(-1), "spec.containers{main} Warning Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 500");
  status = 302;
  headers = { location: "https://elsewhere.example/" };
  await world.advance(10_000);
  assert.equal(prober.state("c1")?.ready, true);
  assert.match(events.at(-1) ?? "", /Warning ProbeWarning Readiness probe warning: Probe terminated redirects/);

  const tcp = setUp({ livenessProbe: { tcpSocket: { port: 9 }, failureThreshold: 1 } });
  await tcp.world.advance(2_000);
  assert.equal(
    tcp.events[0],
    `spec.containers{main} Warning Unhealthy Liveness probe failed: dial tcp ${target.podIP}:9: connect: connection refused`,
  );
});

test("stop ends probing", async () => {
  const { world, prober, attempts } = setUp({ livenessProbe: execProbe });
  await world.advance(500);
  prober.stop("c1");
  await world.advance(60_000);
  assert.equal(attempts.length, 1);
  assert.equal(prober.state("c1"), undefined);
});
