// What lies between simulated machines: addresses, links that take time or are cut, and connections that can be reset.
//
// Invariants:
// - A path delivers in the order it was given, however long each delivery takes.
// - On a link without delay nothing waits for virtual time to move.
// - What is sent on a cut link is held until the link is healed, and its connection breaks after a quarter of an hour, as with TCP.
import { assert } from "#base/assert.ts";
import type { Clock, Timer } from "../clock.ts";
import { NetworkError } from "../network.ts";
import type { SeededRandom } from "./random.ts";

export interface Machine {
  readonly name: string;
  /** The machine's own address first, then those of whatever else runs on it. */
  readonly addresses: string[];
}

export interface Delay {
  readonly minimumMilliseconds: number;
  readonly maximumMilliseconds: number;
}

/** Something that breaks when `reset` says so. */
interface Breakable {
  readonly between: readonly [Machine, Machine];
  break(error: NetworkError): void;
}

const retransmissionMilliseconds = 924_000;

export class Fabric {
  readonly clock: Clock;
  readonly #random: SeededRandom;
  readonly #machines = new Map<string, Machine>();
  readonly #owners = new Map<string, Machine>();
  readonly #names = new Map<string, readonly string[]>();
  readonly #cuts = new Set<string>();
  readonly #delays = new Map<string, Delay>();
  readonly #breakables = new Set<Breakable>();
  readonly #held = new Set<Path>();
  #delay: Delay = { minimumMilliseconds: 0, maximumMilliseconds: 0 };
  #loss = 0;

  constructor(clock: Clock, random: SeededRandom) {
    this.clock = clock;
    this.#random = random;
  }

  addMachine(name: string, address = `10.0.0.${this.#machines.size + 1}`): Machine {
    assert(!this.#machines.has(name), `there is a machine "${name}" already`);
    const machine: Machine = { name, addresses: [] };
    this.#machines.set(name, machine);
    this.addAddress(machine, address);
    return machine;
  }

  /** Gives the machine one more address, such as that of a Pod on it. */
  addAddress(machine: Machine, address: string): void {
    const owner = this.#owners.get(address);
    assert(!owner, `${address} belongs to ${owner?.name ?? ""}`);
    this.#owners.set(address, machine);
    machine.addresses.push(address);
  }

  removeAddress(address: string): void {
    const machine = this.#owners.get(address);
    if (!machine) return;
    this.#owners.delete(address);
    machine.addresses.splice(machine.addresses.indexOf(address), 1);
  }

  /** Makes `name` resolve to `addresses` on every machine. */
  name(name: string, addresses: readonly string[]): void {
    this.#names.set(name, addresses);
  }

  resolve(name: string): readonly string[] {
    if (isAddress(name)) return [name];
    if (name === "localhost") return ["127.0.0.1"];
    const addresses = this.#names.get(name) ?? this.#machines.get(name)?.addresses.slice(0, 1);
    if (!addresses || addresses.length === 0) throw new NetworkError("ENOTFOUND", `getaddrinfo ENOTFOUND ${name}`);
    return addresses;
  }

  /** The machine that answers at `address`, seen from `from`. */
  machineAt(address: string, from: Machine): Machine | undefined {
    return isLoopback(address) ? from : this.#owners.get(address);
  }

  /** How long links between machines take from now on; with `between`, only that link. */
  delay(delay: Delay, between?: readonly [string, string]): void {
    assert(delay.minimumMilliseconds >= 0 && delay.maximumMilliseconds >= delay.minimumMilliseconds, "a delay is a range of milliseconds");
    if (between) this.#delays.set(link(...between), delay);
    else this.#delay = delay;
  }

  /** The share of datagrams between machines that is lost, from 0 to 1. */
  lose(share: number): void {
    this.#loss = share;
  }

  /** Cuts the link between two machines, both ways. */
  cut(one: string, other: string): void {
    this.#cuts.add(link(one, other));
  }

  /** Cuts every link of one machine. */
  isolate(name: string): void {
    for (const other of this.#machines.keys()) if (other !== name) this.cut(name, other);
  }

  /** Heals one link, all links of one machine, or all links. */
  heal(one?: string, other?: string): void {
    for (const cut of [...this.#cuts]) {
      const ends = cut.split("\n");
      if ((one === undefined || ends.includes(one)) && (other === undefined || ends.includes(other))) this.#cuts.delete(cut);
    }
    for (const path of [...this.#held]) path.release();
  }

  /** Breaks the connections between two machines, or all of one machine; both ends notice at once. New ones can be made. */
  reset(one: string, other?: string): void {
    for (const breakable of [...this.#breakables]) {
      const names = breakable.between.map((machine) => machine.name);
      if (names.includes(one) && (other === undefined || names.includes(other)))
        breakable.break(new NetworkError("ECONNRESET", "read ECONNRESET"));
    }
  }

  isCut(from: Machine, to: Machine): boolean {
    return from !== to && this.#cuts.has(link(from.name, to.name));
  }

  /** How long the next delivery from one machine to another takes. */
  draw(from: Machine, to: Machine): number {
    if (from === to) return 0;
    const { minimumMilliseconds, maximumMilliseconds } = this.#delays.get(link(from.name, to.name)) ?? this.#delay;
    return (
      minimumMilliseconds +
      (maximumMilliseconds > minimumMilliseconds ? this.#random.fraction() * (maximumMilliseconds - minimumMilliseconds) : 0)
    );
  }

  isLost(from: Machine, to: Machine): boolean {
    return this.isCut(from, to) || (from !== to && this.#loss > 0 && this.#random.fraction() < this.#loss);
  }

  register(breakable: Breakable): () => void {
    this.#breakables.add(breakable);
    return () => this.#breakables.delete(breakable);
  }

  holding(path: Path, holds: boolean): void {
    if (holds) this.#held.add(path);
    else this.#held.delete(path);
  }
}

/** One direction of a connection. */
export class Path {
  readonly #fabric: Fabric;
  readonly #from: Machine;
  readonly #to: Machine;
  readonly #lost: () => void;
  #lastDue = 0;
  #held: (() => void)[] = [];
  #giveUp: Timer | undefined;

  /** `lost` is called when the peer could not be reached for so long that the connection is given up. */
  constructor(fabric: Fabric, from: Machine, to: Machine, lost: () => void) {
    this.#fabric = fabric;
    this.#from = from;
    this.#to = to;
    this.#lost = lost;
  }

  send(deliver: () => void): void {
    const now = this.#fabric.clock.monotonic();
    const due = Math.max(this.#lastDue, now + this.#fabric.draw(this.#from, this.#to));
    const arrive = () => {
      if (this.#held.length > 0 || this.#fabric.isCut(this.#from, this.#to)) this.#hold(deliver);
      else deliver();
    };
    if (due === now && this.#lastDue <= now) queueMicrotask(arrive);
    else this.#fabric.clock.timer(due - now, arrive);
    this.#lastDue = due;
  }

  release(): void {
    if (this.#fabric.isCut(this.#from, this.#to)) return;
    this.drop();
    const held = this.#held;
    this.#held = [];
    for (const deliver of held) deliver();
  }

  /** Stops waiting for a peer that is not wanted any more. */
  drop(): void {
    this.#giveUp?.cancel();
    this.#giveUp = undefined;
    this.#fabric.holding(this, false);
  }

  #hold(deliver: () => void): void {
    this.#held.push(deliver);
    if (this.#held.length > 1) return;
    this.#fabric.holding(this, true);
    this.#giveUp = this.#fabric.clock.timer(retransmissionMilliseconds, () => {
      this.drop();
      this.#held = [];
      this.#lost();
    });
  }
}

export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || address.startsWith("127.");
}

export function isAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || text.includes(":");
}

function link(one: string, other: string): string {
  return one < other ? `${one}\n${other}` : `${other}\n${one}`;
}
