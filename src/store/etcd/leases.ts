// Leases for keys with a time to live. Keys that are written at about the same time share one, as an etcd does not take to millions of them;
// so a key may live a little longer than was asked, never shorter.
import type { World } from "#platform/world.ts";
import type { EtcdConnection } from "./connection.ts";
import { LeaseGrantRequest, LeaseGrantResponse } from "./messages.ts";
import type { Int64 } from "#schema/field.ts";

/** A lease takes on new keys for so long: this share of the time to live, and no longer than a minute. */
const sharedShare = 0.05;
const sharedSecondsMax = 60;
const keysMax = 1_000;

interface Lease {
  readonly id: Promise<Int64>;
  readonly untilMilliseconds: number;
  keys: number;
}

export class Leases {
  readonly #world: World;
  readonly #connection: EtcdConnection;
  /** By time to live, in seconds. */
  readonly #open = new Map<number, Lease>();

  constructor(world: World, connection: EtcdConnection) {
    this.#world = world;
    this.#connection = connection;
  }

  /** The id of a lease that ends no sooner than `seconds` from now. */
  of(seconds: number): Promise<Int64> {
    const now = this.#world.clock.monotonic();
    const known = this.#open.get(seconds);
    if (known && now < known.untilMilliseconds && known.keys < keysMax) {
      known.keys++;
      return known.id;
    }
    const sharedSeconds = Math.min(sharedSecondsMax, seconds * sharedShare);
    const id = this.#grant(Math.ceil(seconds + sharedSeconds));
    const lease = { id, untilMilliseconds: now + sharedSeconds * 1_000, keys: 1 };
    this.#open.set(seconds, lease);
    id.catch(() => {
      if (this.#open.get(seconds) === lease) this.#open.delete(seconds);
    });
    return id;
  }

  /** etcd forgot it, with every key on it. */
  forget(): void {
    this.#open.clear();
  }

  async #grant(timeToLiveSeconds: number): Promise<Int64> {
    // A lease that was granted and of which nobody heard ends by itself.
    const { id } = await this.#connection.call(
      "/etcdserverpb.Lease/LeaseGrant",
      LeaseGrantRequest,
      { timeToLiveSeconds },
      LeaseGrantResponse,
    );
    return id;
  }
}
