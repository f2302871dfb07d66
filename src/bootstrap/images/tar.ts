// The tar format (POSIX ustar) as far as image layers need it: files, folders and links, all of one moment and one owner, so that the same
// content always gives the same bytes.

export interface TarEntry {
  /** Without a leading slash. */
  readonly path: string;
  readonly mode: number;
  readonly kind: "file" | "folder" | "link";
  /** Of a file. */
  readonly size?: number;
  /** Of a link. */
  readonly target?: string;
}

const block = 512;
const flags = { file: "0", link: "2", folder: "5" } as const;
const encoder = new TextEncoder();

/** The block before an entry's content. Throws for what ustar cannot say. */
export function tarHeader({ path, mode, kind, size = 0, target = "" }: TarEntry): Uint8Array {
  const { name, prefix } = splitPath(kind === "folder" && !path.endsWith("/") ? `${path}/` : path);
  const header = new Uint8Array(block);
  const put = (text: string, at: number, length: number) => {
    const bytes = encoder.encode(text);
    if (bytes.length > length) throw new RangeError(`${JSON.stringify(text)} is too long for an image layer`);
    header.set(bytes, at);
  };
  const octal = (value: number, at: number, length: number) => put(`${value.toString(8).padStart(length - 1, "0")}\0`, at, length);
  put(name, 0, 100);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(kind === "file" ? size : 0, 124, 12);
  octal(0, 136, 12);
  put("        ", 148, 8);
  put(flags[kind], 156, 1);
  put(target, 157, 100);
  put("ustar\x0000", 257, 8);
  put(prefix, 345, 155);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148, 8);
  return header;
}

/** What follows a file's content, up to the next block. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((block - (size % block)) % block);
}

export const tarEnd = new Uint8Array(2 * block);

function splitPath(path: string): { name: string; prefix: string } {
  if (encoder.encode(path).length <= 100) return { name: path, prefix: "" };
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (name !== "" && encoder.encode(name).length <= 100 && encoder.encode(prefix).length <= 155) return { name, prefix };
  }
  throw new RangeError(`${JSON.stringify(path)} is too long for an image layer`);
}
