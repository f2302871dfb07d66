// Users by client certificate: the common name is the user, each organisation a group. The connection's owner verified the chain.
import type { World } from "#platform/world.ts";
import type { PeerCertificate } from "#wire/http/message.ts";
import type { User } from "../request.ts";
import { unauthorized } from "./authentication.ts";
import type { Authenticator } from "./authenticator.ts";

export function clientCertificateAuthenticator({ clock }: Pick<World, "clock">): Authenticator {
  const users = new WeakMap<PeerCertificate, User>();
  return {
    name: "client certificate",
    async authenticate({ peer: { certificate, untrustedCertificate } }) {
      if (untrustedCertificate) throw unauthorized();
      if (!certificate || certificate.commonName === "") return undefined;
      if (certificate.notAfter <= clock.now()) throw unauthorized();
      let user = users.get(certificate);
      if (!user) {
        user = Object.freeze({ name: certificate.commonName, groups: Object.freeze([...certificate.organizations]) });
        users.set(certificate, user);
      }
      return user;
    },
  };
}
