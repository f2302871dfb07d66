// Waiting for a response's head: until it comes, fails, takes too long or the caller gives up.
import { type ClientRequest, NetworkError } from "../network.ts";
import type { Target } from "./client-target.ts";

const defaultTimeoutMilliseconds = 30_000;

export interface HeadOutcome<T> {
  head(value: T): void;
  fail(error: Error): void;
}

/**
 * `begin` starts the exchange, unless the caller has given up already, and returns how to drop it. The caller's signal drops it before the
 * head and, until `watchEnd` calls `ended`, behind it as well.
 */
export function awaitHead<T>(
  target: Target,
  request: Pick<ClientRequest, "method" | "path" | "signal" | "timeoutMilliseconds">,
  begin: (outcome: HeadOutcome<T>) => (reason: Error) => void,
  watchEnd: (value: T, ended: () => void) => void,
): Promise<T> {
  const { signal, timeoutMilliseconds = defaultTimeoutMilliseconds } = request;
  if (signal?.aborted) return Promise.reject(reasonOf(signal));
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let drop: (reason: Error) => void = () => {};
    const abort = (): void => {
      const reason = reasonOf(signal as AbortSignal);
      fail(reason);
      drop(reason);
    };
    const forgetSignal = (): void => signal?.removeEventListener("abort", abort);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      forgetSignal();
      reject(error);
    };
    signal?.addEventListener("abort", abort);
    if (timeoutMilliseconds > 0) {
      timer = setTimeout(() => {
        const error = new NetworkError("ETIMEDOUT", `${target.url}: no answer to ${request.method} within ${timeoutMilliseconds} ms`);
        fail(error);
        drop(error);
      }, timeoutMilliseconds);
    }
    try {
      drop = begin({
        head: (value) => {
          clearTimeout(timer);
          if (signal) watchEnd(value, forgetSignal);
          resolve(value);
        },
        fail,
      });
    } catch (error) {
      fail(error as Error);
    }
  });
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new NetworkError("ECANCELED", "the request was given up");
}
