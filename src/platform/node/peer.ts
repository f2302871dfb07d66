// Who is at the other end of an accepted connection: worked out when first asked for, once for each connection.
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Peer, PeerCertificate } from "#wire/http/message.ts";

const peers = new WeakMap<Socket, Peer>();

export function peerOf(socket: Socket): Peer {
  let peer = peers.get(socket);
  if (!peer) {
    peer = identify(socket);
    peers.set(socket, peer);
  }
  return peer;
}

function identify(socket: Socket): Peer {
  const address = addressOf(socket);
  if (!(socket instanceof TLSSocket)) return { address };
  const presented = socket.getPeerCertificate(false);
  if (!presented?.subject) return { address };
  if (!socket.authorized) return { address, untrustedCertificate: true };
  return { address, certificate: certificateOf(presented.subject, presented.valid_to) };
}

function addressOf(socket: Socket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) return "unix";
  const plain = remoteAddress.startsWith("::ffff:") ? remoteAddress.slice(7) : remoteAddress;
  return plain.includes(":") ? `[${plain}]:${remotePort}` : `${plain}:${remotePort}`;
}

/** A name part that occurs several times is a list; the last common name counts, as in Go. */
function certificateOf(subject: { CN?: string | string[]; O?: string | string[] }, notAfter: string): PeerCertificate {
  const names = listOf(subject.CN);
  return { commonName: names.at(-1) ?? "", organizations: listOf(subject.O), notAfter: Date.parse(notAfter) };
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}
