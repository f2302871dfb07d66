// The rules of CertificateSigningRequests.
import { decodeBase64 } from "#base/base64.ts";
import { duplicate, invalid, notSupported, required } from "#schema/derive/field-error.ts";
import { dns1123SubdomainProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import type { CertificateSigningRequest } from "./certificate-signing-request.ts";

export const keyUsages = [
  "signing",
  "digital signature",
  "content commitment",
  "key encipherment",
  "key agreement",
  "data encipherment",
  "cert sign",
  "crl sign",
  "encipher only",
  "decipher only",
  "any",
  "server auth",
  "client auth",
  "code signing",
  "email protection",
  "s/mime",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "timestamping",
  "ocsp signing",
  "microsoft sgc",
  "netscape sgc",
] as const;

const secondsMin = 600;

export function certificateSigningRequestErrors(
  request: CertificateSigningRequest,
  { old }: { readonly old?: CertificateSigningRequest; readonly subresource: string },
): readonly FieldError[] {
  if (old !== undefined) return conditionErrors(request);
  const { spec } = request;
  const errors: FieldError[] = [];
  if (spec.request !== "" && !isRequest(spec.request)) {
    errors.push(invalid("spec.request", spec.request, "PEM block type must be CERTIFICATE REQUEST"));
  }
  const usages = spec.usages ?? [];
  if (usages.length === 0) errors.push(required("spec.usages"));
  const seen = new Set<string>();
  for (const [index, usage] of usages.entries()) {
    if (!(keyUsages as readonly string[]).includes(usage)) errors.push(notSupported(`spec.usages[${index}]`, usage, keyUsages));
    if (seen.has(usage)) errors.push(duplicate(`spec.usages[${index}]`, usage));
    seen.add(usage);
  }
  errors.push(...signerNameErrors(spec.signerName));
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < secondsMin) {
    errors.push(invalid("spec.expirationSeconds", spec.expirationSeconds, "may not specify a duration less than 600 seconds (10 minutes)"));
  }
  return [...errors, ...conditionErrors(request)];
}

function isRequest(base64: string): boolean {
  const bytes = decodeBase64(base64);
  if (typeof bytes === "number") return false;
  const text = new TextDecoder().decode(bytes);
  return text.includes("-----BEGIN CERTIFICATE REQUEST-----") && text.includes("-----END CERTIFICATE REQUEST-----");
}

function signerNameErrors(name: string): readonly FieldError[] {
  if (name === "") return [];
  const path = "spec.signerName";
  if (name === "kubernetes.io/legacy-unknown") {
    return [invalid(path, name, "the legacy signerName is not allowed via this API version")];
  }
  const slash = name.indexOf("/");
  if (slash <= 0 || slash === name.length - 1 || name.indexOf("/", slash + 1) >= 0) {
    return [invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  }
  const [domain, signer] = [name.slice(0, slash), name.slice(slash + 1)];
  const errors = dns1123SubdomainProblems(domain).map((problem) => invalid(path, domain, problem));
  if (!domain.includes(".")) errors.push(invalid(path, domain, "should be a domain with at least two segments separated by dots"));
  return [...errors, ...dns1123SubdomainProblems(signer).map((problem) => invalid(path, signer, problem))];
}

function conditionErrors({ status }: CertificateSigningRequest): readonly FieldError[] {
  const seen = new Set<string>();
  return (status.conditions ?? []).flatMap(({ type, status: state }, index) => {
    const at = `status.conditions[${index}]`;
    const errors: FieldError[] = [];
    if (type === "") errors.push(required(`${at}.type`));
    if ((type === "Approved" || type === "Denied" || type === "Failed") && state !== "True") {
      errors.push(state === "" ? required(`${at}.status`) : notSupported(`${at}.status`, state, ["True"]));
    }
    if (seen.has(type)) errors.push(duplicate(`${at}.type`, type));
    if ((type === "Approved" && seen.has("Denied")) || (type === "Denied" && seen.has("Approved"))) {
      errors.push(invalid(`${at}.type`, type, "Approved and Denied conditions are mutually exclusive"));
    }
    seen.add(type);
    return errors;
  });
}
