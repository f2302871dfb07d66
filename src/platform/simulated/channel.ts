// A queue between one writer and one reader: what pipes and connections of the simulated World are made of.

export interface Channel<T> {
  push(item: T): void;
  /** Nothing more comes; what was pushed is still read. */
  close(): void;
  /** What was not read yet is dropped, and the reader gets `error`. */
  fail(error: Error): void;
  /** True once closed or failed. */
  readonly ended: boolean;
  /** Can be iterated once. */
  readonly items: AsyncIterable<T>;
}

export interface ChannelOptions<T> {
  /** Called when an item was read. */
  readonly taken?: (item: T) => void;
  /** Called when the reader leaves before the end. */
  readonly left?: () => void;
}

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/** A channel without a bound of its own; its writer keeps one. */
export function unbounded<T>(options: ChannelOptions<T> = {}): Channel<T> {
  const queue: T[] = [];
  const waiting: Waiting<T>[] = [];
  let ended = false;
  let left = false;
  let error: Error | undefined;
  let iterated = false;

  const answer = () => {
    while (waiting.length > 0 && (queue.length > 0 || ended)) {
      const { resolve, reject } = waiting.shift() as Waiting<T>;
      if (queue.length > 0) {
        const item = queue.shift() as T;
        options.taken?.(item);
        resolve({ value: item, done: false });
      } else if (error) {
        reject(error);
        error = undefined;
      } else {
        resolve({ value: undefined, done: true });
      }
    }
  };
  const leave = () => {
    if (left || (ended && queue.length === 0 && !error)) return;
    left = true;
    ended = true;
    queue.length = 0;
    answer();
    options.left?.();
  };
  const iterator: AsyncIterator<T, undefined> = {
    next: () =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        answer();
      }),
    return: async () => {
      leave();
      return { value: undefined, done: true };
    },
  };

  return {
    push: (item) => {
      if (ended) return;
      queue.push(item);
      answer();
    },
    close: () => {
      ended = true;
      answer();
    },
    fail: (reason) => {
      if (left || error || (ended && queue.length === 0)) return;
      ended = true;
      error = reason;
      queue.length = 0;
      answer();
    },
    get ended() {
      return ended;
    },
    items: {
      [Symbol.asyncIterator]: () => {
        if (iterated) throw new Error("a stream can be read once");
        iterated = true;
        return iterator;
      },
    },
  };
}
