// The cluster's certificates under /etc/kubernetes/pki, with upstream's names: what there is to be (a pure plan), and making it so.
import type { CertificateInfo, ExtendedKeyUsage, KeyPair, Subject } from "#platform/crypto.ts";
import type { World } from "#platform/world.ts";
import { addressesOf, BootstrapError, type ClusterSettings, etcdPkiFolder, kubernetesServiceAddress, pkiFolder } from "./layout.ts";

const dayMilliseconds = 24 * 3_600_000;
const leafDays = 365;
const caDays = 3_650;
/** Renewed when it ends within this time. */
const renewDays = 30;

export interface PlannedCertificate {
  /** "apiserver": apiserver.crt and apiserver.key in the folder. */
  readonly name: string;
  readonly folder: string;
  /** Who signs it; the cluster's own where it is not said. */
  readonly authority?: "etcd" | "front-proxy";
  readonly subject: Subject;
  readonly extendedUsages: readonly ExtendedKeyUsage[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** Everything the CA signs. */
export function plannedCertificates(settings: ClusterSettings): readonly PlannedCertificate[] {
  const { nodeName, domain, store } = settings;
  const client = (name: string, commonName: string, ...organizations: string[]): PlannedCertificate => ({
    name,
    folder: pkiFolder,
    subject: { commonName, ...(organizations.length > 0 && { organizations }) },
    extendedUsages: ["client auth"],
    dnsNames: [],
    ipAddresses: [],
  });
  return [
    {
      name: "apiserver",
      folder: pkiFolder,
      subject: { commonName: "kube-apiserver" },
      extendedUsages: ["server auth"],
      dnsNames: [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        `kubernetes.default.svc.${domain}`,
        "localhost",
        ...(nodeName === "localhost" ? [] : [nodeName]),
      ],
      ipAddresses: [kubernetesServiceAddress(settings), ...addressesOf(settings), "127.0.0.1"],
    },
    client("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
    client("admin", "kubernetes-admin", "system:masters"),
    client("controller-manager", "system:kube-controller-manager"),
    client("scheduler", "system:kube-scheduler"),
    client("kubelet-client", `system:node:${nodeName}`, "system:nodes"),
    {
      name: "kubelet",
      folder: pkiFolder,
      subject: { commonName: `system:node:${nodeName}`, organizations: ["system:nodes"] },
      extendedUsages: ["server auth"],
      dnsNames: [nodeName],
      ipAddresses: [...addressesOf(settings), "127.0.0.1"],
    },
    // Who shows it is believed about users: its authority signs for nobody else.
    { ...client("front-proxy-client", "front-proxy-client"), authority: "front-proxy" },
    ...(store === "etcd" ? etcdCertificates(settings) : []),
  ];
}

/** etcd has an authority of its own: whoever it signs for may do anything there. */
function etcdCertificates({ nodeName, nodeAddress }: ClusterSettings): readonly PlannedCertificate[] {
  const member = (name: string): PlannedCertificate => ({
    name,
    folder: etcdPkiFolder,
    authority: "etcd",
    subject: { commonName: nodeName },
    extendedUsages: ["server auth", "client auth"],
    dnsNames: ["localhost", ...(nodeName === "localhost" ? [] : [nodeName])],
    ipAddresses: [nodeAddress, "127.0.0.1", "::1"],
  });
  const client = (name: string, folder: string, commonName: string): PlannedCertificate => ({
    name,
    folder,
    authority: "etcd",
    subject: { commonName },
    extendedUsages: ["client auth"],
    dnsNames: [],
    ipAddresses: [],
  });
  return [
    member("server"),
    member("peer"),
    client("healthcheck-client", etcdPkiFolder, "kube-etcd-healthcheck-client"),
    client("apiserver-etcd-client", pkiFolder, "kube-apiserver-etcd-client"),
  ];
}

/** Why a certificate that is there cannot stay; undefined when it can. */
export function reasonToRenew(info: CertificateInfo, planned: PlannedCertificate, now: number): string | undefined {
  const missing = [
    ...planned.dnsNames.filter((name) => !info.dnsNames.includes(name)),
    ...planned.ipAddresses.filter((address) => !info.ipAddresses.includes(address)),
  ];
  const { commonName, organizations = [] } = planned.subject;
  const named = info.subject.organizations ?? [];
  if (info.notAfter - now < renewDays * dayMilliseconds) return "it ends soon";
  if (info.subject.commonName !== commonName || organizations.some((name) => !named.includes(name))) return "it is for another name";
  return missing.length > 0 ? `it does not name ${missing.join(", ")}` : undefined;
}

interface Authority {
  readonly certificate: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: string;
  /** By the plan's names. */
  readonly leafs: ReadonlyMap<string, { readonly certificate: string; readonly key: string }>;
  /** What was made or renewed in this run. */
  readonly made: readonly string[];
}

/** Makes what is missing, damaged or about to end. What is good stays as it is. */
export async function ensureCertificates(world: World, settings: ClusterSettings): Promise<Certificates> {
  const { files, clock, crypto } = world;
  await files.makeFolder(pkiFolder, { mode: 0o755 });
  const made: string[] = [];
  const now = clock.now();
  const ca = await ensureCa(pkiFolder, "ca", "kubernetes");
  const frontProxyCa = await ensureCa(pkiFolder, "front-proxy-ca", "front-proxy-ca");
  const etcdCa = settings.store === "etcd" ? await ensureCa(etcdPkiFolder, "ca", "etcd-ca") : undefined;
  const authorities = { etcd: etcdCa ?? ca, "front-proxy": frontProxyCa };
  if (!(await readable(`${pkiFolder}/sa.key`)) || !(await readable(`${pkiFolder}/sa.pub`))) {
    const key = await crypto.generateKey("rsa-2048");
    await files.replace(`${pkiFolder}/sa.pub`, key.publicKey);
    await files.replace(`${pkiFolder}/sa.key`, key.privateKey, { mode: 0o600 });
    made.push("sa");
  }
  const leafs = new Map<string, { certificate: string; key: string }>();
  for (const planned of plannedCertificates(settings)) {
    const leaf = await ensureLeaf(planned, planned.authority ? authorities[planned.authority] : ca);
    leafs.set(planned.authority === "etcd" ? `etcd/${planned.name}` : planned.name, leaf);
  }
  return { ca: ca.certificate, leafs, made };

  async function ensureCa(folder: string, name: string, commonName: string): Promise<Authority> {
    await files.makeFolder(folder, { mode: 0o755 });
    const [certificate, key] = [await readable(`${folder}/${name}.crt`), await readable(`${folder}/${name}.key`)];
    if (certificate && key) {
      const info = crypto.readCertificate(certificate);
      if (info.notAfter < now)
        throw new BootstrapError(
          `the cluster's certificate authority ${folder}/${name}.crt has ended`,
          "Every certificate hangs on it. Remove /etc/kubernetes/pki and run keelson up again.",
        );
      return { certificate, key };
    }
    // The certificate is written last: a key alone was never used.
    const pair = await crypto.generateKey("ecdsa-p256");
    const issued = await crypto.issueCertificate({
      subject: { commonName },
      publicKey: pair.publicKey,
      signingKey: pair.privateKey,
      isCa: true,
      usages: ["digital signature", "key encipherment", "cert sign"],
      dnsNames: [commonName],
      ...validity(caDays),
    });
    await files.replace(`${folder}/${name}.key`, pair.privateKey, { mode: 0o600 });
    await files.replace(`${folder}/${name}.crt`, issued);
    made.push(folder === pkiFolder ? name : "etcd/ca");
    return { certificate: issued, key: pair.privateKey };
  }

  async function ensureLeaf(planned: PlannedCertificate, signer: Authority): Promise<{ certificate: string; key: string }> {
    const path = `${planned.folder}/${planned.name}`;
    const [certificate, key] = [await readable(`${path}.crt`), await readable(`${path}.key`)];
    if (certificate && key && isGood(certificate, planned, signer)) return { certificate, key };
    const pair: KeyPair = await crypto.generateKey("ecdsa-p256");
    const issued = await crypto.issueCertificate({
      subject: planned.subject,
      publicKey: pair.publicKey,
      signingKey: signer.key,
      issuer: signer.certificate,
      usages: ["digital signature", "key encipherment"],
      extendedUsages: planned.extendedUsages,
      dnsNames: planned.dnsNames,
      ipAddresses: planned.ipAddresses,
      ...validity(leafDays),
    });
    await files.remove(`${path}.crt`);
    await files.replace(`${path}.key`, pair.privateKey, { mode: 0o600 });
    await files.replace(`${path}.crt`, issued);
    made.push(planned.authority === "etcd" ? `etcd/${planned.name}` : planned.name);
    return { certificate: issued, key: pair.privateKey };
  }

  function isGood(certificate: string, planned: PlannedCertificate, signer: Authority): boolean {
    try {
      return (
        crypto.verifyCertificate(certificate, signer.certificate, now) &&
        reasonToRenew(crypto.readCertificate(certificate), planned, now) === undefined
      );
    } catch {
      return false;
    }
  }

  async function readable(path: string): Promise<string | undefined> {
    const text = await files.readText(path).catch(() => "");
    return text.includes("-----END ") ? text : undefined;
  }

  /** From an hour ago, for machines whose clocks differ a little. */
  function validity(days: number): { notBefore: number; notAfter: number } {
    return { notBefore: now - 3_600_000, notAfter: now + days * dayMilliseconds };
  }
}
