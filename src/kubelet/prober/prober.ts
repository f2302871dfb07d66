// Probes containers: a startup probe gates the others, a readiness probe says who gets traffic, a failed liveness probe asks for a restart.
//
// Invariants:
// - Only what changed is told: `changed` is called when `state` answers differently than before.
// - The first attempt comes as soon as the initial delay is over. A program needs a moment to open its port, so for the first
//   `eagerMilliseconds` a failed startup or readiness probe is tried again after 100 ms and a little more each time, and is neither counted
//   nor told: a Pod is ready when it is, not a whole period later. From then on the period counts, as declared.
// - A container that was started and ready before this prober began is so until a probe says otherwise.
// - Between attempts one timer waits for each probe, nothing else.
import type { Scope } from "#base/scope.ts";
import type { Container } from "#api/core/pod/container.ts";
import type { Probe } from "#api/core/pod/probe.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { EventSubject } from "#client/event-recorder.ts";
import type { Timer } from "#platform/clock.ts";
import type { World } from "#platform/world.ts";
import type { Prober, ProberNeeds, ProbeState, ProbeTarget } from "../probes.ts";
import { attemptProbe, type Outcome } from "./attempt.ts";

const eagerMilliseconds = 2_000;
const eagerFirstMilliseconds = 100;
const eagerMaxMilliseconds = 250;

type Which = "startup" | "readiness" | "liveness";
const titles = { startup: "Startup", readiness: "Readiness", liveness: "Liveness" } as const;

export function startProber(scope: Scope, world: World, { runtime, recorder, changed, attempted }: ProberNeeds): Prober {
  const probed = new Map<string, ProbedContainer>();
  scope.defer("probes", () => {
    for (const container of probed.values()) container.stop();
    probed.clear();
  });

  function tell(target: ProbeTarget, which: Which, outcome: Outcome): void {
    const subject = subjectOf(target);
    const title = titles[which];
    if (outcome.result === "failure") recorder.record(subject, "Warning", "Unhealthy", `${title} probe failed: ${outcome.message}`);
    if (outcome.result === "warning") recorder.record(subject, "Warning", "ProbeWarning", `${title} probe warning: ${outcome.message}`);
    if (outcome.result === "unknown")
      recorder.record(subject, "Warning", "Unhealthy", `${title} probe errored and resulted in unknown state: ${outcome.message}`);
  }

  return {
    start(target) {
      if (probed.has(target.containerId) || scope.stopped) return;
      const container = new ProbedContainer(world, target, {
        attempt: async (probe) => {
          const began = world.clock.monotonic();
          const outcome = await attemptProbe(world, runtime, probe, target);
          attempted?.(target, probe, outcome.result, (world.clock.monotonic() - began) / 1_000);
          return outcome;
        },
        tell: (which, outcome) => tell(target, which, outcome),
        changed: () => changed(target.containerId),
      });
      probed.set(target.containerId, container);
      container.begin();
    },
    stop(containerId) {
      probed.get(containerId)?.stop();
      probed.delete(containerId);
    },
    stopRestarts: (containerId) => probed.get(containerId)?.stopRestarts(),
    state: (containerId) => probed.get(containerId)?.state,
  };
}

interface Run {
  readonly which: Which;
  stopped: boolean;
  timer?: Timer;
}

interface ContainerNeeds {
  attempt(probe: Probe): Promise<Outcome>;
  tell(which: Which, outcome: Outcome): void;
  changed(): void;
}

class ProbedContainer {
  state: ProbeState;
  readonly #world: World;
  readonly #target: ProbeTarget;
  readonly #needs: ContainerNeeds;
  readonly #runs = new Set<Run>();

  constructor(world: World, target: ProbeTarget, needs: ContainerNeeds) {
    this.#world = world;
    this.#target = target;
    this.#needs = needs;
    const { startupProbe, readinessProbe } = target.container;
    const started = !startupProbe || target.before?.started === true;
    this.state = { started, ready: started && (!readinessProbe || target.before?.ready === true) };
  }

  begin(): void {
    const { startupProbe } = this.#target.container;
    if (startupProbe && !this.state.started) this.#run("startup", startupProbe);
    else this.#beginOthers();
  }

  stop(): void {
    this.#stop(() => true);
  }

  stopRestarts(): void {
    this.#stop(({ which }) => which !== "readiness");
  }

  #stop(isMeant: (run: Run) => boolean): void {
    for (const run of [...this.#runs].filter(isMeant)) {
      run.stopped = true;
      run.timer?.cancel();
      this.#runs.delete(run);
    }
  }

  #beginOthers(): void {
    const { readinessProbe, livenessProbe } = this.#target.container;
    if (readinessProbe) this.#run("readiness", readinessProbe);
    if (livenessProbe) this.#run("liveness", livenessProbe);
  }

  #run(which: Which, probe: Probe): void {
    const { clock } = this.#world;
    const { periodSeconds = 10, initialDelaySeconds = 0 } = probe;
    const periodMilliseconds = Math.max(1, periodSeconds) * 1_000;
    const successThreshold = Math.max(1, probe.successThreshold ?? 1);
    const failureThreshold = Math.max(1, probe.failureThreshold ?? 3);
    const run: Run = { which, stopped: false };
    this.#runs.add(run);
    let eagerUntil = which === "liveness" ? 0 : Number.POSITIVE_INFINITY;
    let eagerWait = eagerFirstMilliseconds;
    let successes = 0;
    let failures = 0;

    const wait = (milliseconds: number) => {
      run.timer = clock.timer(milliseconds, () => void attempt());
    };
    const attempt = async () => {
      const startedAt = clock.monotonic();
      if (eagerUntil === Number.POSITIVE_INFINITY) eagerUntil = startedAt + Math.min(eagerMilliseconds, periodMilliseconds);
      const outcome = await this.#needs.attempt(probe);
      if (run.stopped) return;
      const now = clock.monotonic();
      const again = Math.max(0, startedAt + periodMilliseconds - now);
      switch (outcome.result) {
        case "success":
        case "warning":
          if (outcome.result === "warning") this.#needs.tell(which, outcome);
          eagerUntil = 0;
          failures = 0;
          successes += 1;
          if (successes >= successThreshold) this.#succeeded(which);
          break;
        case "failure":
          if (now < eagerUntil) {
            wait(eagerWait);
            eagerWait = Math.min(eagerMaxMilliseconds, eagerWait * 1.25);
            return;
          }
          this.#needs.tell(which, outcome);
          successes = 0;
          failures += 1;
          if (failures >= failureThreshold) this.#failed(which, probe);
          break;
        case "unknown":
          this.#needs.tell(which, outcome);
          break;
      }
      if (!run.stopped) wait(again);
    };
    const delay = initialDelaySeconds * 1_000;
    // What started in the future did so before the clock was set back.
    wait(Math.min(delay, Math.max(0, this.#target.startedAt + delay - clock.now())));
  }

  #succeeded(which: Which): void {
    if (which === "readiness") this.#become({ ...this.state, ready: true });
    if (which !== "startup") return;
    this.stop();
    this.#become({ started: true, ready: !this.#target.container.readinessProbe });
    this.#beginOthers();
  }

  #failed(which: Which, probe: Probe): void {
    if (which === "readiness") {
      this.#become({ ...this.state, ready: false });
      return;
    }
    this.stopRestarts();
    const grace = probe.terminationGracePeriodSeconds;
    this.#become({ ...this.state, failed: { probe: which, ...(grace !== undefined && { graceSeconds: Number(grace) }) } });
  }

  #become(state: ProbeState): void {
    const { started, ready, failed } = this.state;
    if (started === state.started && ready === state.ready && failed === state.failed) return;
    this.state = state;
    this.#needs.changed();
  }
}

/** The Pod, narrowed to the container: "spec.containers{web}". */
function subjectOf({ pod, container }: ProbeTarget): EventSubject {
  const { namespace, name, uid, resourceVersion } = pod.metadata;
  const fieldPath = `spec.${listOf(pod, container)}{${container.name}}`;
  return { apiVersion: "v1", kind: "Pod", namespace, name, uid, resourceVersion, fieldPath };
}

function listOf({ spec }: Pod, { name }: Container): string {
  return spec.initContainers?.some((one) => one.name === name) ? "initContainers" : "containers";
}
