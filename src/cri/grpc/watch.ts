// Hears of changes at once: from CRI's event stream, else from containerd's own, else by looking every second.
import { decodeBase64 } from "#base/base64.ts";
import { type Scope, ScopeStopped } from "#base/scope.ts";
import { type GrpcChannel, GrpcError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { readProtobuf, writeProtobuf } from "#schema/derive/protobuf.ts";
import type { RuntimeEvent } from "../runtime.ts";
import * as m from "./messages.ts";

const unimplemented = 12;
const pollMilliseconds = 1_000;
const reconnectMilliseconds = 500;
/** A stream does not say when it has begun; after this long it has, and what happened until then is looked up. */
const connectedMilliseconds = 1_000;
/** A container's end, and its removal from the task list, after which CRI knows of it; execs are told too and left out here. */
const filters = ["exit", "delete", "oom"].map((topic) => `namespace==k8s.io,topic=="/tasks/${topic}"`);

type Source = "cri" | "containerd" | "poll";

export function watchRuntime(scope: Scope, world: World, channel: GrpcChannel, told: (event: RuntimeEvent) => void): void {
  scope.start("runtime events", async (task) => {
    let source: Source = "cri";
    while (!task.stopped) {
      const caughtUp = world.clock.timer(connectedMilliseconds, () => told({ type: "resync" }));
      try {
        if (source === "cri") await hearCri(task);
        else if (source === "containerd") await hearContainerd(task);
      } catch (error) {
        if (error instanceof ScopeStopped) throw error;
        if (error instanceof GrpcError && error.code === unimplemented && source !== "poll") {
          source = source === "cri" ? "containerd" : "poll";
          world.log.debug("the runtime has no such event stream", { next: source });
          continue;
        }
        world.log.debug("the runtime's events broke off; connecting again", { error: (error as Error).message });
      } finally {
        caughtUp.cancel();
      }
      await world.clock.sleep(task, source === "poll" ? pollMilliseconds : reconnectMilliseconds);
      told({ type: "resync" });
    }
  });

  async function hearCri(task: Scope): Promise<void> {
    const request = writeProtobuf(m.Empty, {});
    for await (const bytes of channel.stream("/runtime.v1.RuntimeService/GetContainerEvents", request, { signal: task.signal })) {
      told({ type: "changed", id: readProtobuf(m.ContainerEvent, bytes).containerId });
    }
  }

  async function hearContainerd(task: Scope): Promise<void> {
    const request = writeProtobuf(m.SubscribeRequest, { filters });
    for await (const bytes of channel.stream("/containerd.services.events.v1.Events/Subscribe", request, { signal: task.signal })) {
      const id = containerOf(bytes);
      if (id !== undefined) told({ type: "changed", id });
    }
  }
}

function containerOf(bytes: Uint8Array): string | undefined {
  const { topic, event } = readProtobuf(m.Envelope, bytes);
  const value = decodeBase64(event?.value ?? "");
  if (typeof value === "number") return undefined;
  const isExit = topic === "/tasks/exit";
  const { containerId, id } = isExit ? readProtobuf(m.TaskExit, value) : readProtobuf(m.TaskDelete, value);
  return id === "" || id === containerId ? containerId : undefined;
}
