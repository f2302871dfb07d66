// Parts of an IPv4 range.

interface Range {
  readonly first: number;
  readonly size: number;
}

/** The first part of `range`, of `maskSize` bits, that overlaps none of `taken`; undefined when there is none, or `range` is no IPv4 range. */
export function freeSubnet(range: string, maskSize: number, taken: readonly string[]): string | undefined {
  const whole = readRange(range);
  const size = 2 ** (32 - maskSize);
  if (!whole || size > whole.size || maskSize > 32) return undefined;
  const used = taken
    .flatMap((text) => readRange(text) ?? [])
    .filter(({ first, size: length }) => first < whole.first + whole.size && first + length > whole.first)
    .sort((left, right) => left.first - right.first);
  let at = whole.first;
  for (const { first, size: length } of used) {
    if (first >= at + size) break;
    if (first + length > at) at = whole.first + Math.ceil((first + length - whole.first) / size) * size;
  }
  return at + size <= whole.first + whole.size ? `${addressText(at)}/${maskSize}` : undefined;
}

export function readRange(text: string): Range | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!match) return undefined;
  const numbers = match.slice(1).map(Number) as [number, number, number, number, number];
  const [a, b, c, d, bits] = numbers;
  if (Math.max(a, b, c, d) > 255 || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  return { first: address - (address % size), size };
}

function addressText(address: number): string {
  return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(address / unit) % 256).join(".");
}
