// Speaks to the API server as any client would: HTTPS with a certificate, JSON, a connection kept for each writer.
import https from "node:https";
import { type Answer, type Api, type Follower, NotSent } from "./environment.ts";
import type { ServerPlace } from "./api-server-process.ts";

const answerLimitMilliseconds = 30_000;

export class ApiClient implements Api {
  readonly agent: https.Agent;
  readonly #port: number;

  constructor({ port, credentials }: ServerPlace, sockets: number) {
    this.#port = port;
    this.agent = new https.Agent({ keepAlive: true, maxSockets: sockets, ...credentials });
  }

  close(): void {
    this.agent.destroy();
  }

  ask(method: string, path: string, body?: unknown, type = "application/json"): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const data = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const headers = data ? { "content-type": type, "content-length": data.length } : {};
      const request = https.request({ agent: this.agent, host: "127.0.0.1", port: this.#port, method, path, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (chunk: Buffer) => parts.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const json = parsed(Buffer.concat(parts).toString());
          if (json === undefined) reject(new Error("the answer is not JSON"));
          else resolve({ status: response.statusCode ?? 0, json });
        });
        response.on("close", () => reject(new Error("the answer was cut short")));
      });
      request.setTimeout(answerLimitMilliseconds, () => request.destroy(new Error("no answer")));
      request.on("error", (error: NodeJS.ErrnoException) => reject(error.code === "ECONNREFUSED" ? new NotSent(error.message) : error));
      request.end(data);
    });
  }

  follow(path: string, on: Follower): () => void {
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      on.ended();
    };
    const request = https.request({ agent: this.agent, host: "127.0.0.1", port: this.#port, path }, (response) => {
      on.status(response.statusCode ?? 0);
      let rest = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (over) return;
        rest += chunk;
        for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
          if (at > 0) on.line(JSON.parse(rest.slice(0, at)));
          rest = rest.slice(at + 1);
        }
      });
      response.on("error", end);
      response.on("close", end);
    });
    request.on("error", end);
    request.on("close", end);
    request.end();
    return () => request.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
