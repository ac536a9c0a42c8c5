import type { Clock } from "../../base/clock.ts";
import { asGatewayError, GatewayError } from "../../base/gateway-error.ts";
import { newId } from "../../base/id.ts";
import { KeyedQueue } from "../../base/keyed-queue.ts";
import type { Link, Links } from "./links.ts";

/** Exclusive use of the card behind a link. */
interface Lease {
  readonly id: string;
  readonly link: string;
  readonly client: string;
  /** The lease ends when the card was idle for this time. */
  readonly idleMs: number;
  readonly openedAt: number;
  readonly expiresAt: number;
}

/** One raw exchange. */
interface RawAnswer {
  readonly apdu: Uint8Array;
  readonly data: Uint8Array;
  readonly sw: number;
}

type Transmit = (apdu: Uint8Array) => Promise<{ data: Uint8Array; sw: number }>;

interface Held {
  lease: Lease;
  /** Present once the lease holds the card. */
  transmit?: Transmit;
  timer?: NodeJS.Timeout;
  readonly end: () => void;
  readonly over: Promise<void>;
  readonly abort: AbortController;
}

/** How long a client waits for the exchanges of other clients before the card is reported as busy. */
const acquireMs = 10_000;

/** Raw APDUs to cards: one series at a time, or many under an exclusive lease that excludes all other clients. */
export class CardLeases implements AsyncDisposable {
  readonly #links: Links;
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();
  readonly #queue = new KeyedQueue<string>();

  constructor(links: Links, clock: Clock) {
    this.#links = links;
    this.#clock = clock;
  }

  /**
   * Leases the card; resolves when no other client has it.
   * @throws link.unknown, link.unavailable, link.busy, card.*
   */
  async open(reference: string, client: string, idleMs: number): Promise<Lease> {
    const link = this.#links.get(reference);
    this.#refuseLeased(link.id, undefined);
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    const now = this.#clock.now();
    const lease = { id: newId("lse", now), link: link.id, client, idleMs, openedAt: now, expiresAt: now + idleMs };
    const held: Held = { lease, end, over, abort: new AbortController() };
    this.#held.set(link.id, held);
    try {
      await this.#take(link, held);
    } catch (error) {
      this.#forget(held);
      throw error;
    }
    this.#renew(held);
    return held.lease;
  }

  /** The lease on a link. */
  find(link: string): Lease | undefined {
    return this.#held.get(link)?.lease;
  }

  /**
   * Exchanges APDUs in order; with a lease each series renews it.
   * @throws link.lease, link.busy when another client leases the card, card.*, link.*
   */
  async exchange(
    reference: string,
    lease: string | undefined,
    apdus: readonly Uint8Array[],
    stopAtError: boolean,
  ): Promise<RawAnswer[]> {
    const link = this.#links.get(reference);
    if (lease === undefined) {
      this.#refuseLeased(link.id, undefined);
      return this.#once(link, (transmit) => series(transmit, apdus, stopAtError));
    }
    const held = this.#of(link.id, lease);
    return this.#queue.run(lease, async () => {
      const { transmit } = this.#of(link.id, lease);
      if (transmit === undefined) throw noLease(lease);
      clearTimeout(held.timer);
      try {
        return await series(transmit, apdus, stopAtError);
      } catch (error) {
        if (/^(link\.|card\.(removed|absent|unresponsive))/.test(asGatewayError(error).code)) this.#forget(held);
        throw error;
      } finally {
        if (this.#held.get(link.id) === held) this.#renew(held);
      }
    });
  }

  /** Releases the card. @throws link.unknown, link.lease */
  async close(reference: string, lease: string): Promise<void> {
    const held = this.#of(this.#links.get(reference).id, lease);
    await this.#queue.run(lease, async () => this.#forget(held));
  }

  /** Ends all leases of a client. */
  endOf(client: string): void {
    for (const held of this.#held.values()) if (held.lease.client === client) this.#forget(held);
  }

  /**
   * Runs work on a link that would bypass the lease on it: AT commands, messages. Only for the client that names the
   * lease, whose idle time starts again.
   * @throws link.unknown, link.busy, link.lease, and what `work` throws
   */
  async use<T>(reference: string, lease: string | undefined, work: (link: Link) => Promise<T>): Promise<T> {
    const link = this.#links.get(reference);
    if (lease === undefined) {
      this.#refuseLeased(link.id, undefined);
      return work(link);
    }
    const held = this.#of(link.id, lease);
    return this.#queue.run(lease, async () => {
      this.#of(link.id, lease);
      clearTimeout(held.timer);
      try {
        return await work(link);
      } finally {
        if (this.#held.get(link.id) === held) this.#renew(held);
      }
    });
  }

  /**
   * Switches a modem's power off and on; as with a reset, the lease on it must be named, and ends.
   * @throws as {@link reset}
   */
  async powerCycle(reference: string, lease: string | undefined): Promise<Link> {
    const link = this.#links.get(reference);
    if (link.powerCycle === undefined) throw new GatewayError("link.unsupported", `${link.id} has no power control`);
    await this.#end(link, lease);
    await link.powerCycle();
    return link;
  }

  /** Resets the card; the lease on it, if any, must be named, and ends. @throws link.busy, link.lease, card.* */
  async reset(reference: string, kind: "warm" | "cold", lease: string | undefined): Promise<Link> {
    const link = this.#links.get(reference);
    if (link.reset === undefined) throw new GatewayError("link.unavailable", `${link.id} cannot be reset`);
    await this.#end(link, lease);
    await link.reset(kind);
    return link;
  }

  async #end(link: Link, lease: string | undefined): Promise<void> {
    if (lease !== undefined) await this.close(link.id, lease);
    // Another client may have leased the card after that lease ended.
    this.#refuseLeased(link.id, undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const held of this.#held.values()) {
      held.abort.abort(new GatewayError("link.unavailable", "the daemon is stopping"));
      this.#forget(held);
    }
    await this.#queue.idle();
  }

  async #take(link: Link, held: Held): Promise<void> {
    const { withCard } = link;
    if (withCard === undefined) throw noCard(link);
    const patience = setTimeout(() => held.abort.abort(busy(link.id)), acquireMs);
    try {
      await new Promise<void>((resolve, reject) => {
        const work = async (transmit: Transmit) => {
          clearTimeout(patience);
          held.transmit = transmit;
          resolve();
          await held.over;
        };
        withCard
          .call(link, work, held.abort.signal)
          .then(() => this.#forget(held))
          .catch((error: unknown) => {
            reject(error);
            this.#forget(held);
          });
      });
    } finally {
      clearTimeout(patience);
    }
  }

  async #once<T>(link: Link, work: (transmit: Transmit) => Promise<T>): Promise<T> {
    if (link.withCard === undefined) throw noCard(link);
    const abort = new AbortController();
    const patience = setTimeout(() => abort.abort(busy(link.id)), acquireMs);
    try {
      return await link.withCard((transmit) => {
        clearTimeout(patience);
        return work(transmit);
      }, abort.signal);
    } finally {
      clearTimeout(patience);
    }
  }

  #renew(held: Held): void {
    held.lease = { ...held.lease, expiresAt: this.#clock.now() + held.lease.idleMs };
    clearTimeout(held.timer);
    held.timer = setTimeout(() => this.#forget(held), held.lease.idleMs);
    held.timer.unref();
  }

  #forget(held: Held): void {
    clearTimeout(held.timer);
    if (this.#held.get(held.lease.link) === held) this.#held.delete(held.lease.link);
    held.end();
  }

  #of(link: string, lease: string): Held {
    const held = this.#held.get(link);
    if (held === undefined || held.lease.id !== lease) throw noLease(lease);
    return held;
  }

  #refuseLeased(link: string, lease: string | undefined): void {
    const held = this.#held.get(link);
    if (held === undefined || held.lease.id === lease) return;
    throw new GatewayError("link.busy", `${link} is leased by ${held.lease.client}`, {
      detail: { link, expiresAt: held.lease.expiresAt },
    });
  }
}

async function series(transmit: Transmit, apdus: readonly Uint8Array[], stopAtError: boolean): Promise<RawAnswer[]> {
  const answers: RawAnswer[] = [];
  for (const apdu of apdus) {
    const { data, sw } = await transmit(apdu);
    answers.push({ apdu, data, sw });
    if (stopAtError && sw >> 8 !== 0x90 && sw >> 8 !== 0x91) break;
  }
  return answers;
}

function noLease(lease: string): GatewayError {
  return new GatewayError("link.lease", "lease: unknown or ended", { detail: { field: "lease", lease } });
}

function noCard(link: Link): GatewayError {
  return new GatewayError("link.unavailable", `${link.id} does not provide access to a card`, {
    detail: { link: link.id },
  });
}

function busy(link: string): GatewayError {
  return new GatewayError("link.busy", `${link}: other exchanges did not end in time`, { detail: { link } });
}
