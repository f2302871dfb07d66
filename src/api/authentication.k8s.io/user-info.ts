import { list, map, string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const UserInfo = message(
  "UserInfo",
  {
    username: string(1, { doc: "Name of the user." }),
    uid: string(2, { doc: "UID of the user." }),
    groups: list(3, "string", { list: "atomic", doc: "Groups of the user." }),
    extra: map(4, "stringList", { doc: "More that is known of the user." }),
  },
  { openapi: "io.k8s.api.authentication.v1.UserInfo" },
);
export interface UserInfo extends Infer<typeof UserInfo> {}
