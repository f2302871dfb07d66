// What a Namespace that is being emptied says about what is left in it.
import type { NamespaceCondition } from "#api/core/namespace/namespace.ts";
import { withCondition } from "#api/meta/conditions.ts";
import { formatTime } from "#schema/time.ts";

export interface Content {
  /** By "plural.group". */
  readonly remaining: ReadonlyMap<string, { readonly count: number; readonly finalizers: ReadonlyMap<string, number> }>;
  /** Why deleting failed, in the server's words. */
  readonly failures: readonly string[];
  /** Groups and versions whose kinds could not be asked for. */
  readonly undiscovered: readonly { readonly groupVersion: string; readonly reason: string }[];
}

export function conditionsFor(
  before: readonly NamespaceCondition[] | undefined,
  { remaining, failures, undiscovered }: Content,
  now: number,
): readonly NamespaceCondition[] {
  const resources = [...remaining].map(([name, { count }]) => `${name} has ${count} resource instances`).sort();
  const counts = new Map<string, number>();
  for (const { finalizers } of remaining.values())
    for (const [name, count] of finalizers) counts.set(name, (counts.get(name) ?? 0) + count);
  const finalizers = [...counts].map(([name, count]) => `${name} in ${count} resource instances`).sort();
  const unknown = undiscovered.map(({ groupVersion, reason }) => `${groupVersion}: ${reason}`).sort();

  const facts: readonly (readonly [
    type: string,
    texts: readonly string[],
    bad: readonly [string, string],
    good: readonly [string, string],
  ])[] = [
    [
      "NamespaceDeletionDiscoveryFailure",
      unknown,
      ["DiscoveryFailed", "Discovery failed for some groups, "],
      ["ResourcesDiscovered", "All resources successfully discovered"],
    ],
    [
      "NamespaceDeletionGroupVersionParsingFailure",
      [],
      ["GroupVersionParsingFailed", ""],
      ["ParsedGroupVersions", "All legacy kube types successfully parsed"],
    ],
    [
      "NamespaceDeletionContentFailure",
      [...failures].sort(),
      ["ContentDeletionFailed", "Failed to delete all resource types, "],
      ["ContentDeleted", "All content successfully deleted, may be waiting on finalization"],
    ],
    [
      "NamespaceContentRemaining",
      resources,
      ["SomeResourcesRemain", "Some resources are remaining: "],
      ["ContentRemoved", "All content successfully removed"],
    ],
    [
      "NamespaceFinalizersRemaining",
      finalizers,
      ["SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: "],
      ["ContentHasNoFinalizers", "All content-preserving finalizers finished"],
    ],
  ];
  let conditions = before ?? [];
  for (const [type, texts, [badReason, badMessage], [goodReason, goodMessage]] of facts) {
    const isBad = texts.length > 0;
    const count =
      type === "NamespaceDeletionDiscoveryFailure" || type === "NamespaceDeletionContentFailure" ? `${texts.length} remaining: ` : "";
    conditions = withCondition(
      conditions,
      {
        type,
        status: isBad ? "True" : "False",
        reason: isBad ? badReason : goodReason,
        message: isBad ? `${badMessage}${count}${texts.join(", ")}` : goodMessage,
      },
      formatTime(now),
    );
  }
  return conditions;
}
