// How tables show an EndpointSlice: the first few ports and addresses.
import type { Column } from "#schema/kind.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import type { EndpointSlice } from "./endpoint-slice.ts";

const shownMax = 3;

export const endpointSliceColumns: readonly Column<EndpointSlice>[] = [
  nameColumn,
  { name: "AddressType", doc: "What kind of addresses it holds.", read: ({ addressType }) => addressType },
  {
    name: "Ports",
    doc: "Ports of every endpoint.",
    read: ({ ports }) => firstFew(ports.map(({ port }) => (port === undefined ? "*" : `${port}`))),
  },
  { name: "Endpoints", doc: "Addresses.", read: ({ endpoints }) => firstFew(endpoints.flatMap(({ addresses }) => addresses)) },
  ageColumn,
];

function firstFew(texts: readonly string[]): string {
  if (texts.length === 0) return "<unset>";
  const shown = texts.slice(0, shownMax).join(",");
  return texts.length > shownMax ? `${shown} + ${texts.length - shownMax} more...` : shown;
}
