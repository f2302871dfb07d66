import assert from "node:assert/strict";
import { test } from "node:test";
import { found, lists, render, sameText } from "./lists.ts";
import type { List } from "./lists.ts";

const listOf = (name: string) => lists.find((list) => list.name === name) as List;

test("exports made by the list's constructor are found, others are not", () => {
  const source =
    "export const a = kind({\nconst b = kind({});\nexport const c: Kind = kind({});\nexport const d = other({});\n// export const e = kind({\n";
  assert.deepEqual(
    found(listOf("allKinds"), "src/api/apps/x/x.ts", source).map(({ exported }) => exported),
    ["a", "c"],
  );
});

test("two exports of one name are told apart by their group", () => {
  const list = listOf("allKinds");
  const text = render(list, [
    ...found(list, "src/api/events.k8s.io/event/event.ts", "export const Event = kind({"),
    ...found(list, "src/api/core/event/event.ts", "export const Event = kind({"),
  ]);
  assert.match(text, /import { Event } from "\.\/core\/event\/event\.ts";\nimport { Event as EventOfEventsK8sIo }/);
  assert.match(text, /= \[\n {2}Event,\n {2}EventOfEventsK8sIo,\n\];/);
});

test("commands are listed with name and description, and loaded late", () => {
  const list = listOf("allCommands");
  const source = 'import { command } from "../command.ts";\nexport const up = command({\n  name: "up",\n  doc: "Says \\"yes\\".",\n});\n';
  const text = render(list, found(list, "src/cli/up/up.ts", source));
  assert.match(text, /name: "up",\s+doc: "Says \\"yes\\"\.",\s+load: async \(\) => \(await import\("\.\/up\/up\.ts"\)\)\.up,/);
});

test("formatting does not make a list stale, an entry does", () => {
  assert.ok(sameText("[\n  a,\n  b,\n]", "[a, b]"));
  assert.ok(!sameText("[a, b]", "[a, b, c]"));
});
