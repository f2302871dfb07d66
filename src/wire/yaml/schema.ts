// What plain words mean in YAML: as kubectl and the kubelet read it, which is YAML 1.1 as Go reads it.
// So `yes`, `on` and `0644` are true, true and 420, and dates and 12:30:45 are text.
import type { ScalarTag } from "yaml";

const nullWords: ScalarTag = {
  identify: (value) => value === null,
  tag: "tag:yaml.org,2002:null",
  default: true,
  test: /^(?:~|null|Null|NULL)?$/,
  resolve: () => null,
  stringify: () => "null",
};

const boolWords: ScalarTag = {
  identify: (value) => typeof value === "boolean",
  tag: "tag:yaml.org,2002:bool",
  default: true,
  test: /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON|n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/,
  resolve: (text) => /^(?:y|t|on)/i.test(text),
  stringify: ({ value }) => (value === true ? "true" : "false"),
};

const wholeNumbers: ScalarTag = {
  identify: (value) => typeof value === "bigint" || Number.isInteger(value),
  tag: "tag:yaml.org,2002:int",
  default: true,
  test: /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/,
  resolve: wholeNumber,
  stringify: ({ value }) => String(value),
};

const brokenNumbers: ScalarTag = {
  identify: (value) => typeof value === "number",
  tag: "tag:yaml.org,2002:float",
  default: true,
  test: /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/,
  resolve: (text) => Number(text.replaceAll("_", "")),
  stringify: ({ value }) => JSON.stringify(value),
};

export const kubernetesTags: ScalarTag[] = [nullWords, boolWords, wholeNumbers, brokenNumbers];

const int64Min = -(2n ** 63n);
const uint64Max = 2n ** 64n - 1n;

function wholeNumber(text: string): number | bigint | string {
  const plain = text.replaceAll("_", "");
  const sign = plain.startsWith("-") ? -1n : 1n;
  const digits = plain.replace(/^[-+]/, "");
  // Digits that are no octal number after all, such as 0899, are read as a decimal one.
  const octal = /^0o?([0-7]+)$/.exec(digits);
  const prefixed = /^0[bx]/.test(digits);
  if (digits === "" || (prefixed && digits.length === 2)) return text;
  const size = octal === null ? BigInt(prefixed ? digits : digits.replace(/^0+(?=.)/, "")) : BigInt(`0o${octal[1]}`);
  const value = sign * size;
  if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) return Number(value);
  return value >= int64Min && value <= uint64Max ? value : Number(value);
}
