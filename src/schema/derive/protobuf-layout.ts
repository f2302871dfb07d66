// Where the fields of a message stand in protobuf: their numbers, the order of writing, and the messages some are nested in.
import type { FieldPlan, MessagePlan } from "./plan.ts";

/** One protobuf field of a message: a declared field, or several that are nested in a message of their own there. */
export interface Slot {
  readonly number: number;
  readonly field: FieldPlan | undefined;
  readonly group: readonly Slot[] | undefined;
  readonly byNumber: ReadonlyMap<number, Slot>;
}

export interface Layout {
  readonly plan: MessagePlan;
  readonly protocol: boolean;
  /** By number, last first: the order of writing. */
  readonly slots: readonly Slot[];
  readonly byNumber: ReadonlyMap<number, Slot>;
}

const layouts = new WeakMap<MessagePlan, Layout>();

/** The layout of a message, worked out once. */
export function layoutOf(plan: MessagePlan): Layout {
  const known = layouts.get(plan);
  if (known !== undefined) return known;
  const groups = Map.groupBy(
    plan.fields.filter(({ field }) => field.within !== undefined && field.number > 0),
    ({ field }) => field.within as number,
  );
  const outer = plan.fields.filter(({ field }) => field.within === undefined && field.number > 0);
  const slots = [
    ...outer.map((field): Slot => ({ number: field.field.number, field, group: undefined, byNumber: new Map() })),
    ...[...groups].map(([number, fields]): Slot => {
      const group = lastFirst(fields.map((field) => ({ number: field.field.number, field, group: undefined, byNumber: new Map() })));
      return { number, field: undefined, group, byNumber: numbered(group) };
    }),
  ];
  const layout = { plan, protocol: plan.type.options.syntax === "protocol", slots: lastFirst(slots), byNumber: numbered(slots) };
  layouts.set(plan, layout);
  return layout;
}

function lastFirst(slots: readonly Slot[]): readonly Slot[] {
  return slots.toSorted((left, right) => right.number - left.number);
}

function numbered(slots: readonly Slot[]): ReadonlyMap<number, Slot> {
  return new Map(slots.map((slot) => [slot.number, slot]));
}
