// Brings images to the node as each container's pull policy says, in the background, and waits longer each time it fails.
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Image, Runtime } from "#cri/runtime.ts";
import { GrpcError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { durationOf } from "#schema/time.ts";
import type { ImageAccess } from "./image-access.ts";
import type { PullCredential, PullCredentials } from "./registry-auth.ts";
import { BackOffs, isWaiting, ordinaryLimits } from "../pod-worker/back-off.ts";

export type ImageOutcome =
  | { readonly type: "present"; readonly image: Image }
  | { readonly type: "pulling" }
  | { readonly type: "failed"; readonly reason: string; readonly message: string; readonly until?: number | undefined };

export type TellEvent = (type: "Normal" | "Warning", reason: string, message: string) => void;

export interface ImagePuller {
  /** Looks for the image and begins to pull it where it must be; `done` is called when a pull has ended. */
  ensure(pod: Pod, container: Container, tell: TellEvent, done: () => void): Promise<ImageOutcome>;
  /** Breaks off the pulls of a Pod and forgets its failures. */
  forget(uid: string): void;
}

export interface ImagePullerNeeds {
  readonly runtime: Runtime;
  /** What the Pod's imagePullSecrets say about the image's registry. */
  readonly credentialsFor: (pod: Pod, image: string) => Promise<PullCredentials>;
  /** Who may use what is there. */
  readonly access: ImageAccess;
  /** Pulls at a time; the others wait their turn. */
  readonly pullsMax: number;
}

interface Pulled {
  readonly ref: string;
  /** Which opened the registry. */
  readonly credential: PullCredential | undefined;
}

interface Pull {
  readonly abort: AbortController;
  outcome: ImageOutcome | undefined;
}

export function startImagePuller(world: World, { runtime, credentialsFor, access, pullsMax }: ImagePullerNeeds): ImagePuller {
  const pulls = new Map<string, Pull>();
  const backOffs = new BackOffs(ordinaryLimits, world.clock);
  const lastErrors = new Map<string, string>();
  const failedUntil = new Map<string, number>();
  const waiting: (() => void)[] = [];
  let pulling = 0;

  return {
    async ensure(pod, container, tell, done) {
      const name = normalName(container.image ?? "");
      if (name === undefined) {
        const message = `Failed to apply default image tag ${JSON.stringify(container.image)}: couldn't parse image name ${JSON.stringify(container.image)}: invalid reference format`;
        tell("Warning", "InspectFailed", message);
        return { type: "failed", reason: "InvalidImageName", message };
      }
      const shown = JSON.stringify(container.image);
      const key = `${pod.metadata.uid}_${container.name}_${container.image}`;
      const pull = pulls.get(key);
      if (pull) {
        if (!pull.outcome) return { type: "pulling" };
        pulls.delete(key);
        return pull.outcome;
      }
      const present = await runtime.imageStatus(name);
      const isOpen =
        present !== undefined &&
        container.imagePullPolicy !== "Always" &&
        (await access.mayUse({ id: present.id, name }, async () => (await credentialsFor(pod, name)).fitting));
      if (present && isOpen) {
        tell("Normal", "Pulled", `Container image ${shown} already present on machine and can be accessed by the pod`);
        return { type: "present", image: present };
      }
      if (container.imagePullPolicy === "Never") {
        const message = present
          ? `Container image ${shown} is present with pull policy of Never but does not have the proper credentials to access the image`
          : `Container image ${shown} is not present with pull policy of Never`;
        tell("Warning", "ErrImageNeverPull", message);
        return { type: "failed", reason: "ErrImageNeverPull", message };
      }
      const now = world.clock.now();
      const until = failedUntil.get(key);
      if (until !== undefined && isWaiting(until, now)) {
        tell("Normal", "BackOff", `Back-off pulling image ${shown}`);
        const last = lastErrors.get(key);
        return { type: "failed", reason: "ImagePullBackOff", message: `Back-off pulling image ${shown}${last ? `: ${last}` : ""}`, until };
      }
      begin(key, name, pod, container, tell, done);
      return { type: "pulling" };
    },
    forget(uid) {
      for (const [key, { abort }] of pulls) {
        if (!key.startsWith(`${uid}_`)) continue;
        abort.abort();
        pulls.delete(key);
      }
      for (const map of [lastErrors, failedUntil]) for (const key of map.keys()) if (key.startsWith(`${uid}_`)) map.delete(key);
      backOffs.forget(`${uid}_`);
    },
  };

  async function inTurn<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    if (pulling >= pullsMax) await new Promise<void>((resolve) => waiting.push(resolve));
    else pulling += 1;
    try {
      signal.throwIfAborted();
      return await act();
    } finally {
      // Whoever is next takes this place over.
      const next = waiting.shift();
      if (next) next();
      else pulling -= 1;
    }
  }

  /** Registries are asked as each of those they may know, until one is let in; the last refusal is the one that is told. */
  async function pullWithAny(name: string, credentials: readonly PullCredential[], signal: AbortSignal): Promise<Pulled> {
    const [last, ...others] = credentials.toReversed();
    for (const credential of others.reverse()) {
      try {
        return { ref: await runtime.pullImage(name, { auth: credential.auth, signal }), credential };
      } catch (error) {
        if (signal.aborted) throw error;
        world.log.debug("cannot pull an image with one of its secrets; trying the next", { image: name, error: (error as Error).message });
      }
    }
    return { ref: await runtime.pullImage(name, { auth: last?.auth, signal }), credential: last };
  }

  function begin(key: string, name: string, pod: Pod, container: Container, tell: TellEvent, done: () => void): void {
    const pull: Pull = { abort: new AbortController(), outcome: undefined };
    pulls.set(key, pull);
    const shown = JSON.stringify(container.image);
    tell("Normal", "Pulling", `Pulling image ${shown}`);
    const askedAt = world.clock.monotonic();
    void (async () => {
      try {
        const { fitting, missing } = await credentialsFor(pod, name);
        if (missing.length > 0) {
          const message = `Unable to retrieve some image pull secrets (${missing.join(", ")}); attempting to pull the image may not succeed.`;
          tell("Warning", "FailedToRetrieveImagePullSecret", message);
        }
        let startedAt = askedAt;
        const { signal } = pull.abort;
        const { ref, credential } = await inTurn(signal, () => {
          startedAt = world.clock.monotonic();
          return pullWithAny(name, fitting, signal);
        });
        const image = (await runtime.imageStatus(ref)) ?? (await runtime.imageStatus(name));
        if (!image) throw new GrpcError(5, `image ${name} is not there after it was pulled`);
        await access.pulled({ id: image.id, name }, credential);
        const since = (time: number) => durationOf(Math.trunc(world.clock.monotonic() - time));
        tell(
          "Normal",
          "Pulled",
          `Successfully pulled image ${shown} in ${since(startedAt)} (${since(askedAt)} including waiting). Image size: ${image.sizeBytes} bytes.`,
        );
        backOffs.forget(key);
        pull.outcome = { type: "present", image };
      } catch (error) {
        if (pull.abort.signal.aborted) return;
        const message = errorText(error);
        tell("Warning", "Failed", `Failed to pull image ${shown}: ${message}`);
        const now = world.clock.now();
        backOffs.next(key, now);
        failedUntil.set(key, now + backOffs.milliseconds(key));
        lastErrors.set(key, `ErrImagePull: ${message}`);
        pull.outcome = { type: "failed", reason: "ErrImagePull", message, until: now };
      }
      done();
    })();
  }
}

const codes = ["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied"];
codes.push("ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss");

/** As Go writes a gRPC error. */
export function errorText(error: unknown): string {
  if (!(error instanceof GrpcError)) return (error as Error).message;
  return `rpc error: code = ${codes[error.code] ?? `Code(${error.code})`} desc = ${error.message}`;
}

/** The image's name with the tag "latest" where it has neither tag nor digest; undefined when it is no image name. */
export function normalName(image: string): string | undefined {
  if (image.length > 512 || !/^[\w][\w.:/@-]*$/.test(image)) return undefined;
  const [name = "", digest] = image.split("@");
  if (digest !== undefined && !/^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/.test(digest)) return undefined;
  const slash = name.lastIndexOf("/");
  const colon = name.indexOf(":", slash + 1);
  const tag = colon < 0 ? undefined : name.slice(colon + 1);
  const path = colon < 0 ? name : name.slice(0, colon);
  if (tag !== undefined && !/^[\w][\w.-]{0,127}$/.test(tag)) return undefined;
  const parts = path.split("/");
  const [first = ""] = parts;
  const hasHost = parts.length > 1 && (first.includes(".") || first.includes(":") || first === "localhost");
  for (const part of hasHost ? parts.slice(1) : parts) {
    if (!/^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(part)) return undefined;
  }
  return tag === undefined && digest === undefined ? `${name}:latest` : image;
}
