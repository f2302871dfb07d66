// CertificateSigningRequests: the server says who asks; approval is a subresource of its own.
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import { formatTime } from "#schema/time.ts";
import { type ResourcePart, resourcePart } from "../resource.ts";

export const certificateSigningRequestPart: ResourcePart = resourcePart<CertificateSigningRequest>({
  kind: CertificateSigningRequest,
  hooks: {
    beforeCreate(request, { user: { name, uid, groups, extra } }) {
      const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...asked } = request.spec;
      const asker = {
        username: name,
        ...(uid && { uid }),
        ...(groups.length > 0 && { groups }),
        ...(extra && Object.keys(extra).length > 0 && { extra }),
      };
      return { ...request, spec: { ...asked, ...asker } };
    },
  },
  subresources: {
    approval: {
      type: "part",
      // The declaration lets nothing but the decision through.
      merge: (current, sent, { world }) => ({ ...sent, status: { ...sent.status, ...timed(current, sent, world.clock.now()) } }),
    },
  },
});

/** Conditions that came without times, with them. */
function timed(
  current: CertificateSigningRequest,
  sent: CertificateSigningRequest,
  now: number,
): Partial<CertificateSigningRequest["status"]> {
  const { conditions } = sent.status;
  if (!conditions) return {};
  const time = formatTime(now);
  return {
    conditions: conditions.map((condition) => {
      const before = current.status.conditions?.find(({ type }) => type === condition.type);
      const changed = before?.status !== condition.status;
      return {
        ...condition,
        lastUpdateTime: condition.lastUpdateTime ?? (changed ? time : before?.lastUpdateTime),
        lastTransitionTime: condition.lastTransitionTime ?? (changed ? time : before?.lastTransitionTime),
      };
    }),
  };
}
