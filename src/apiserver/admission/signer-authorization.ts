// Whether a user may act for a signer, by its name or by all names of its domain: signers "example.com/*".
import { StatusError } from "#api/meta/status-error.ts";
import { SubjectAccessReview } from "#api/authorization.k8s.io/subject-access-review/subject-access-review.ts";
import type { Kind } from "#schema/kind.ts";
import { forbidden } from "../registry/errors.ts";
import type { User } from "../request.ts";
import type { AdmissionNeeds } from "./plugin.ts";

export async function requireSigner(
  needs: AdmissionNeeds,
  asked: {
    readonly user: User;
    readonly verb: "approve" | "sign" | "attest";
    readonly signerName: string;
    readonly kind: Kind;
    readonly name: string;
    readonly why: string;
  },
): Promise<void> {
  const { user, verb, signerName, kind, name, why } = asked;
  const domain = `${signerName.slice(0, signerName.indexOf("/"))}/*`;
  for (const signer of [signerName, domain]) if (await allowed(needs, user, verb, signer)) return;
  throw forbidden(kind, name, why);
}

async function allowed({ client }: AdmissionNeeds, { name, uid, groups, extra }: User, verb: string, signer: string): Promise<boolean> {
  try {
    const { status } = await client.create(SubjectAccessReview, {
      spec: {
        user: name,
        groups,
        ...(uid && { uid }),
        ...(extra && { extra }),
        resourceAttributes: { group: "certificates.k8s.io", version: "v1", resource: "signers", name: signer, verb },
      },
    });
    return status.allowed;
  } catch (error) {
    if (error instanceof StatusError) return false;
    throw error;
  }
}
