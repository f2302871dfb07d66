// Letting every promise that can make progress do so. A host's macrotask runs only once the microtask queue is empty, which is exactly
// that; without any, a long row of microtasks comes close.

export type Settle = () => Promise<void>;

interface HostGlobals {
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage: (() => void) | null; close(): void };
    readonly port2: { postMessage(message: unknown): void };
  };
}

const microtaskTurns = 5_000;

/** The best way the host of this program has. */
export function hostSettle(): Settle {
  const host = globalThis as unknown as HostGlobals;
  const { setImmediate, MessageChannel } = host;
  if (setImmediate) return () => new Promise((resolve) => setImmediate(resolve));
  if (MessageChannel) return () => settleByMessage(MessageChannel);
  return settleByMicrotasks;
}

export async function settleByMicrotasks(): Promise<void> {
  for (let turn = 0; turn < microtaskTurns; turn++) await undefined;
}

function settleByMessage(Channel: NonNullable<HostGlobals["MessageChannel"]>): Promise<void> {
  const { port1, port2 } = new Channel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
