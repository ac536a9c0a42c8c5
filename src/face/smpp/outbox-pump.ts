import { isGatewayError } from "../../base/gateway-error.ts";
import type { Pdu, ResponseCommand } from "../../codec/smpp/pdu.ts";
import { statusClass, statusName } from "../../codec/smpp/status.ts";
import type { SmppSession } from "../../link/smpp/session.ts";
import type { SessionDeps } from "../../link/smpp/session-contract.ts";
import { dataBody, deliverBody } from "./delivery.ts";
import type { SmscClient, SmscDelivery, SmscOutbox } from "./port.ts";

/** A bound session that can receive. */
export interface Receiver {
  readonly session: SmppSession;
  readonly client: SmscClient;
  /** The client speaks 3.4 or later. */
  readonly withTlvs: boolean;
}

const firstAgainMs = 1_000;
const longestAgainMs = 60_000;

/**
 * Sends one client what waits for it, oldest first, over whichever of its sessions has room. An item leaves the outbox
 * only after the client acknowledged it; without a verdict, or told to come back later, it is sent again.
 */
export class OutboxPump {
  readonly #client: string;
  readonly #outbox: SmscOutbox;
  readonly #deps: SessionDeps;
  readonly #receivers = new Set<Receiver>();
  readonly #underWay = new Set<string>();
  readonly #later = new Map<string, { tries: number; at: number }>();
  #stopped = false;
  #sleeping = new AbortController();
  #wakeAt = Number.POSITIVE_INFINITY;
  #pulling = false;
  #again = false;

  constructor(client: string, outbox: SmscOutbox, deps: SessionDeps) {
    this.#client = client;
    this.#outbox = outbox;
    this.#deps = deps;
  }

  /** No session of the client is left. */
  get idle(): boolean {
    return this.#receivers.size === 0;
  }

  attach(receiver: Receiver): void {
    this.#receivers.add(receiver);
    receiver.session.onRoom = () => this.kick();
    this.kick();
  }

  detach(session: SmppSession): void {
    for (const one of this.#receivers) if (one.session === session) this.#receivers.delete(one);
  }

  /** Stops for good; what is under way keeps its verdict. */
  stop(): void {
    this.#stopped = true;
    this.#sleeping.abort();
    this.#receivers.clear();
  }

  /** Looks for something to send. */
  kick(): void {
    this.#again = true;
    if (!this.#pulling) void this.#pull();
  }

  #free(): Receiver | undefined {
    for (const one of this.#receivers) if (one.session.room > 0) return one;
    return undefined;
  }

  async #pull(): Promise<void> {
    this.#pulling = true;
    try {
      while (this.#again && this.#free() !== undefined) {
        this.#again = false;
        const room = [...this.#receivers].reduce((sum, { session }) => sum + Math.max(0, session.room), 0);
        const held = this.#underWay.size + this.#later.size;
        const items = await this.#outbox.pull(this.#client, held + room);
        this.#offer(items);
      }
    } catch (error) {
      this.#deps.log.error({ client: this.#client, error: String(error) }, "the outbox cannot be read");
      this.#nap(firstAgainMs);
    } finally {
      this.#pulling = false;
    }
  }

  #offer(items: readonly SmscDelivery[]): void {
    const now = this.#deps.clock.monotonic();
    for (const item of items) {
      const later = this.#later.get(item.id);
      if (this.#underWay.has(item.id) || (later !== undefined && later.at > now)) continue;
      const receiver = this.#free();
      if (receiver === undefined) return;
      this.#underWay.add(item.id);
      void this.#send(item, receiver);
    }
  }

  async #send(item: SmscDelivery, { session, client, withTlvs }: Receiver): Promise<void> {
    try {
      const response =
        client.deliverAs === "data_sm"
          ? await session.request("data_sm", dataBody(item))
          : await session.request("deliver_sm", deliverBody(item, withTlvs));
      await this.#answered(item, response);
    } catch (error) {
      const facts = { client: this.#client, item: item.id, error: String(error) };
      this.#deps.log.warn(facts, "delivery without a verdict: it will be sent again");
      if (!isGatewayError(error) || error.code !== "link.lost") this.#comeBack(item.id);
    } finally {
      this.#underWay.delete(item.id);
      this.kick();
    }
  }

  async #answered(item: SmscDelivery, response: Pdu<ResponseCommand>): Promise<void> {
    const kind = statusClass(response.status);
    if (kind === "ok") {
      await this.#outbox.done(this.#client, item.id);
      this.#later.delete(item.id);
    } else if (kind === "temporary" || kind === "throttle" || kind === "session") {
      this.#comeBack(item.id);
    } else {
      const facts = { client: this.#client, item: item.id, status: statusName(response.status) };
      this.#deps.log.warn(facts, "the client refused a delivery for good");
      await this.#outbox.refused(this.#client, item.id, response.status);
      this.#later.delete(item.id);
    }
  }

  #comeBack(id: string): void {
    const tries = (this.#later.get(id)?.tries ?? 0) + 1;
    const ms = Math.min(longestAgainMs, firstAgainMs * 2 ** Math.min(tries - 1, 10));
    this.#later.set(id, { tries, at: this.#deps.clock.monotonic() + ms });
    this.#nap(ms);
  }

  /** Comes back after so long, at the latest. */
  #nap(ms: number): void {
    const now = this.#deps.clock.monotonic();
    if (this.#stopped || (this.#wakeAt > now && this.#wakeAt <= now + ms)) return;
    this.#sleeping.abort();
    const nap = new AbortController();
    this.#sleeping = nap;
    this.#wakeAt = now + ms;
    this.#deps.clock.sleep(ms, nap.signal).then(
      () => {
        this.#wakeAt = Number.POSITIVE_INFINITY;
        this.kick();
        this.#napUntilNext();
      },
      () => undefined,
    );
  }

  #napUntilNext(): void {
    const now = this.#deps.clock.monotonic();
    const next = Math.min(...[...this.#later.values()].map(({ at }) => at).filter((at) => at > now));
    if (Number.isFinite(next)) this.#nap(next - now);
  }
}
