// Who trusts whom on a simulated TLS connection: the checks a TLS library makes, without its bytes.
import type { Peer } from "#wire/http/message.ts";
import { NetworkError } from "../network.ts";
import type { HttpClientOptions, ServerTls } from "../network.ts";
import type { SimulatedCrypto } from "./crypto.ts";
import { isAddress } from "./fabric.ts";

/** The server's view of the client at `address`, or why the client or the server will not talk. */
export function handshake(
  crypto: SimulatedCrypto,
  tls: ServerTls,
  client: HttpClientOptions,
  host: string,
  address: string,
  now: number,
): Peer | NetworkError {
  const refused = client.insecure ? undefined : serverRefused(crypto, tls.certificate, client, host, now);
  if (refused) return refused;
  if (client.certificate === undefined || tls.clientCa === undefined) return { address };
  if (client.key === undefined || !crypto.keyMatches(client.certificate, client.key))
    return new NetworkError("ERR_OSSL_X509_KEY_VALUES_MISMATCH", "key values mismatch");
  if (!crypto.verifyCertificate(client.certificate, tls.clientCa, now)) return { address, untrustedCertificate: true };
  const { subject, notAfter } = crypto.readCertificate(client.certificate);
  return { address, certificate: { commonName: subject.commonName, organizations: subject.organizations ?? [], notAfter } };
}

function serverRefused(
  crypto: SimulatedCrypto,
  certificate: string,
  client: HttpClientOptions,
  host: string,
  now: number,
): NetworkError | undefined {
  const { dnsNames, ipAddresses, notAfter } = crypto.readCertificate(certificate);
  if (now >= notAfter) return new NetworkError("CERT_HAS_EXPIRED", "certificate has expired");
  if (client.ca === undefined || !crypto.verifyCertificate(certificate, client.ca, now))
    return new NetworkError("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate");
  const name = client.serverName ?? host;
  const covered = isAddress(name) ? ipAddresses.includes(name) : dnsNames.some((pattern) => matches(pattern, name));
  if (covered) return undefined;
  return new NetworkError(
    "ERR_TLS_CERT_ALTNAME_INVALID",
    `Hostname/IP does not match certificate's altnames: ${name} is not in the cert's list`,
  );
}

function matches(pattern: string, name: string): boolean {
  if (!pattern.startsWith("*.")) return pattern.toLowerCase() === name.toLowerCase();
  const dot = name.indexOf(".");
  return dot > 0 && name.slice(dot).toLowerCase() === pattern.slice(1).toLowerCase();
}
