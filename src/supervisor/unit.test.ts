import assert from "node:assert/strict";
import { test } from "node:test";
import { decide, inactive, type UnitEvent, type UnitState, type UnitStep } from "./unit.ts";
import { readUnit } from "./unit-file.ts";

/** Sends the events one by one at the given second; spawned processes get the ids 1, 2, 3 as they are asked for. */
function play(text: string, events: readonly (readonly [seconds: number, event: UnitEvent])[]): { state: UnitState; log: string[] } {
  const unit = readUnit("x.service", [{ path: "x", text }]);
  let state: UnitState = inactive;
  let nextId = 1;
  const log: string[] = [];
  const send = (seconds: number, event: UnitEvent): void => {
    const decision = decide(unit, state, event, seconds * 1_000);
    state = decision.state;
    const spawns: UnitEvent[] = [];
    for (const step of decision.steps) {
      log.push(describe(step));
      if (step.kind === "spawn") spawns.push({ kind: "spawned", role: step.role, id: nextId++ });
      if (step.kind === "await-empty") spawns.push({ kind: "group-empty" });
    }
    for (const spawned of spawns) send(seconds, spawned);
  };
  for (const [seconds, event] of events) send(seconds, event);
  return { state, log: log.filter((line) => line !== "") };
}

function describe(step: UnitStep): string {
  switch (step.kind) {
    case "spawn":
      return `${step.role} ${step.command.words.join(" ")}`;
    case "kill":
      return `kill ${step.who} ${step.signal}`;
    case "timer":
      return Number.isFinite(step.milliseconds) ? `timer ${step.milliseconds}` : "";
    case "say":
      return step.message;
    case "await-empty":
      return "";
  }
}

const start: UnitEvent = { kind: "start" };
const timer: UnitEvent = { kind: "timer" };
const exited = (id: number, exit: { code?: number; signal?: string }): UnitEvent => ({ kind: "exited", id, exit });
const text = "[Unit]\nDescription=The x\n[Service]\nExecStart=/x\nRestart=on-failure\nRestartSec=2\n";

test("the commands around the main one run in order", () => {
  const { state, log } = play(
    "[Service]\nExecStartPre=/pre1\nExecStartPre=-/pre2\nExecStart=/x\nExecStartPost=/post\nExecStop=/stop $MAINPID\nExecStopPost=/after\n",
    [
      [0, start],
      [0, exited(1, { code: 0 })],
      [0, exited(2, { code: 1 })],
      [0, exited(4, { code: 0 })],
      [5, { kind: "stop" }],
      [5, exited(5, { code: 0 })],
      [5, exited(3, { signal: "SIGTERM" })],
      [5, exited(6, { code: 0 })],
    ],
  );
  assert.deepEqual(
    log.filter((line) => /^(main|control|kill)/.test(line)),
    ["control /pre1", "control /pre2", "main /x", "control /post", "control /stop $MAINPID", "kill all SIGTERM", "control /after"],
  );
  assert.equal(state.phase, "inactive");
  assert.equal(state.result, "success");
});

test("a main process killed is started again after RestartSec", () => {
  const { state, log } = play(text, [
    [0, start],
    [9, exited(1, { signal: "SIGKILL" })],
    [11, timer],
  ]);
  assert.deepEqual(
    log.filter((line) => /^(kill|timer 2000|Main|Failed|Scheduled)/.test(line)),
    [
      "Main process exited, code=killed, signal=KILL",
      "kill all SIGTERM",
      "Failed with result 'signal'.",
      "timer 2000",
      "Scheduled restart job, restart counter is at 1.",
    ],
  );
  assert.equal(state.phase, "running");
  assert.equal(state.restarts, 1);
  assert.equal(state.mainId, 2);
});

test("Restart= against how the process ended", () => {
  const phaseAfter = (restart: string, exit: { code?: number; signal?: string }) =>
    play(`[Service]\nExecStart=/x\nRestart=${restart}\n`, [
      [0, start],
      [1, exited(1, exit)],
    ]).state.phase;
  const ends = [{ code: 0 }, { code: 3 }, { signal: "SIGTERM" }, { signal: "SIGSEGV" }];
  assert.deepEqual(
    ends.map((exit) => phaseAfter("no", exit)),
    ["inactive", "failed", "inactive", "failed"],
  );
  assert.deepEqual(
    ends.map((exit) => phaseAfter("on-failure", exit)),
    ["inactive", "auto-restart", "inactive", "auto-restart"],
  );
  assert.deepEqual(
    ends.map((exit) => phaseAfter("on-abnormal", exit)),
    ["inactive", "failed", "inactive", "auto-restart"],
  );
  assert.deepEqual(
    ends.map((exit) => phaseAfter("on-success", exit)),
    ["auto-restart", "failed", "auto-restart", "failed"],
  );
  assert.deepEqual(
    ends.map((exit) => phaseAfter("always", exit)),
    ["auto-restart", "auto-restart", "auto-restart", "auto-restart"],
  );
});

test("starting too often ends in failed, until the interval is over", () => {
  const crash = (id: number, seconds: number): readonly (readonly [number, UnitEvent])[] => [
    [seconds, exited(id, { code: 1 })],
    [seconds, timer],
  ];
  const often: readonly (readonly [number, UnitEvent])[] = [[0, start], ...[1, 2, 3, 4, 5].flatMap((id) => crash(id, id))];
  const { state } = play(text, often);
  assert.equal(state.phase, "failed");
  assert.equal(state.result, "start-limit-hit");
  assert.equal(play(text, [...often, [20, start]]).state.phase, "running");
});

test("what does not stop in time is killed", () => {
  const { state, log } = play("[Service]\nExecStart=/x\nKillMode=mixed\nTimeoutStopSec=3\nRestart=always\n", [
    [0, start],
    [1, { kind: "stop" }],
    [4, timer],
    [4, exited(1, { signal: "SIGKILL" })],
  ]);
  assert.deepEqual(
    log.filter((line) => line.startsWith("kill")),
    ["kill main SIGTERM", "kill all SIGKILL", "kill main SIGKILL", "kill all SIGKILL"],
  );
  assert.equal(state.phase, "failed");
  assert.equal(state.result, "timeout");
});

test("KillMode=process leaves the others alone", () => {
  const { log } = play("[Service]\nExecStart=/x\nKillMode=process\nRestart=always\n", [
    [0, start],
    [1, exited(1, { signal: "SIGKILL" })],
    [2, timer],
  ]);
  assert.deepEqual(
    log.filter((line) => line.startsWith("kill")),
    [],
  );
});

test("a stop while waiting for the restart holds; a restart comes back at once", () => {
  assert.equal(
    play(text, [
      [0, start],
      [1, exited(1, { code: 1 })],
      [1, { kind: "stop" }],
      [5, timer],
    ]).state.phase,
    "inactive",
  );
  const { state } = play(text, [
    [0, start],
    [1, { kind: "restart" }],
    [1, exited(1, { signal: "SIGTERM" })],
  ]);
  assert.deepEqual([state.phase, state.mainId], ["running", 2]);
});

test("a oneshot runs its commands one after the other and stays up", () => {
  const oneshot = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/a\nExecStart=/b\n";
  const { state, log } = play(oneshot, [
    [0, start],
    [1, exited(1, { code: 0 })],
    [2, exited(2, { code: 0 })],
  ]);
  assert.deepEqual(
    log.filter((line) => line.startsWith("main")),
    ["main /a", "main /b"],
  );
  assert.equal(state.phase, "exited");
  assert.equal(
    play(oneshot, [
      [0, start],
      [1, exited(1, { code: 4 })],
    ]).state.phase,
    "failed",
  );
});

test("a failed ExecStartPre keeps the service from starting", () => {
  const { state, log } = play("[Service]\nExecStartPre=/pre\nExecStart=/x\n", [
    [0, start],
    [0, exited(1, { code: 1 })],
  ]);
  assert.ok(!log.includes("main /x"));
  assert.deepEqual([state.phase, state.result], ["failed", "exit-code"]);
});

test("an adopted process that ends when asked to has not failed, though its exit is unknown; one that ends by itself has", () => {
  assert.equal(
    play(text, [
      [0, start],
      [1, { kind: "stop" }],
      [1, exited(1, {})],
    ]).state.phase,
    "inactive",
  );
  assert.equal(
    play(text, [
      [0, start],
      [1, exited(1, {})],
    ]).state.phase,
    "auto-restart",
  );
});
