// How tables show Endpoints: the first few addresses with their ports.
import type { Column } from "#schema/kind.ts";
import { ageColumn, nameColumn, orNone } from "#api/meta/columns.ts";
import type { Endpoints } from "./endpoints.ts";

const shownMax = 3;

export const endpointsColumns: readonly Column<Endpoints>[] = [
  nameColumn,
  { name: "Endpoints", doc: "Ready addresses with their ports.", read: endpointsText },
  ageColumn,
];

function endpointsText({ subsets = [] }: Endpoints): string {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => `${bracketed(ip)}:${port}`)),
  );
  const shown = all.slice(0, shownMax).join(",");
  return all.length > shownMax ? `${shown} + ${all.length - shownMax} more...` : orNone(shown);
}

function bracketed(ip: string): string {
  return ip.includes(":") ? `[${ip}]` : ip;
}
