// Raw streams (TCP, unix sockets), datagrams, and what the machine knows of its own network.
import dgram from "node:dgram";
import { lookup } from "node:dns/promises";
import net, { type AddressInfo, type Socket } from "node:net";
import os from "node:os";
import type { Scope } from "#base/scope.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { type Datagram, type DatagramSocket, type Network, NetworkError } from "../network.ts";
import { byteStreamOf } from "./byte-stream.ts";

type Place = { host: string; port: number } | { path: string };

const keepAliveMilliseconds = 15_000;

export function connectStream(to: Place, options?: { timeoutMilliseconds?: number }): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      ...to,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMilliseconds,
    });
    let timer: NodeJS.Timeout | undefined;
    const fail = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(failed(`cannot connect to ${nameOf(to)}`, error));
    };
    const { timeoutMilliseconds = 0 } = options ?? {};
    if (timeoutMilliseconds > 0) {
      timer = setTimeout(() => fail(new NetworkError("ETIMEDOUT", `no answer within ${timeoutMilliseconds} ms`)), timeoutMilliseconds);
    }
    socket.once("error", fail);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", fail);
      resolve(byteStreamOf(socket));
    });
  });
}

export async function listenForStreams(
  scope: Scope,
  at: Place,
  accept: (stream: ByteStream, address: string) => void,
): Promise<{ host: string; port: number; close(): Promise<void> }> {
  scope.throwIfStopped();
  const sockets = new Set<Socket>();
  const server = net.createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMilliseconds },
    (socket) => {
      if (scope.stopped) return void socket.destroy();
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      accept(byteStreamOf(socket), addressOf(socket));
    },
  );
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(failed(`cannot listen on ${nameOf(at)}`, error));
    server.once("error", fail);
    server.listen({ ...at, backlog: 1024 }, () => {
      server.off("error", fail);
      server.on("error", () => {});
      resolve();
    });
  });
  const close = async (): Promise<void> => {
    forget();
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const forget = scope.defer("stream listener", close);
  return { host: "host" in at ? at.host : at.path, port: "host" in at ? (server.address() as AddressInfo).port : 0, close };
}

export async function datagrams(
  scope: Scope,
  at: { host: string; port: number },
  received: (datagram: Datagram) => void,
): Promise<DatagramSocket> {
  scope.throwIfStopped();
  const socket = dgram.createSocket(net.isIPv6(at.host) ? "udp6" : "udp4");
  // A datagram may come from port 0, where nobody can be answered: to send there throws.
  socket.on("message", (bytes, { address, port }) => {
    if (port > 0) received({ bytes, host: address, port });
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      socket.close();
      reject(failed(`cannot receive datagrams on ${nameOf(at)}`, error));
    };
    socket.once("error", fail);
    socket.bind({ address: at.host, port: at.port }, () => {
      socket.off("error", fail);
      // Later errors belong to single datagrams (an unreachable peer), which may be lost anyway.
      socket.on("error", () => {});
      resolve();
    });
  });
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    forget();
    socket.close();
  };
  const forget = scope.defer("datagram socket", close);
  return {
    host: at.host,
    port: socket.address().port,
    send: (bytes, host, port) => {
      if (open) socket.send(bytes, port, host, () => {});
    },
    close,
  };
}

export function interfaceAddresses(): ReturnType<Network["addresses"]> {
  const addresses: ReturnType<Network["addresses"]>[number][] = [];
  for (const [name, entries] of Object.entries(os.networkInterfaces())) {
    for (const { address, cidr, family, internal, mac } of entries ?? []) {
      const prefix = Number(cidr?.split("/")[1] ?? (family === "IPv6" ? 128 : 32));
      addresses.push({ interface: name, address, prefix, family: family === "IPv6" ? 6 : 4, internal, hardware: mac });
    }
  }
  return addresses;
}

export async function resolveName(name: string): Promise<readonly string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw failed(`cannot resolve "${name}"`, error as NodeJS.ErrnoException);
  }
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  if (remoteAddress === undefined) return "unix";
  return remoteAddress.includes(":") ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

function nameOf(place: Place): string {
  return "path" in place ? place.path : `${place.host}:${place.port}`;
}

function failed(what: string, error: NodeJS.ErrnoException & { errors?: readonly Error[] }): NetworkError {
  return new NetworkError(error.code ?? "EIO", `${what}: ${error.message || error.errors?.[0]?.message || error.code}`, { cause: error });
}
