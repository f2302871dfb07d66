// What the cluster's names stand for. Pure: a question and what is observed in, an answer out; undefined when the name is not the cluster's.
//
//   SERVICE.NAMESPACE.svc.DOMAIN            the Service's address; of a headless Service, its endpoints' addresses
//   HOST.SERVICE.NAMESPACE.svc.DOMAIN       one endpoint, by host name or by address with dashes
//   _PORT._PROTOCOL.SERVICE.NAMESPACE.svc.DOMAIN   ports, as SRV
//   1-2-3-4.NAMESPACE.pod.DOMAIN            the address itself
import type { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import type { Service } from "#api/core/service/service.ts";
import { canonicalAddress } from "#base/ip.ts";
import { type Answer, type Question, type ResourceRecord, responseCodes, types } from "./message.ts";

export interface Observed {
  readonly domain: string;
  /** How long answers may be kept. */
  readonly seconds: number;
  readonly answersPods: boolean;
  /** Addresses that were given to a name by hand. */
  addressesFor(name: string): readonly string[] | undefined;
  service(namespace: string, name: string): Service | undefined;
  hasNamespace(name: string): boolean;
  slicesOf(namespace: string, service: string): readonly EndpointSlice[];
  /** The Service or endpoint host that an address, in its one form, belongs to, as a full name. */
  nameOf(address: string): string | undefined;
}

/** The name server's own Service. */
const self = { namespace: "kube-system", name: "kube-dns" };

export function answer(question: Question, observed: Observed): Answer | undefined {
  const { domain, seconds } = observed;
  const { name, type } = question;
  const given = observed.addressesFor(name);
  if (given) return { code: responseCodes.noError, authoritative: true, answers: addresses(name, type, given, seconds) };
  if (name.endsWith(".in-addr.arpa") || name.endsWith(".ip6.arpa")) return reverse(question, observed);
  if (name !== domain && !name.endsWith(`.${domain}`)) return undefined;
  const labels = name === domain ? [] : name.slice(0, -domain.length - 1).split(".");
  const found = look(labels, question, observed);
  const soa: ResourceRecord = {
    name: domain,
    seconds,
    type: "SOA",
    server: `ns.dns.${domain}`,
    mailbox: `hostmaster.${domain}`,
    serial: 1,
    negativeSeconds: seconds,
  };
  if (labels.length === 0) {
    const server: ResourceRecord = { name, seconds, type: "NS", target: `ns.dns.${domain}` };
    const answers = [
      ...(type === types.SOA || type === types.ANY ? [soa] : []),
      ...(type === types.NS || type === types.ANY ? [server] : []),
    ];
    return { code: responseCodes.noError, authoritative: true, answers, ...(answers.length === 0 && { authority: [soa] }) };
  }
  if (found === "no such name") return { code: responseCodes.nameError, authoritative: true, answers: [], authority: [soa] };
  if (found.answers.length === 0) return { code: responseCodes.noError, authoritative: true, answers: [], authority: [soa] };
  return { code: responseCodes.noError, authoritative: true, ...found };
}

type Found = "no such name" | { readonly answers: readonly ResourceRecord[]; readonly additional?: readonly ResourceRecord[] };

function look(labels: readonly string[], question: Question, observed: Observed): Found {
  const { name, type } = question;
  const { seconds } = observed;
  const [last, ...before] = [...labels].reverse();
  if (last === "dns-version" && before.length === 0)
    return { answers: type === types.TXT ? [{ name, seconds, type: "TXT", text: "1.1.0" }] : [] };
  const [namespace, ...rest] = before;
  if (last === "dns" && (namespace === undefined || (namespace === "ns" && rest.length === 0))) {
    const server = observed.service(self.namespace, self.name)?.spec;
    return { answers: namespace ? addresses(name, type, server?.clusterIPs ?? [], seconds) : [] };
  }
  if (last !== "svc" && last !== "pod") return "no such name";
  if (namespace === undefined) return { answers: [] };
  if (last === "pod") {
    if (!observed.answersPods) return "no such name";
    if (!observed.hasNamespace(namespace)) return "no such name";
    if (rest.length === 0) return { answers: [] };
    const address = rest.length === 1 ? addressOf(rest[0] as string) : undefined;
    return address === undefined ? "no such name" : { answers: addresses(name, type, [address], seconds) };
  }
  const [serviceName, ...more] = rest;
  if (serviceName === undefined) return observed.hasNamespace(namespace) ? { answers: [] } : "no such name";
  const service = observed.service(namespace, serviceName);
  if (!service) return "no such name";
  const slices = observed.slicesOf(namespace, serviceName);
  const base = `${serviceName}.${namespace}.svc.${observed.domain}`;
  if (service.spec.type === "ExternalName") {
    return more.length === 0 ? { answers: [{ name, seconds, type: "CNAME", target: service.spec.externalName ?? "" }] } : "no such name";
  }
  if (more.length === 0) return ofService(question, service, slices, base, seconds);
  if (more.length === 1) {
    const hosts = hostsOf(service, slices).filter(({ host }) => host === more[0]);
    return hosts.length === 0
      ? "no such name"
      : {
          answers: addresses(
            name,
            type,
            hosts.flatMap(({ ips }) => ips),
            seconds,
          ),
        };
  }
  if (more.length === 2 && more[1]?.startsWith("_") && more[0]?.startsWith("_")) {
    const [protocol, port] = [more[0].slice(1), more[1].slice(1)];
    const records = portRecords(
      question.name,
      service,
      slices,
      base,
      seconds,
      (candidate) => candidate.name === port && candidate.protocol.toLowerCase() === protocol,
    );
    if (records.answers.length === 0) return "no such name";
    return type === types.SRV || type === types.ANY ? records : { answers: [] };
  }
  return "no such name";
}

function ofService({ name, type }: Question, service: Service, slices: readonly EndpointSlice[], base: string, seconds: number): Found {
  if (type === types.SRV) return portRecords(name, service, slices, base, seconds, () => true);
  if (!isHeadless(service)) return { answers: addresses(name, type, service.spec.clusterIPs ?? [service.spec.clusterIP ?? ""], seconds) };
  const hosts = hostsOf(service, slices);
  return hosts.length === 0 ? "no such name" : { answers: addresses(name, type, [...new Set(hosts.flatMap(({ ips }) => ips))], seconds) };
}

const isHeadless = (service: Service) => service.spec.clusterIP === "None";

interface Host {
  readonly host: string;
  readonly ips: readonly string[];
  readonly ports: EndpointSlice["ports"];
}

function hostsOf(service: Service, slices: readonly EndpointSlice[]): readonly Host[] {
  const evenUnready = service.spec.publishNotReadyAddresses === true;
  return slices.flatMap(({ endpoints, ports }) =>
    endpoints.flatMap(({ addresses: ips, hostname, conditions }) =>
      (conditions.ready ?? true) || evenUnready ? [{ host: hostname || dashed(ips[0] ?? ""), ips, ports }] : [],
    ),
  );
}

function portRecords(
  name: string,
  service: Service,
  slices: readonly EndpointSlice[],
  base: string,
  seconds: number,
  wanted: (port: { readonly name: string; readonly protocol: string }) => boolean,
): { readonly answers: readonly ResourceRecord[]; readonly additional: readonly ResourceRecord[] } {
  const answers: ResourceRecord[] = [];
  const additional: ResourceRecord[] = [];
  const known = new Set<string>();
  const add = (port: number, target: string, ips: readonly string[]) => {
    // A Pod of two families is in a slice of each, under one host name.
    if (!known.has(`${port} ${target}`)) answers.push({ name, seconds, type: "SRV", priority: 0, weight: 100, port, target });
    known.add(`${port} ${target}`);
    additional.push(...addresses(target, types.ANY, ips, seconds));
  };
  if (isHeadless(service)) {
    for (const { host, ips, ports } of hostsOf(service, slices)) {
      for (const { name: portName = "", protocol = "TCP", port } of ports)
        if (port && wanted({ name: portName, protocol })) add(port, `${host}.${base}`, ips);
    }
  } else {
    for (const { name: portName = "", protocol, port } of service.spec.ports ?? [])
      if (wanted({ name: portName, protocol })) add(port, base, service.spec.clusterIPs ?? []);
  }
  return { answers, additional };
}

function addresses(name: string, type: number, ips: readonly string[], seconds: number): readonly ResourceRecord[] {
  return ips
    .filter((ip) => ip !== "" && ip !== "None")
    .map((address) => ({ name, seconds, type: address.includes(":") ? ("AAAA" as const) : ("A" as const), address }))
    .filter((record) => type === types.ANY || type === types[record.type]);
}

function reverse({ name, type }: Question, observed: Observed): Answer | undefined {
  const address = reverseAddress(name);
  const target = address && observed.nameOf(address);
  if (!target) return undefined;
  const { seconds } = observed;
  const answers: readonly ResourceRecord[] = type === types.PTR || type === types.ANY ? [{ name, seconds, type: "PTR", target }] : [];
  return { code: responseCodes.noError, authoritative: true, answers };
}

function reverseAddress(name: string): string | undefined {
  if (name.endsWith(".in-addr.arpa")) {
    const parts = name.slice(0, -".in-addr.arpa".length).split(".").reverse();
    return parts.length === 4 ? parts.join(".") : undefined;
  }
  const nibbles = name.slice(0, -".ip6.arpa".length).split(".").reverse();
  if (nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return undefined;
  return canonicalAddress(Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(nibbles.slice(2 * at, 2 * at + 2).join(""), 16)));
}

export const dashed = (ip: string) => ip.replace(/[.:]/g, "-");

function addressOf(text: string): string | undefined {
  if (/^\d{1,3}(-\d{1,3}){3}$/.test(text)) {
    const address = text.replaceAll("-", ".");
    return address.split(".").every((part) => Number(part) <= 255) ? address : undefined;
  }
  return /^[0-9a-f]{0,4}(-[0-9a-f]{0,4}){2,7}$/.test(text) ? text.replaceAll("-", ":") : undefined;
}
