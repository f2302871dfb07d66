// A profile as a flame graph: one SVG file, for a browser. Width is time, a box stands on the box that called it; hovering tells the rest.
import { readFileSync } from "node:fs";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { functionName: string; url: string; lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly name: string;
  microseconds: number;
  readonly callees: Map<string, Frame>;
}

const width = 1600;
const rowHeight = 17;
const leastWidth = 0.5;
const depthMax = 60;

/** The SVG of what `node --cpu-prof` wrote. Idle time is left out. */
export function flameGraph(profilePath: string): string {
  const root = framesOf(JSON.parse(readFileSync(profilePath, "utf8")) as Profile);
  const boxes: string[] = [];
  const depth = draw(root, 0, 0, root.microseconds, boxes);
  const height = (depth + 2) * rowHeight;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="11">
<rect width="100%" height="100%" fill="#fffdf7"/>
${boxes.join("\n")}
</svg>
`;
}

function framesOf({ nodes, samples, timeDeltas }: Profile): Frame {
  const own = new Map<number, number>();
  samples.forEach((id, index) => own.set(id, (own.get(id) ?? 0) + Math.max(0, timeDeltas[index] ?? 0)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const root: Frame = { name: "all", microseconds: 0, callees: new Map() };
  const add = (id: number, under: Frame): number => {
    const node = byId.get(id);
    if (!node || node.callFrame.functionName === "(idle)") return 0;
    const { functionName, url, lineNumber } = node.callFrame;
    const name = `${functionName || "(anonymous)"}${url ? ` ${url.split("/").at(-1)}:${lineNumber + 1}` : ""}`;
    let frame = under.callees.get(name);
    if (!frame) under.callees.set(name, (frame = { name, microseconds: 0, callees: new Map() }));
    let total = own.get(id) ?? 0;
    for (const child of node.children ?? []) total += add(child, frame);
    frame.microseconds += total;
    return total;
  };
  for (const child of byId.get(nodes[0]?.id ?? 0)?.children ?? []) root.microseconds += add(child, root);
  return root;
}

/** Draws the frame at `left` microseconds and what it called below it. Gives the deepest row. */
function draw(frame: Frame, row: number, left: number, total: number, boxes: string[]): number {
  const scale = width / Math.max(1, total);
  const boxWidth = frame.microseconds * scale;
  if (boxWidth < leastWidth || row > depthMax) return row - 1;
  const x = (left * scale).toFixed(1);
  const y = row * rowHeight;
  const share = ((frame.microseconds / Math.max(1, total)) * 100).toFixed(1);
  const letters = Math.floor(boxWidth / 6.7) - 1;
  const label =
    letters > 2 ? `<text x="${(left * scale + 3).toFixed(1)}" y="${y + 12}">${escaped(frame.name.slice(0, letters))}</text>` : "";
  boxes.push(
    `<g><title>${escaped(frame.name)} ${share} %, ${(frame.microseconds / 1000).toFixed(1)} ms</title><rect x="${x}" y="${y}" width="${boxWidth.toFixed(1)}" height="${rowHeight - 1}" fill="${colourOf(frame.name)}"/>${label}</g>`,
  );
  let deepest = row;
  let at = left;
  for (const callee of [...frame.callees.values()].sort((one, other) => other.microseconds - one.microseconds)) {
    deepest = Math.max(deepest, draw(callee, row + 1, at, total, boxes));
    at += callee.microseconds;
  }
  return deepest;
}

function colourOf(name: string): string {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) as number)) % 997;
  return `hsl(${20 + (hash % 40)}, ${name.startsWith("(") ? 20 : 80}%, ${68 + (hash % 12)}%)`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
