// Trees as text.

export interface Branch {
  readonly text: string;
  readonly below?: readonly Branch[];
}

export function drawTree(branches: readonly Branch[]): string {
  const lines: string[] = [];
  const draw = (all: readonly Branch[], indent: string, depth: number) =>
    all.forEach(({ text, below = [] }, position) => {
      const isLast = position === all.length - 1;
      lines.push(depth === 0 ? text : `${indent}${isLast ? "└─ " : "├─ "}${text}`);
      draw(below, depth === 0 ? "" : `${indent}${isLast ? "   " : "│  "}`, depth + 1);
    });
  draw(branches, "", 0);
  return `${lines.join("\n")}\n`;
}

/** "42 s", "3 min", "5 h", "2 d". */
export function spanText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
