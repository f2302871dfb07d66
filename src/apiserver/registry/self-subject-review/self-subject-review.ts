// SelfSubjectReview: who the server takes the asker for (`kubectl auth whoami`).
import { SelfSubjectReview } from "#api/authentication.k8s.io/self-subject-review/self-subject-review.ts";
import type { UserInfo } from "#api/authentication.k8s.io/user-info.ts";
import { formatTime } from "#schema/time.ts";
import type { User } from "../../request.ts";
import { type ResourcePart, resourcePart } from "../resource.ts";

export const selfSubjectReviewPart: ResourcePart = resourcePart<SelfSubjectReview>({
  kind: SelfSubjectReview,
  async create(review, call) {
    const admitted = (await call.admit("CREATE", review)) ?? review;
    const metadata = { ...admitted.metadata, creationTimestamp: formatTime(call.world.clock.now()) };
    return { object: { ...admitted, metadata, status: { userInfo: userInfo(call.request.user) } }, kind: SelfSubjectReview };
  },
});

export function userInfo({ name, uid, groups, extra }: User): UserInfo {
  return {
    username: name,
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups }),
    ...(extra && Object.keys(extra).length > 0 && { extra }),
  };
}
