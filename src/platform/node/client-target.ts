// Where an HTTP client connects to, and with which secrets: worked out once from its options.
import { isIP } from "node:net";
import tls, { type ConnectionOptions, type SecureContext } from "node:tls";
import { type HttpClientOptions, NetworkError } from "../network.ts";

export interface Target {
  /** As given, for messages. */
  readonly url: string;
  readonly secure: boolean;
  /** The value of the Host header. */
  readonly authority: string;
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  /** For TLS: one context for all connections, so that PEM is parsed once. */
  readonly tls: ConnectionOptions;
}

export function targetOf(options: HttpClientOptions): Target {
  const { url } = options;
  if (url.startsWith("unix://")) {
    return { url, secure: false, authority: "localhost", address: { path: url.slice("unix://".length) }, tls: {} };
  }
  const parsed = parse(url);
  if (!parsed || (parsed.protocol !== "https:" && parsed.protocol !== "http:")) {
    throw new NetworkError("ERR_INVALID_URL", `"${url}" is not an https, http or unix URL`);
  }
  const secure = parsed.protocol === "https:";
  const host = parsed.hostname.startsWith("[") ? parsed.hostname.slice(1, -1) : parsed.hostname;
  const port = parsed.port === "" ? (secure ? 443 : 80) : Number(parsed.port);
  return { url, secure, authority: parsed.host, address: { host, port }, tls: secure ? secretsOf(options, host) : {} };
}

function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

/** For all who ask whoever answers, as probes do over and over: one context, without the roots that nobody would compare with. */
let trusting: SecureContext | undefined;

function secretsOf(options: HttpClientOptions, host: string): ConnectionOptions {
  const { ca, certificate, key, insecure } = options;
  const name = options.serverName ?? host;
  try {
    const secureContext =
      insecure && ca === undefined && certificate === undefined && key === undefined
        ? (trusting ??= tls.createSecureContext({ ca: [] }))
        : tls.createSecureContext({
            ...(ca !== undefined && { ca }),
            ...(certificate !== undefined && { cert: certificate }),
            ...(key !== undefined && { key }),
          });
    return {
      secureContext,
      rejectUnauthorized: !insecure,
      // An address is no server name in TLS, yet the certificate is checked against it.
      ...(isIP(name) === 0 && { servername: name }),
      checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate),
    };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new NetworkError(code ?? "ERR_TLS", `the certificates for ${options.url} cannot be used: ${message}`, { cause: error });
  }
}

/** What went wrong, as the system or the TLS library calls it. */
export function networkError(target: Target, error: unknown): Error {
  if (error instanceof NetworkError) return error;
  const { code, message, errors } = error as NodeJS.ErrnoException & { errors?: readonly Error[] };
  const reason = message || errors?.[0]?.message || String(error);
  return new NetworkError(code ?? "ECONNRESET", `${target.url}: ${reason}`, { cause: error });
}
