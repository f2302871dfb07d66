// What the torture runs in: real processes and real time, or a simulated World.
import type { RoundPlan } from "./plan.ts";

export interface Environment {
  readonly name: string;
  /** For writers and for watchers, each with connections of their own. */
  readonly api: Api;
  readonly watching: Api;
  /** In milliseconds; every call is a later moment than the one before. */
  now(): number;
  pause(milliseconds: number): Promise<void>;
  /** Starts the API server on what is there. */
  start(): Server;
  /** While writers write: faults beside the kill. Ends when it is over. */
  disturb?(plan: RoundPlan, over: () => boolean): Promise<void>;
  /** After the server is gone and before it is started again. */
  broken(plan: RoundPlan): Promise<void>;
  /** Answers with what there is to say of it. After a failure, what is on the disk stays. */
  close(failed: boolean): Promise<string | undefined>;
}

export interface Server {
  /** Why it is not running though nobody killed it. */
  readonly failure: string | undefined;
  /** Resolves once it answers; rejects with ServerFailed. */
  ready(): Promise<void>;
  /** Ends it between two instructions. Resolves when it is gone. */
  kill(): Promise<void>;
}

/** The server ended by itself, or did not come up. */
export class ServerFailed extends Error {
  override readonly name = "ServerFailed";
}

export interface Api {
  /** Rejects with NotSent, or with another error when nobody knows whether it happened. */
  ask(method: string, path: string, body?: unknown, type?: string): Promise<Answer>;
  /** Follows a watch until its connection ends, however that happens. Returns a way to end it. */
  follow(path: string, on: Follower): () => void;
}

export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

export interface Follower {
  status(status: number): void;
  line(item: Answer["json"]): void;
  ended(): void;
}

/** The request certainly did nothing: it did not reach the server. */
export class NotSent extends Error {
  override readonly name = "NotSent";
}
