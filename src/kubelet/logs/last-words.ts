// Why a container says it ended: from its termination message file, or the end of its log.
import type { Files } from "#platform/files.ts";

const fileBytesMax = 4_096;
const logBytesMax = 2_048;
const logLinesMax = 80;
/** Each line of the log carries a time and a stream's name. */
const logReadBytes = 16_384;

export async function readLastWords(
  files: Files,
  paths: { readonly message: string | undefined; readonly log: string | undefined },
): Promise<string> {
  const said = paths.message === undefined ? "" : await readEnd(files, paths.message, fileBytesMax);
  if (said !== "" || paths.log === undefined) return said;
  const lines = (await readEnd(files, paths.log, logReadBytes)).split("\n").slice(-logLinesMax - 1);
  return lines.map(textOf).join("").slice(-logBytesMax);
}

/** What the container wrote: a line that it did not end is marked with P. */
function textOf(line: string): string {
  const [, tag, text = ""] = /^\S+ std(?:out|err) ([FP])\S* (.*)$/.exec(line) ?? [];
  return tag === "F" ? `${text}\n` : text;
}

async function readEnd(files: Files, path: string, bytes: number): Promise<string> {
  try {
    const file = await files.open(path);
    try {
      const { size } = await file.stat();
      return new TextDecoder().decode(await file.read(Math.max(0, size - bytes), bytes));
    } finally {
      await file.close();
    }
  } catch {
    return "";
  }
}
