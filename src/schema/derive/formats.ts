// The named formats of strings. Each checker returns what is wrong in upstream's words, and nothing when all is well.
// Every expression here takes linear time: no repetition stands inside another over the same characters without a separator between.
import { parseCidr, parseIp } from "#base/ip.ts";
import type { Format } from "../message.ts";

const dns1123LabelText = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const dns1123SubdomainText = `${dns1123LabelText}(\\.${dns1123LabelText})*`;
const dns1035LabelText = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualifiedNameText = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValueText = `(${qualifiedNameText})?`;
const relaxedEnvironmentNameText = "[ -<>-~]+";
const configMapKeyText = "[-._a-zA-Z0-9]+";

const dns1123Label = new RegExp(`^${dns1123LabelText}$`);
const dns1123Subdomain = new RegExp(`^${dns1123SubdomainText}$`);
const dns1035Label = new RegExp(`^${dns1035LabelText}$`);
const qualifiedName = new RegExp(`^${qualifiedNameText}$`);
const labelValue = new RegExp(`^${labelValueText}$`);
const relaxedEnvironmentName = new RegExp(`^${relaxedEnvironmentNameText}$`);
const configMapKey = new RegExp(`^${configMapKeyText}$`);

const none: readonly string[] = [];

/** What is wrong with a value of the format. */
export function formatProblems(format: Format, value: string): readonly string[] {
  switch (format) {
    case "dns1123Label":
      return dns1123LabelProblems(value);
    case "dns1123Subdomain":
      return dns1123SubdomainProblems(value);
    case "dns1035Label":
      return dns1035LabelProblems(value);
    case "labelKey":
      return qualifiedNameProblems(value);
    case "labelValue":
      return labelValueProblems(value);
    case "portName":
      return portNameProblems(value);
    case "environmentName":
      return environmentNameProblems(value);
    case "configMapKey":
      return configMapKeyProblems(value);
    case "absolutePath":
      return value.startsWith("/") ? none : ["must be an absolute path"];
    case "ip":
      return parseIp(value) === undefined ? ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"] : none;
    case "cidr":
      return parseCidr(value) === undefined ? ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"] : none;
    case "uri":
      return isUri(value) ? none : ["must be a valid URI"];
  }
}

export function dns1123LabelProblems(value: string): readonly string[] {
  if (value.length <= 63 && dns1123Label.test(value)) return none;
  return [
    ...tooLong(value, 63),
    ...(dns1123Label.test(value)
      ? none
      : dns1123Subdomain.test(value)
        ? ["must not contain dots"]
        : [
            regexProblem(
              "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
              dns1123LabelText,
              ["my-name", "123-abc"],
            ),
          ]),
  ];
}

export function dns1123SubdomainProblems(value: string): readonly string[] {
  if (value.length <= 253 && dns1123Subdomain.test(value)) return none;
  return [
    ...tooLong(value, 253),
    ...(dns1123Subdomain.test(value)
      ? none
      : [
          regexProblem(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            dns1123SubdomainText,
            ["example.com"],
          ),
        ]),
  ];
}

export function dns1035LabelProblems(value: string): readonly string[] {
  return [
    ...tooLong(value, 63),
    ...(dns1035Label.test(value)
      ? none
      : [
          regexProblem(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            dns1035LabelText,
            ["my-name", "abc-123"],
          ),
        ]),
  ];
}

/** The keys of labels and annotations, and the names of resources: "example.com/name". */
export function qualifiedNameProblems(value: string): readonly string[] {
  if (goodNames.has(value)) return none;
  const problems = wrongQualifiedName(value);
  if (problems.length === 0) {
    if (goodNames.size >= goodNamesMax) goodNames.clear();
    // A copy, because a piece of a request would keep the whole request in memory.
    goodNames.add(` ${value}`.slice(1));
  }
  return problems;
}

/** Keys come again and again; those that were found good are remembered. */
const goodNames = new Set<string>();
const goodNamesMax = 2048;

function wrongQualifiedName(value: string): readonly string[] {
  const parts = value.split("/");
  const problems: string[] = [];
  let name = parts[0] as string;
  if (parts.length === 2) {
    const prefix = name;
    name = parts[1] as string;
    if (prefix === "") problems.push("prefix part must be non-empty");
    else problems.push(...dns1123SubdomainProblems(prefix).map((problem) => `prefix part ${problem}`));
  } else if (parts.length > 2) {
    return [
      `a qualified name ${regexProblem(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        qualifiedNameText,
        ["MyName", "my.name", "123-abc"],
      )} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (name === "") problems.push("name part must be non-empty");
  else problems.push(...tooLong(name, 63).map((problem) => `name part ${problem}`));
  if (!qualifiedName.test(name)) {
    problems.push(
      `name part ${regexProblem(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        qualifiedNameText,
        ["MyName", "my.name", "123-abc"],
      )}`,
    );
  }
  return problems;
}

export function labelValueProblems(value: string): readonly string[] {
  if (value.length <= 63 && labelValue.test(value)) return none;
  return [
    ...tooLong(value, 63),
    ...(labelValue.test(value)
      ? none
      : [
          regexProblem(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            labelValueText,
            ["MyValue", "my_value", "12345"],
          ),
        ]),
  ];
}

export function portNameProblems(value: string): readonly string[] {
  const problems: string[] = [];
  if (value.length > 15) problems.push("must be no more than 15 bytes");
  if (!/^[-a-z0-9]+$/.test(value)) {
    problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(value)) problems.push("must contain at least one letter (a-z)");
  if (value.includes("--")) problems.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) problems.push("must not begin or end with a hyphen");
  return problems;
}

/** Any printable ASCII but "=", as upstream has allowed since 1.34. */
export function environmentNameProblems(value: string): readonly string[] {
  if (value === "") return ["environment variable name must not be empty"];
  if (relaxedEnvironmentName.test(value)) return none;
  return [
    regexProblem(
      "a valid environment variable name must consist only of printable ASCII characters other than '='",
      relaxedEnvironmentNameText,
    ),
  ];
}

export function configMapKeyProblems(value: string): readonly string[] {
  const problems = [...tooLong(value, 253)];
  if (!configMapKey.test(value)) {
    problems.push(
      regexProblem("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", configMapKeyText, [
        "key.name",
        "KEY_NAME",
        "key-name",
      ]),
    );
  }
  if (value === ".") problems.push("must not be '.'");
  else if (value === "..") problems.push("must not be '..'");
  else if (value.startsWith("..")) problems.push("must not start with '..'");
  return problems;
}

/** Names that are one segment of a path, as those of roles. */
export function pathSegmentProblems(value: string): readonly string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  const problems: string[] = [];
  if (value.includes("/")) problems.push("may not contain '/'");
  if (value.includes("%")) problems.push("may not contain '%'");
  return problems;
}

function tooLong(value: string, lengthMax: number): readonly string[] {
  return value.length > lengthMax ? [`must be no more than ${lengthMax} bytes`] : none;
}

function regexProblem(message: string, expression: string, examples: readonly string[] = []): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${expression}')`;
  return `${message} (e.g. ${examples.map((example) => `'${example}'`).join(" or ")}, regex used for validation is '${expression}')`;
}

function isUri(value: string): boolean {
  try {
    return new URL(value).protocol !== "";
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
