import { list, map, string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const UserInfo = message(
  "UserInfo",
  {
    username: string(1),
    uid: string(2),
    groups: list(3, "string", { list: "atomic" }),
    extra: map(4, "stringList"),
  },
  { openapi: "io.k8s.api.authentication.v1.UserInfo" },
);
export interface UserInfo extends Infer<typeof UserInfo> {}
