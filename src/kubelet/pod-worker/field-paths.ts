// Fields of the Pod and amounts of its containers, as environment variables and downward API files show them.
import type { ResourceFieldSelector } from "#api/core/pod/container.ts";
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { quantityToMilli, quantityToNumber, quantityToWhole } from "#schema/quantity.ts";
import { namespaceOf } from "../layout.ts";

/** What of the node the fields can show. */
export interface FieldContext {
  readonly podIPs: readonly string[];
  readonly hostIPs: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
}

/** Undefined where the API knows no such field. */
export function fieldValue(pod: Pod, path: string, { podIPs, hostIPs }: FieldContext): string | undefined {
  const { metadata, spec } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript) {
    const map = metadata[subscript[1] as "labels" | "annotations"] ?? {};
    const key = subscript[2] as string;
    return Object.hasOwn(map, key) ? (map[key] as string) : "";
  }
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return namespaceOf(pod);
    case "metadata.uid":
      return metadata.uid;
    case "metadata.labels":
      return mapText(metadata.labels);
    case "metadata.annotations":
      return mapText(metadata.annotations);
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
      return hostIPs[0] ?? "";
    case "status.hostIPs":
      return hostIPs.join(",");
    case "status.podIP":
      return podIPs[0] ?? "";
    case "status.podIPs":
      return podIPs.join(",");
    default:
      return undefined;
  }
}

/** `limits.cpu` and its kin, divided and rounded up; a limit that is not set is the Pod's, or what the node can give. */
export function resourceValue(
  container: Container,
  { resource, divisor }: ResourceFieldSelector,
  { allocatable }: FieldContext,
  ofPod: Readonly<Record<string, string>> = {},
): string | undefined {
  const match = /^(limits|requests)\.(.+)$/.exec(resource);
  if (!match) return undefined;
  const [, side, name] = match as unknown as [string, "limits" | "requests", string];
  const given = container.resources[side]?.[name];
  const amount = given ?? (side === "limits" && isOfNode(name) ? (ofPod[name] ?? allocatable[name]) : undefined) ?? "0";
  const by = divisor && quantityToNumber(divisor) !== 0 ? divisor : "1";
  if (name === "cpu") return String(Math.ceil(quantityToMilli(amount) / quantityToMilli(by)));
  return String(Math.ceil(quantityToWhole(amount) / Math.max(quantityToNumber(by), Number.MIN_VALUE)));
}

function isOfNode(name: string): boolean {
  return name === "cpu" || name === "memory" || name === "ephemeral-storage" || name.startsWith("hugepages-");
}

function mapText(map: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${goQuoted((map as Record<string, string>)[key] as string)}`)
    .join("\n");
}

const escapes: Readonly<Record<string, string>> = { "\x07": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v" };
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** As Go quotes text: what cannot be seen is written by its number. */
function goQuoted(text: string): string {
  const quoted = [...text].map((character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    if (printable.test(character)) return character;
    const code = character.codePointAt(0) as number;
    const number = (digits: number) => code.toString(16).padStart(digits, "0");
    if (escapes[character]) return `\\${escapes[character]}`;
    return code < 0x80 ? `\\x${number(2)}` : code < 0x10000 ? `\\u${number(4)}` : `\\U${number(8)}`;
  });
  return `"${quoted.join("")}"`;
}
