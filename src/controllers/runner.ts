// Runs controllers that decide: informers wake keys, a worker looks at everything related, asks for a decision, and does its steps.
import type { Scope } from "#base/scope.ts";
import { isReason, type StatusReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import { type Informer, objectKey } from "#client/informer.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Announcement, ControllerDeclaration, ControllerNeeds, Relations, Step } from "./controller.ts";

type AnyDeclaration = ControllerDeclaration<KubernetesObject, Relations<KubernetesObject>>;

/** Related changes that come within this time are looked at together: a thousand Pods that change are not a thousand decisions. */
const gatherMilliseconds = 5;

export function runDecider(scope: Scope, world: World, needs: ControllerNeeds, declaration: AnyDeclaration): void {
  const { informers, facts } = needs;
  const own = informers.for(declaration.for);
  const related = Object.entries(declaration.reads ?? {}).map(([name, relation]) => ({
    name,
    relation,
    others: informers.for(relation.kind as Kind<KubernetesObject>),
  }));
  for (const { relation, others } of related) relation.prepare?.(others, own);

  const perform = performer(needs);
  const queue = startWorkQueue(scope, world, { workers: declaration.workers ?? 5 }, async (key, failures) => {
    const object = own.get(key);
    let steps: readonly Step[];
    if (object) {
      const found = Object.fromEntries(related.map(({ name, relation, others }) => [name, relation.find(object, others)]));
      steps = declaration.decide({ object, now: world.clock.now(), facts, ...found } as Parameters<AnyDeclaration["decide"]>[0]);
    } else {
      const at = key.indexOf("/");
      const name = at < 0 ? { name: key } : { namespace: key.slice(0, at), name: key.slice(at + 1) };
      steps = declaration.gone?.(name, facts) ?? [];
    }
    try {
      for (const step of steps) {
        if (step.do === "again") queue.addAfter(key, step.afterMilliseconds);
        else await perform(step);
      }
    } catch (error) {
      const level = isReason(error, "Conflict", "AlreadyExists") || failures < 3 ? "debug" : "warn";
      world.log[level]("a round failed; it will be tried again", { controller: declaration.name, key, error: (error as Error).message });
      throw error;
    }
  });

  scope.start(declaration.name, async (task) => {
    await Promise.all([own.synced, ...related.map(({ others }) => others.synced)]);
    task.throwIfStopped();
    scope.defer(
      "own changes",
      own.onChange(({ object }) => queue.add(objectKey(object))),
    );
    for (const { relation, others } of related) {
      let telling = false;
      const end = others.onChange((change) => {
        if (telling) for (const key of relation.wakes(change, own)) queue.addAfter(key, gatherMilliseconds);
      });
      telling = true;
      scope.defer("related changes", end);
    }
  });
}

/** Does steps through the client, and tells the local copies what came of them. */
export function performer({ client, informers, events }: ControllerNeeds): (step: Step) => Promise<void> {
  const copyOf = (kind: Kind): Informer<KubernetesObject> | undefined => informers.started(kind);

  async function perform(step: Step): Promise<void> {
    switch (step.do) {
      case "create":
        return create(step);
      case "update":
        return announced(step.announce, [], async () => {
          copyOf(step.kind)?.observe(await client.update(step.kind, step.object));
          return step.object.metadata.name;
        });
      case "update status":
        copyOf(step.kind)?.observe(await client.updateStatus(step.kind, step.object));
        return;
      case "patch": {
        const options = { type: "merge" as const, ...(step.subresource && { subresource: step.subresource }) };
        copyOf(step.kind)?.observe(await client.patch(step.kind, step.object.metadata, step.patch, options));
        return;
      }
      case "delete":
        return announced(step.announce, [], () => remove(client, step, copyOf(step.kind)));
      case "tell":
        events.record(step.about, step.type, step.reason, step.message);
        return;
      case "together":
        return inGrowingBatches(step.steps, perform);
      case "attempt":
        try {
          for (const one of step.steps) await perform(one);
        } catch (error) {
          for (const one of step.ifFailed((error as Error).message)) await perform(one);
          throw error;
        }
        return;
      case "ask": {
        const { items } = await client.list(step.kind, step.options);
        for (const object of items) copyOf(step.kind)?.observe(object);
        for (const one of step.then(items)) await perform(one);
        return;
      }
      case "again":
        return;
    }
  }

  async function create({ kind, object, announce, ifMissing, ifTaken }: Extract<Step, { do: "create" }>): Promise<void> {
    const copy = copyOf(kind);
    try {
      await announced(announce, ifMissing || ifTaken ? ["AlreadyExists"] : [], async () => {
        const made = await client.create(kind, object);
        copy?.observe(made);
        return made.metadata.name;
      });
    } catch (error) {
      if (!isReason(error, "AlreadyExists") || !(ifMissing || ifTaken)) throw error;
      const other = await client.get(kind, { name: object.metadata?.name ?? "", namespace: object.metadata?.namespace });
      copy?.observe(other);
      for (const step of ifTaken?.(other) ?? []) await perform(step);
    }
  }

  async function announced(
    announcement: Announcement | undefined,
    expected: readonly StatusReason[],
    act: () => Promise<string>,
  ): Promise<void> {
    try {
      const name = await act();
      if (announcement?.done) {
        const { type = "Normal", reason, message } = announcement.done;
        events.record(announcement.about, type, reason, message.replace("{name}", name));
      }
    } catch (error) {
      if (announcement?.failed && !isReason(error, "NotFound", "Conflict", ...expected)) {
        const { type = "Warning", reason, message } = announcement.failed;
        events.record(announcement.about, type, reason, message.replace("{error}", (error as Error).message));
      }
      throw error;
    }
  }

  return perform;
}

async function remove(
  client: Client,
  step: Extract<Step, { do: "delete" }>,
  copy: Informer<KubernetesObject> | undefined,
): Promise<string> {
  const { kind, object, propagation, graceSeconds } = step;
  const { uid, name } = object.metadata;
  let left: KubernetesObject | undefined;
  try {
    left = await client.delete(kind, object.metadata, {
      preconditions: { uid },
      ...(propagation && { propagationPolicy: propagation }),
      ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
    });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
  if (left) copy?.observe(left);
  else copy?.observeDeleted(object);
  return name;
}

/** 1, 2, 4, … at once; stops after the batch in which something failed. */
async function inGrowingBatches(steps: readonly Step[], perform: (step: Step) => Promise<void>): Promise<void> {
  for (let from = 0, size = 1; from < steps.length; from += size, size = Math.min(size * 2, 128)) {
    const results = await Promise.allSettled(steps.slice(from, from + size).map(perform));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }
}
