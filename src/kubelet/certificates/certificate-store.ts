// Certificates that were issued, as files under the folder of --cert-dir where users and other tools look for them: each with its key in one
// dated file, and a link "<name>-current.pem" to the newest.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { IssuedCertificate } from "./certificate-request.ts";

const storeFirstMilliseconds = 1_000;
const storeMaxMilliseconds = 60_000;

export type StoredName = "kubelet-client" | "kubelet-server";

export function currentPath(folder: string, name: StoredName): string {
  return `${folder}/${name}-current.pem`;
}

/** The newest certificate; undefined when there is none that is valid now. */
export async function readCurrent(world: World, folder: string, name: StoredName): Promise<IssuedCertificate | undefined> {
  try {
    return validPart(world, await world.files.readText(currentPath(folder, name)));
  } catch {
    return undefined;
  }
}

/** Keeps a new certificate and points the link at it. */
export async function storeCurrent(world: World, folder: string, name: StoredName, { certificate, key }: IssuedCertificate): Promise<void> {
  await world.files.makeFolder(folder, { mode: 0o750 });
  const stamp = new Date(world.clock.now()).toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "-");
  const path = `${folder}/${name}-${stamp}.pem`;
  await world.files.replace(path, `${certificate.trimEnd()}\n${key.trimEnd()}\n`, { mode: 0o600 });
  const fresh = `${folder}/${name}-updated.pem`;
  await world.files.remove(fresh);
  await world.files.link(path, fresh);
  await world.files.rename(fresh, currentPath(folder, name));
}

/**
 * Stores again and again, until it succeeds or the moment has come: a disk that is full for a while is no reason to go without a certificate
 * that was issued, or to ask for another.
 */
export async function storePatiently(scope: Scope, world: World, until: number, store: () => Promise<void>): Promise<void> {
  for (let pause = storeFirstMilliseconds; ; pause = Math.min(pause * 2, storeMaxMilliseconds)) {
    try {
      return await store();
    } catch (error) {
      world.log.warn("cannot store a new certificate; trying again", { error: (error as Error).message });
    }
    if (world.clock.now() >= until) return;
    await world.clock.sleep(scope, pause);
  }
}

/** When to ask for the next: at a moment between 70 and 90 percent of its life. */
export function renewalMoment(world: World, certificate: string): number {
  const { notBefore, notAfter } = world.crypto.readCertificate(certificate);
  return notBefore + (notAfter - notBefore) * (0.7 + world.random.fraction() * 0.2);
}

function validPart(world: World, text: string): IssuedCertificate | undefined {
  const blocks = text.match(/-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g) ?? [];
  const certificates = blocks.filter((block) => block.startsWith("-----BEGIN CERTIFICATE-----"));
  const key = blocks.find((block) => block.includes("PRIVATE KEY"));
  const [leaf] = certificates;
  if (leaf === undefined || key === undefined) return undefined;
  const { notBefore, notAfter } = world.crypto.readCertificate(leaf);
  const now = world.clock.now();
  return notBefore <= now && now < notAfter ? { certificate: certificates.join("\n"), key } : undefined;
}
