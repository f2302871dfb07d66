// Stands between a kubelet and its container runtime, on a Unix socket, and spoils calls as a file says:
//
//   node cri-proxy.ts LISTEN-SOCKET RUNTIME-SOCKET FAULTS-FILE
//
// The file holds a list of faults and may change at any time: `method` is a gRPC method's last word or "*", every `every`th call of it is
// spoiled (default: each), `times` at most. Spoiled calls are appended to FAULTS-FILE.log as "METHOD KIND".
//   "error"  refused with `code` (default 2) and "injected failure"      "hang"  never answered
//   "late"   done and answered after `seconds`                          "lost"  done, and refused all the same
import { appendFileSync, readFileSync, rmSync, statSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface CriFault {
  readonly method: string;
  readonly kind: "error" | "hang" | "late" | "lost";
  readonly code?: number;
  readonly seconds?: number;
  readonly every?: number;
  readonly times?: number;
}

const unknown = 2;
const unavailable = 14;

/** Streams are told of what goes on for as long as they last: spoiling them is what restarting the runtime is for. */
const neverSpoiled = new Set(["Subscribe", "GetContainerEvents"]);

class Faults {
  readonly #file: string;
  #read = "";
  #faults: readonly CriFault[] = [];
  #seen = new Map<CriFault, number>();
  #spoiled = new Map<CriFault, number>();

  constructor(file: string) {
    this.#file = file;
  }

  next(method: string): CriFault | undefined {
    this.#readAgain();
    if (neverSpoiled.has(method)) return undefined;
    for (const fault of this.#faults) {
      if (fault.method !== "*" && fault.method !== method) continue;
      const seen = (this.#seen.get(fault) ?? 0) + 1;
      this.#seen.set(fault, seen);
      const spoiled = this.#spoiled.get(fault) ?? 0;
      if (seen % (fault.every ?? 1) !== 0 || spoiled >= (fault.times ?? Number.POSITIVE_INFINITY)) continue;
      this.#spoiled.set(fault, spoiled + 1);
      appendFileSync(`${this.#file}.log`, `${method} ${fault.kind}\n`);
      return fault;
    }
    return undefined;
  }

  #readAgain(): void {
    const { mtimeMs, ino } = statSync(this.#file);
    const read = `${mtimeMs} ${ino}`;
    if (read === this.#read) return;
    this.#read = read;
    this.#faults = JSON.parse(readFileSync(this.#file, "utf8")) as readonly CriFault[];
    this.#seen = new Map();
    this.#spoiled = new Map();
  }
}

function serve(listen: string, runtime: string, faults: Faults): void {
  const server = http2.createServer({ settings: { initialWindowSize: 2 ** 20 } });
  server.on("session", (session) => {
    session.on("error", () => {});
    // One connection there for each here: when the runtime goes, so does the kubelet's.
    const upstream = http2.connect("http://runtime", { createConnection: () => net.connect(runtime) });
    upstream.on("error", () => session.destroy());
    upstream.on("close", () => session.destroy());
    session.on("close", () => upstream.close());
    session.on("stream", (stream: http2.ServerHttp2Stream, headers) => {
      stream.on("error", () => {});
      void handle(stream, headers, upstream, faults);
    });
  });
  rmSync(listen, { force: true });
  server.listen(listen);
}

async function handle(
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  upstream: http2.ClientHttp2Session,
  faults: Faults,
): Promise<void> {
  const path = headers[":path"] ?? "";
  const fault = faults.next(path.slice(path.lastIndexOf("/") + 1));
  switch (fault?.kind) {
    case "hang":
      stream.resume();
      return;
    case "error":
      stream.resume();
      return refuse(stream, fault.code ?? unknown, "injected failure");
    case "late":
      await pause((fault.seconds ?? 1) * 1_000);
      break;
    case "lost":
    case undefined:
      break;
  }
  if (stream.destroyed || upstream.destroyed) return;
  const { ":method": method, ":path": target, ...others } = headers;
  const passed = Object.fromEntries(Object.entries(others).filter(([name]) => !name.startsWith(":")));
  const call = upstream.request({ ":method": method, ":path": target, ...passed });
  call.on("error", () => refuse(stream, unavailable, "error reading from server: EOF"));
  stream.on("close", () => call.close());
  stream.pipe(call);
  if (fault?.kind === "lost") {
    call.resume();
    call.on("end", () => refuse(stream, unavailable, "error reading from server: EOF"));
    return;
  }
  let trailers: http2.IncomingHttpHeaders = {};
  call.on("trailers", (got) => {
    trailers = got;
  });
  call.on("response", (got, flags) => {
    if (stream.destroyed) return;
    if ((flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0) return stream.respond(got, { endStream: true });
    stream.respond(got, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    call.pipe(stream);
  });
}

function refuse(stream: http2.ServerHttp2Stream, code: number, message: string): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond(
    { ":status": 200, "content-type": "application/grpc", "grpc-status": String(code), "grpc-message": encodeURIComponent(message) },
    { endStream: true },
  );
}

if (import.meta.main) {
  const [listen = "", runtime = "", file = ""] = process.argv.slice(2);
  serve(listen, runtime, new Faults(file));
}
