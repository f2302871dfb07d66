// What port 10250 is served with: files that were given, a certificate the cluster issues, or one that is made here and kept.
import type { Scope } from "#base/scope.ts";
import { canonicalAddress, parseIp } from "#base/ip.ts";
import type { Client } from "#client/client.ts";
import type { Listener, ServerTls } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { IssuedCertificate } from "./certificate-request.ts";
import { requestCertificate } from "./certificate-request.ts";
import { readCurrent, renewalMoment, storeCurrent, storePatiently } from "./certificate-store.ts";

export interface ServingOptions {
  readonly nodeName: string;
  readonly hostname: string;
  readonly addresses: () => readonly string[];
  readonly certificateFolder: string;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly clientCaFile?: string | undefined;
  /** Whether the cluster issues it. */
  readonly bootstrap: boolean;
}

const hourMilliseconds = 3_600_000;
/** How often this machine's addresses are compared with those in its certificate. */
const addressesMilliseconds = 30_000;
const yearMilliseconds = 365 * 24 * hourMilliseconds;

export async function servingTls(world: World, options: ServingOptions): Promise<ServerTls> {
  const { certificateFile, keyFile, clientCaFile, certificateFolder } = options;
  const clientCa = clientCaFile ? { clientCa: await world.files.readText(clientCaFile) } : {};
  if (certificateFile && keyFile)
    return { certificate: await world.files.readText(certificateFile), key: await world.files.readText(keyFile), ...clientCa };
  const issued = options.bootstrap ? await readCurrent(world, certificateFolder, "kubelet-server") : undefined;
  return { ...(issued ?? (await selfMade(world, options))), ...clientCa };
}

/** Gets the serving certificate from the cluster, now if there is none, again before it ends, and when this machine has another address. */
export function rotateServingCertificate(
  scope: Scope,
  world: World,
  client: Client,
  listener: Listener,
  tls: ServerTls,
  options: ServingOptions,
): void {
  scope.start("serving certificate rotation", async (task) => {
    let issued = await readCurrent(world, options.certificateFolder, "kubelet-server");
    for (;;) {
      if (issued) await untilStale(task, world, issued.certificate, options);
      const fresh = await requestCertificate(task, world, client, {
        nodeName: options.nodeName,
        signerName: "kubernetes.io/kubelet-serving",
        dnsNames: [options.hostname],
        ipAddresses: options.addresses(),
      });
      issued = fresh;
      listener.reload({ ...tls, ...issued });
      world.log.info("serving with a certificate of the cluster");
      await storePatiently(task, world, renewalMoment(world, issued.certificate), () =>
        storeCurrent(world, options.certificateFolder, "kubelet-server", fresh),
      );
    }
  });
}

/** Sleeps while the certificate names every address this machine has, until it is to be renewed. */
async function untilStale(scope: Scope, world: World, certificate: string, { addresses }: ServingOptions): Promise<void> {
  const moment = renewalMoment(world, certificate);
  const named = new Set(world.crypto.readCertificate(certificate).ipAddresses.map(inOneForm));
  while (world.clock.now() < moment && addresses().every((address) => named.has(inOneForm(address))))
    await world.clock.sleep(scope, Math.min(addressesMilliseconds, moment - world.clock.now()));
}

function inOneForm(text: string): string {
  const bytes = parseIp(text);
  return bytes ? canonicalAddress(bytes) : text;
}

/** The certificate in kubelet.crt and kubelet.key, made when it is not there, ends soon, or names other addresses. */
async function selfMade(world: World, { certificateFolder, hostname, addresses }: ServingOptions): Promise<IssuedCertificate> {
  const files = { certificate: `${certificateFolder}/kubelet.crt`, key: `${certificateFolder}/kubelet.key` };
  const now = world.clock.now();
  const ipAddresses = [...new Set(["127.0.0.1", ...addresses()])];
  try {
    const kept = { certificate: await world.files.readText(files.certificate), key: await world.files.readText(files.key) };
    const info = world.crypto.readCertificate(kept.certificate);
    const fits = info.dnsNames.includes(hostname) && ipAddresses.every((address) => info.ipAddresses.includes(address));
    if (fits && info.notAfter - now > 7 * 24 * hourMilliseconds) return kept;
  } catch {
    world.log.debug("there is no serving certificate yet", { file: files.certificate });
  }
  const key = await world.crypto.generateKey("ecdsa-p256");
  const certificate = await world.crypto.issueCertificate({
    subject: { commonName: `${hostname}@${Math.floor(now / 1_000)}` },
    publicKey: key.publicKey,
    signingKey: key.privateKey,
    usages: ["digital signature", "key encipherment"],
    extendedUsages: ["server auth"],
    dnsNames: [...new Set([hostname, "localhost"])],
    ipAddresses,
    notBefore: now - hourMilliseconds,
    notAfter: now + yearMilliseconds,
  });
  await world.files.makeFolder(certificateFolder, { mode: 0o750 });
  await world.files.replace(files.key, key.privateKey, { mode: 0o600 });
  await world.files.replace(files.certificate, certificate, { mode: 0o644 });
  return { certificate, key: key.privateKey };
}
