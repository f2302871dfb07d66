import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Change, Informer } from "#client/informer.ts";
import { podsByNode } from "./pods-by-node.ts";

const pod = (name: string, nodeName?: string) => ({ metadata: { namespace: "default", name }, spec: { nodeName } }) as unknown as Pod;

test("each node hears of its own Pods, from when they are bound until it no longer listens", () => {
  const there = [pod("old", "a"), pod("other", "b")];
  let tell: (change: Change<Pod>) => void = () => {};
  const informer = {
    get: (key: string) => there.find(({ metadata }) => key === `default/${metadata.name}`),
    addIndex() {},
    byIndex: (_: string, node: string) => there.filter(({ spec }) => spec.nodeName === node),
    onChange: (handler: typeof tell) => {
      tell = handler;
    },
  } as unknown as Informer<Pod>;
  const nodeOf = podsByNode(informer);
  const heard: string[] = [];
  const unsubscribe = nodeOf("a").onChange(({ type, object }) => heard.push(`${type} ${object.metadata.name}`));
  tell({ type: "added", object: pod("new") });
  tell({ type: "changed", object: pod("new", "a"), old: pod("new") });
  tell({ type: "changed", object: pod("new", "a"), old: pod("new", "a") });
  tell({ type: "added", object: pod("far", "b") });
  tell({ type: "deleted", object: pod("new", "a"), old: pod("new", "a") });
  unsubscribe();
  tell({ type: "added", object: pod("late", "a") });
  assert.deepEqual(heard, ["added old", "added new", "changed new", "deleted new"]);
  assert.deepEqual(
    [nodeOf("a").get("default/old")?.metadata.name, nodeOf("a").get("default/other"), nodeOf("b").get("default/nowhere")],
    ["old", undefined, undefined],
  );
});
