import { addressGroup } from "./address-group.ts";

/** Limits of connections. */
export interface PlaceLimits {
  /** Total. */
  readonly maxConnections: number;
  /** From one address (IPv6: from one /64 network), bound or not. */
  readonly maxConnectionsPerAddress: number;
  /** Not bound yet, TLS handshakes included. */
  readonly maxUnbound: number;
  /** Not bound yet, from one address. */
  readonly maxUnboundPerAddress: number;
}

/** The place of one connection. */
export interface Place {
  /** The peer is authenticated: its place no longer counts against the limits for unbound connections. */
  bound(): void;
  /** Releases the place. */
  leave(): void;
}

interface Held {
  readonly group: string;
  readonly evict: () => void;
}

/**
 * Places for connections. Unbound connections have separate limits: if an address has reached its limit, its oldest
 * unbound connection is closed; if the total limit is reached, the oldest one of the address with the most is closed.
 * So a client that connects and binds succeeds among many that only connect, even from its own address. Bound
 * connections are never closed.
 */
export class Places {
  readonly #limits: PlaceLimits;
  readonly #bound = new Set<Held>();
  /** Oldest first. */
  readonly #unbound = new Set<Held>();

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** A place for a new connection; undefined when it has to be refused. `evict` closes the connection. */
  enter(address: string, evict: () => void): Place | undefined {
    const { maxConnections, maxConnectionsPerAddress, maxUnbound, maxUnboundPerAddress } = this.#limits;
    const mine: Held = { group: addressGroup(address), evict };
    const unbound = this.#of(this.#unbound, mine.group);
    const all = unbound.length + this.#of(this.#bound, mine.group).length;
    if (all >= maxConnectionsPerAddress) return undefined;
    if (unbound.length >= maxUnboundPerAddress && !this.#evict(unbound[0])) return undefined;
    const crowded = this.#unbound.size >= maxUnbound;
    if ((crowded || this.#unbound.size + this.#bound.size >= maxConnections) && !this.#evictOne()) return undefined;
    this.#unbound.add(mine);
    return {
      bound: () => {
        if (this.#unbound.delete(mine)) this.#bound.add(mine);
      },
      leave: () => {
        this.#unbound.delete(mine);
        this.#bound.delete(mine);
      },
    };
  }

  #of(held: ReadonlySet<Held>, group: string): Held[] {
    return [...held].filter((one) => one.group === group);
  }

  /** Closes the oldest unbound connection of the address that has the most. */
  #evictOne(): boolean {
    const counts = new Map<string, number>();
    for (const { group } of this.#unbound) counts.set(group, (counts.get(group) ?? 0) + 1);
    const most = Math.max(0, ...counts.values());
    return this.#evict([...this.#unbound].find(({ group }) => counts.get(group) === most));
  }

  #evict(loser: Held | undefined): boolean {
    if (loser === undefined) return false;
    this.#unbound.delete(loser);
    loser.evict();
    return true;
  }
}
