import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment } from "#api/apps/deployment/deployment.ts";
import type { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import type { Step } from "../controller.ts";
import { decide } from "./deployment-controller.ts";

/** A Deployment, its ReplicaSets, and Pods that are only counted: enough to see what deciding again and again leads to. */
class Bench {
  deployment: Deployment;
  sets: ReplicaSet[] = [];
  now = Date.UTC(2026, 0, 1);
  readonly events: string[] = [];
  #version = 1;

  constructor(spec: Partial<Deployment["spec"]> = {}) {
    this.deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: this.meta("web"),
      spec: {
        replicas: 4,
        selector: { matchLabels: { app: "web" } },
        template: template("1"),
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        ...spec,
      },
      status: {},
    } as Deployment;
  }

  meta(name: string) {
    this.#version += 1;
    const creationTimestamp = new Date(this.now + this.#version * 1000).toISOString().replace(/\.\d+/, "");
    return { name, namespace: "default", uid: `uid-${name}`, resourceVersion: String(this.#version), creationTimestamp, generation: 1 };
  }

  change(spec: Partial<Deployment["spec"]>): void {
    const generation = Number(this.deployment.metadata.generation) + 1;
    this.deployment = {
      ...this.deployment,
      metadata: { ...this.deployment.metadata, generation },
      spec: { ...this.deployment.spec, ...spec },
    };
  }

  /** One round of the controller. */
  round(): readonly Step[] {
    const steps = decide({ object: this.deployment, sets: this.sets, now: this.now });
    for (const step of steps) this.#do(step);
    return steps;
  }

  #do(step: Step): void {
    if (step.do === "attempt") for (const one of step.steps) this.#do(one);
    if (step.do === "create") {
      const set = { ...step.object, apiVersion: "apps/v1", kind: "ReplicaSet", status: { replicas: 0 } } as ReplicaSet;
      this.sets.push({ ...set, metadata: { ...this.meta(set.metadata.name), ...set.metadata } });
    }
    if (step.do === "update") this.#store(step.object);
    if (step.do === "update status") this.deployment = step.object as Deployment;
    if (step.do === "patch") {
      const { annotations } = (step.patch as { metadata: { annotations: Record<string, string> } }).metadata;
      this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, annotations } };
    }
    if (step.do === "delete") this.sets = this.sets.filter((set) => set.metadata.name !== step.object.metadata.name);
    const done = "announce" in step ? step.announce?.done : undefined;
    if (done) this.events.push(done.message);
  }

  #store(object: KubernetesObject): void {
    this.sets = this.sets.map((set) => (set.metadata.name === object.metadata.name ? (object as ReplicaSet) : set));
  }

  /** What ReplicaSets and kubelets do: every set has the Pods it wants, of which `ready(set)` are available. */
  settle(ready: (set: ReplicaSet) => number = (set) => set.spec.replicas as number): void {
    this.sets = this.sets.map((set) => {
      const replicas = set.spec.replicas as number;
      const available = Math.min(replicas, ready(set));
      const status = { replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 1 };
      return { ...set, status };
    });
  }

  roll(rounds = 40): void {
    for (let count = 0; count < rounds; count++) {
      this.round();
      this.settle();
    }
  }

  get sizes(): readonly number[] {
    return this.sets.map((set) => set.spec.replicas as number);
  }

  progress(type = "Progressing"): string | undefined {
    return this.deployment.status.conditions?.find((condition) => condition.type === type)?.reason;
  }
}

function template(version: string) {
  return {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: `web:${version}` }] },
  } as unknown as Deployment["spec"]["template"];
}

test("a new Deployment gets one ReplicaSet of full size and says how it went", () => {
  const bench = new Bench();
  bench.round();
  assert.deepEqual(bench.sizes, [4]);
  const [set] = bench.sets;
  const hash = set?.metadata.labels?.["pod-template-hash"] as string;
  assert.equal(set?.metadata.name, `web-${hash}`);
  assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{4,10}$/);
  assert.equal(set?.spec.selector?.matchLabels?.["pod-template-hash"], hash);
  assert.equal(set?.metadata.annotations?.["deployment.kubernetes.io/desired-replicas"], "4");
  assert.equal(set?.metadata.annotations?.["deployment.kubernetes.io/max-replicas"], "5");
  assert.deepEqual(bench.events, [`Scaled up replica set web-${hash} from 0 to 4`]);
  assert.equal(bench.progress(), "NewReplicaSetCreated");
  assert.equal(bench.progress("Available"), "MinimumReplicasUnavailable");
  bench.roll();
  assert.equal(bench.progress(), "NewReplicaSetAvailable");
  assert.equal(bench.progress("Available"), "MinimumReplicasAvailable");
  assert.equal(bench.deployment.metadata.annotations?.["deployment.kubernetes.io/revision"], "1");
  assert.deepEqual(bench.round(), [], "nothing is left to do");
});

test("a rolling update never goes below what is promised nor above the surge, whatever becomes ready when", () => {
  for (const rollingUpdate of [
    { maxSurge: 1, maxUnavailable: 0 },
    { maxSurge: 0, maxUnavailable: 1 },
    { maxSurge: "25%", maxUnavailable: "25%" },
    { maxSurge: 0, maxUnavailable: 0 },
  ]) {
    for (let seed = 1; seed < 20; seed++) {
      let chance = seed;
      const random = () => (chance = (chance * 48271) % 2147483647) / 2147483647;
      const bench = new Bench({ replicas: 5, strategy: { type: "RollingUpdate", rollingUpdate } });
      bench.roll();
      bench.change({ template: template("2") });
      const least =
        5 -
        (rollingUpdate.maxSurge === 0 && rollingUpdate.maxUnavailable === 0
          ? 1
          : Math.floor(rollingUpdate.maxUnavailable === "25%" ? 1.25 : (rollingUpdate.maxUnavailable as number)));
      const most = 5 + (rollingUpdate.maxSurge === "25%" ? 2 : (rollingUpdate.maxSurge as number));
      for (let count = 0; count < 300 && bench.progress() !== "done"; count++) {
        bench.round();
        const total = bench.sizes.reduce((a, b) => a + b, 0);
        assert.ok(total <= most, `${total} Pods`);
        if (random() < 0.5)
          bench.settle((set) =>
            set.spec.template.spec.containers[0]?.image === "web:1" ? 5 : (set.status.availableReplicas ?? 0) + (random() < 0.5 ? 1 : 0),
          );
        const available = bench.sets.reduce(
          (sum, set) => sum + Math.min(set.status.availableReplicas ?? 0, set.spec.replicas as number),
          0,
        );
        assert.ok(available >= least, `seed ${seed}: ${available} of ${least} available`);
      }
      assert.deepEqual(bench.sizes, [0, 5], `seed ${seed}`);
    }
  }
});

test("an image that never becomes ready holds the rollout, and the deadline says so", () => {
  const bench = new Bench();
  bench.roll();
  bench.change({ template: template("bad") });
  for (let count = 0; count < 20; count++) {
    bench.round();
    bench.settle((set) => (set.spec.template.spec.containers[0]?.image === "web:bad" ? 0 : 4));
  }
  assert.deepEqual(bench.sizes, [4, 1]);
  assert.equal(bench.progress(), "ReplicaSetUpdated");
  const wait = bench.round().find((step) => step.do === "again");
  assert.ok(wait?.do === "again" && wait.afterMilliseconds > 590_000);
  bench.now += 602_000;
  bench.round();
  assert.equal(bench.progress(), "ProgressDeadlineExceeded");
});

test("undoing takes the old ReplicaSet back with a new revision and keeps the history", () => {
  const bench = new Bench();
  bench.roll();
  bench.change({ template: template("2") });
  bench.roll();
  assert.deepEqual(bench.sizes, [0, 4]);
  bench.change({ template: template("1") });
  bench.roll();
  assert.deepEqual(bench.sizes, [4, 0]);
  assert.equal(bench.sets[0]?.metadata.annotations?.["deployment.kubernetes.io/revision"], "3");
  assert.equal(bench.sets[0]?.metadata.annotations?.["deployment.kubernetes.io/revision-history"], "1");
  assert.equal(bench.deployment.metadata.annotations?.["deployment.kubernetes.io/revision"], "3");
  assert.equal(bench.progress(), "NewReplicaSetAvailable");
});

test("Recreate starts the new Pods only after the old ones are gone", () => {
  const bench = new Bench({ strategy: { type: "Recreate" } });
  bench.roll();
  bench.change({ template: template("2") });
  bench.round();
  assert.deepEqual(bench.sizes, [0]);
  bench.round();
  assert.equal(bench.sets.length, 1, "the old Pods are not gone yet");
  bench.settle();
  bench.round();
  assert.deepEqual(bench.sizes, [0, 4]);
});

test("a paused Deployment changes size but not template; resuming goes on", () => {
  const bench = new Bench();
  bench.roll();
  bench.change({ paused: true, template: template("2"), replicas: 6 });
  bench.roll(5);
  assert.deepEqual(bench.sizes, [6]);
  assert.equal(bench.progress(), "DeploymentPaused");
  bench.change({ paused: false });
  bench.roll();
  assert.deepEqual(bench.sizes, [0, 6]);
});

test("a change of size in the middle of a rollout is shared out in proportion", () => {
  const bench = new Bench({ replicas: 10, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } });
  bench.roll();
  bench.change({ template: template("2") });
  for (let count = 0; count < 5; count++) {
    bench.round();
    bench.settle((set) => (set.spec.template.spec.containers[0]?.image === "web:2" ? 0 : 10));
  }
  assert.deepEqual(bench.sizes, [8, 5]);
  bench.change({ replicas: 15 });
  bench.round();
  assert.deepEqual(bench.sizes, [11, 7]);
});

test("old ReplicaSets beyond the history limit go", () => {
  const bench = new Bench({ revisionHistoryLimit: 1 });
  for (const version of ["1", "2", "3", "4"]) {
    bench.change({ template: template(version) });
    bench.roll();
  }
  assert.equal(bench.sets.length, 2);
});

test("a name that another template has counts a collision", () => {
  const bench = new Bench();
  const steps = bench.round();
  const attempted = steps.find((step) => step.do === "attempt");
  const made = attempted?.do === "attempt" ? attempted.steps[0] : undefined;
  assert.ok(made?.do === "create" && made.ifTaken);
  assert.deepEqual(made.ifTaken(bench.sets[0] as ReplicaSet), [], "our own, made before");
  const [step] = made.ifTaken({ ...(bench.sets[0] as ReplicaSet), metadata: { ...bench.meta("other") } });
  assert.equal(step?.do === "update status" && (step.object as Deployment).status.collisionCount, 1);
});
