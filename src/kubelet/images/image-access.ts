// Which Pods may use an image that is on the node: one that was pulled with a secret is only for Pods that have such a secret too. What was
// pulled how is kept in files of upstream's form, so that it outlives the kubelet.
//
// Invariants:
// - An image of which nothing is recorded was brought here by others: whether it is for everybody is the policy's to say.
// - A record is written before the image is used, and goes with the image.
import { sha256, hex } from "#base/sha256.ts";
import { FileError } from "#platform/files.ts";
import type { World } from "#platform/world.ts";
import { isObject } from "#schema/derive/json-objects.ts";
import { formatTime } from "#schema/time.ts";
import { readPlainJson } from "#wire/json/json.ts";
import type { PullCredential } from "./registry-auth.ts";

export type VerificationPolicy = "NeverVerify" | "NeverVerifyPreloadedImages" | "NeverVerifyAllowlistedImages" | "AlwaysVerify";

export interface ImageAccessOptions {
  readonly rootFolder: string;
  readonly policy: VerificationPolicy;
  /** Names of images brought by others that everybody may use; "*" at the end stands for any rest. */
  readonly allowlist: readonly string[];
}

export interface ImageAccess {
  /** Whether a Pod with these credentials may use the image without asking its registry. */
  mayUse(image: PulledImage, credentials: () => Promise<readonly PullCredential[]>): Promise<boolean>;
  /** The image was pulled: with this credential, or by anybody. */
  pulled(image: PulledImage, credential: PullCredential | undefined): Promise<void>;
  /** Only these images are there. */
  keepOnly(ids: readonly string[]): Promise<void>;
}

export interface PulledImage {
  readonly id: string;
  /** As it was asked for: "registry.local/team/app:1". */
  readonly name: string;
}

interface Access {
  readonly nodePodsAccessible?: boolean;
  readonly kubernetesSecrets?: readonly SecretUsed[];
}

interface SecretUsed {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly credentialHash: string;
}

interface PulledRecord {
  readonly imageRef: string;
  readonly credentialMapping: Readonly<Record<string, Access>>;
}

const secretsMax = 100;

export function startImageAccess(world: World, { rootFolder, policy, allowlist }: ImageAccessOptions): ImageAccess {
  const folder = `${rootFolder}/image_manager/pulled`;
  const known = new Map<string, PulledRecord | undefined>();

  return {
    async mayUse({ id, name }, credentials) {
      if (policy === "NeverVerify") return true;
      const record = await read(id);
      if (!record) return mayUsePreloaded(name);
      const access = Object.hasOwn(record.credentialMapping, repositoryOf(name)) ? record.credentialMapping[repositoryOf(name)] : undefined;
      // What anybody could pull, under whatever name, is nobody's secret.
      if (Object.values(record.credentialMapping).some((one: Access | null) => one?.nodePodsAccessible)) return true;
      const used = access?.kubernetesSecrets ?? [];
      if (used.length === 0) return false;
      return (await credentials()).some((one) =>
        used.some(
          (other) =>
            other.credentialHash === hashOf(one) ||
            (other.uid === one.secret.uid && other.namespace === one.secret.namespace && other.name === one.secret.name),
        ),
      );
    },
    async pulled({ id, name }, credential) {
      const before = await read(id);
      const repository = repositoryOf(name);
      const old = before && Object.hasOwn(before.credentialMapping, repository) ? before.credentialMapping[repository] : undefined;
      if (old?.nodePodsAccessible) return;
      const entry = credential && { ...credential.secret, credentialHash: hashOf(credential) };
      const others = (old?.kubernetesSecrets ?? []).filter(
        ({ uid, credentialHash }) => uid !== entry?.uid && credentialHash !== entry?.credentialHash,
      );
      const access: Access = entry ? { kubernetesSecrets: [...others.slice(-secretsMax), entry] } : { nodePodsAccessible: true };
      await write({ imageRef: id, credentialMapping: { ...before?.credentialMapping, [repository]: access } });
    },
    async keepOnly(ids) {
      const kept = new Set(ids.map(fileOf));
      for (const file of await files()) if (!kept.has(file)) await world.files.remove(`${folder}/${file}`);
      for (const id of known.keys()) if (!ids.includes(id)) known.delete(id);
    },
  };

  function mayUsePreloaded(name: string): boolean {
    if (policy === "NeverVerifyPreloadedImages") return true;
    if (policy === "AlwaysVerify") return false;
    const repository = repositoryOf(name);
    return allowlist.some((one) => (one.endsWith("/*") ? repository.startsWith(one.slice(0, -1)) : repository === one));
  }

  async function files(): Promise<readonly string[]> {
    return (await world.files.stat(folder)) ? world.files.list(folder) : [];
  }

  async function read(id: string): Promise<PulledRecord | undefined> {
    if (known.has(id)) return known.get(id);
    const record = parse(await textOf(`${folder}/${fileOf(id)}`), id);
    known.set(id, record);
    return record;
  }

  async function textOf(path: string): Promise<string | undefined> {
    try {
      return await world.files.readText(path);
    } catch (error) {
      if (error instanceof FileError && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  async function write(record: PulledRecord): Promise<void> {
    const lastUpdatedTime = formatTime(world.clock.now());
    const text = JSON.stringify({ kind: "ImagePulledRecord", apiVersion: "kubelet.config.k8s.io/v1beta1", lastUpdatedTime, ...record });
    await world.files.makeFolder(folder, { mode: 0o700 });
    await world.files.replace(`${folder}/${fileOf(record.imageRef)}`, text, { mode: 0o600 });
    known.set(record.imageRef, record);
  }
}

/** One that cannot be read says nothing, and lets nobody in. */
function parse(text: string | undefined, id: string): PulledRecord | undefined {
  if (text === undefined) return undefined;
  const nobody = { imageRef: id, credentialMapping: {} };
  try {
    const value = readPlainJson(text) as unknown as PulledRecord;
    return isObject(value as never) && isObject(value.credentialMapping as never) ? value : nobody;
  } catch {
    return nobody;
  }
}

function fileOf(id: string): string {
  return `sha256-${hex(sha256(new TextEncoder().encode(id)))}`;
}

/** Of the words that open the registry, so that another secret with the same ones is as good. */
function hashOf({ auth }: PullCredential): string {
  const words = [auth.username, auth.password, auth.auth, auth.identityToken, auth.registryToken].map((word) => word ?? "");
  return hex(sha256(new TextEncoder().encode(JSON.stringify(words))));
}

/** Without tag and digest. */
export function repositoryOf(name: string): string {
  const [plain = ""] = name.split("@");
  const colon = plain.indexOf(":", plain.lastIndexOf("/") + 1);
  return colon < 0 ? plain : plain.slice(0, colon);
}
