// The few keys a control plane in one process needs: a CA, what it serves with, and who its user is.
import type { KeyPair } from "#platform/crypto.ts";
import type { World } from "#platform/world.ts";

export interface DevCertificates {
  readonly ca: string;
  readonly caKey: string;
  readonly serving: { readonly certificate: string; readonly key: string };
  readonly admin: { readonly certificate: string; readonly key: string };
  readonly serviceAccountKey: KeyPair;
}

const dayMilliseconds = 24 * 3_600_000;
const file = "certificates.json";

/** Those of the folder, where they are made once; without a folder they live as long as the process. */
export async function devCertificates(world: World, folder: string | undefined): Promise<DevCertificates> {
  const path = folder === undefined ? undefined : `${folder}/${file}`;
  if (path !== undefined && (await world.files.stat(path))) {
    const kept = JSON.parse(await world.files.readText(path)) as DevCertificates;
    if (world.crypto.readCertificate(kept.serving.certificate).notAfter > world.clock.now() + 30 * dayMilliseconds) return kept;
  }
  const made = await makeCertificates(world);
  if (path !== undefined) await world.files.replace(path, JSON.stringify(made), { mode: 0o600 });
  return made;
}

async function makeCertificates(world: World): Promise<DevCertificates> {
  const { crypto, clock } = world;
  const [caKey, servingKey, adminKey, serviceAccountKey] = await Promise.all(
    Array.from({ length: 4 }, () => crypto.generateKey("ecdsa-p256")),
  );
  if (!caKey || !servingKey || !adminKey || !serviceAccountKey) throw new Error("keys could not be made");
  const notBefore = clock.now() - 300_000;
  const notAfter = notBefore + 3_650 * dayMilliseconds;
  const ca = await crypto.issueCertificate({
    subject: { commonName: "kubernetes" },
    publicKey: caKey.publicKey,
    signingKey: caKey.privateKey,
    isCa: true,
    usages: ["digital signature", "key encipherment", "cert sign"],
    notBefore,
    notAfter,
  });
  const issue = {
    signingKey: caKey.privateKey,
    issuer: ca,
    notBefore,
    notAfter: notBefore + 365 * dayMilliseconds,
    usages: ["digital signature", "key encipherment"],
  } as const;
  const [serving, admin] = await Promise.all([
    crypto.issueCertificate({
      ...issue,
      subject: { commonName: "kube-apiserver" },
      publicKey: servingKey.publicKey,
      extendedUsages: ["server auth"],
      dnsNames: ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"],
      ipAddresses: ["127.0.0.1", "10.96.0.1"],
    }),
    crypto.issueCertificate({
      ...issue,
      subject: { commonName: "kubernetes-admin", organizations: ["system:masters"] },
      publicKey: adminKey.publicKey,
      extendedUsages: ["client auth"],
    }),
  ]);
  return {
    ca,
    caKey: caKey.privateKey,
    serving: { certificate: serving, key: servingKey.privateKey },
    admin: { certificate: admin, key: adminKey.privateKey },
    serviceAccountKey,
  };
}
