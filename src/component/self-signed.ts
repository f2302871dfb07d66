// A certificate for a daemon that was given none: made at start, kept in memory.
import type { ServerTls } from "#platform/network.ts";
import type { World } from "#platform/world.ts";

const yearMilliseconds = 365 * 24 * 3_600_000;

export async function servingTls(
  world: World,
  {
    certificateFile,
    keyFile,
    clientCaFile,
    name,
  }: { certificateFile?: string | undefined; keyFile?: string | undefined; clientCaFile?: string | undefined; name: string },
): Promise<ServerTls> {
  const clientCa = clientCaFile ? { clientCa: await world.files.readText(clientCaFile) } : {};
  if (certificateFile && keyFile)
    return { certificate: await world.files.readText(certificateFile), key: await world.files.readText(keyFile), ...clientCa };
  const key = await world.crypto.generateKey("ecdsa-p256");
  const now = world.clock.now();
  const certificate = await world.crypto.issueCertificate({
    subject: { commonName: `${name}@${Math.floor(now / 1000)}` },
    publicKey: key.publicKey,
    signingKey: key.privateKey,
    usages: ["digital signature", "key encipherment"],
    extendedUsages: ["server auth"],
    dnsNames: ["localhost", world.network.hostname()],
    ipAddresses: ["127.0.0.1"],
    notBefore: now - 3_600_000,
    notAfter: now + yearMilliseconds,
  });
  return { certificate, key: key.privateKey, ...clientCa };
}
