import { detach } from "../../base/detach.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import type { Pdu, ResponseCommand } from "../../codec/smpp/pdu.ts";
import { status, statusClass, statusName } from "../../codec/smpp/status.ts";
import { reported } from "../../link/reported.ts";
import type { SmppSession } from "../../link/smpp/session.ts";
import type { SessionDeps } from "../../link/smpp/session-contract.ts";
import { dataBody, deliverBody } from "./delivery.ts";
import type { SmscClient, SmscDelivery, SmscOutbox } from "./port.ts";

/** A bound session that can receive. */
interface Receiver {
  readonly session: SmppSession;
  readonly client: SmscClient;
  /** The client uses SMPP 3.4 or later. */
  readonly withTlvs: boolean;
}

const firstAgainMs = 1_000;
const maxAgainMs = 60_000;

/**
 * Delivers the waiting items of one client, oldest first, over any of its sessions that has room. An item is removed
 * from the outbox only after the client has acknowledged it; without an answer, or after a temporary refusal, it is
 * sent again.
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
  /** Items settled during a query, whose result may still contain them. */
  readonly #justSettled = new Set<string>();
  /** The outbox contains more items than there was room for. */
  #more = false;

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
    receiver.session.onRoom = () => this.#roomAgain();
    this.kick();
  }

  detach(session: SmppSession): void {
    for (const one of this.#receivers) if (one.session === session) this.#receivers.delete(one);
  }

  /** Stops permanently; deliveries in progress keep their verdict. */
  stop(): void {
    this.#stopped = true;
    this.#sleeping.abort();
    this.#receivers.clear();
  }

  /** Looks for items to send. */
  kick(): void {
    this.#again = true;
    if (!this.#pulling)
      detach(this.#pull(), reported(this.#deps.log, "failed to check for deliveries", { client: this.#client }));
  }

  get #room(): number {
    let room = 0;
    for (const { session } of this.#receivers) room += Math.max(0, session.room);
    return room;
  }

  /** Queries again only if items were left over, and not for each single free place. */
  #roomAgain(): void {
    if (!this.#more) return;
    const windows = [...this.#receivers].reduce((sum, { client }) => sum + client.window, 0);
    if (this.#room * 2 >= windows) this.kick();
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
        this.#justSettled.clear();
        const limit = this.#underWay.size + this.#later.size + this.#room;
        const items = await this.#outbox.pull(this.#client, limit);
        this.#more = items.length >= limit;
        this.#offer(items);
      }
    } catch (error) {
      this.#deps.log.error({ client: this.#client, error: String(error) }, "the outbox cannot be read");
      this.#scheduleRun(firstAgainMs);
    } finally {
      this.#pulling = false;
      if (this.#again) this.#more = true;
    }
  }

  #offer(items: readonly SmscDelivery[]): void {
    const now = this.#deps.clock.monotonic();
    for (const item of items) {
      const later = this.#later.get(item.id);
      if (this.#underWay.has(item.id) || this.#justSettled.has(item.id) || (later !== undefined && later.at > now))
        continue;
      const receiver = this.#free();
      if (receiver === undefined) {
        this.#more = true;
        return;
      }
      this.#underWay.add(item.id);
      detach(
        this.#send(item, receiver),
        reported(this.#deps.log, "a delivery failed", { client: this.#client, item: item.id }),
      );
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
      await this.#failed(item, error);
    } finally {
      this.#underWay.delete(item.id);
      this.#roomAgain();
    }
  }

  async #failed(item: SmscDelivery, error: unknown): Promise<void> {
    const facts = { client: this.#client, item: item.id, error: String(error) };
    if (isGatewayError(error) && error.code.startsWith("codec.")) {
      this.#deps.log.error(facts, "a delivery cannot be encoded as SMPP");
      await this.#settle(item, () => this.#outbox.refused(this.#client, item.id, status.ESME_RSYSERR));
      return;
    }
    this.#deps.log.warn(facts, "delivery without a result: it will be sent again");
    const elsewhere = isGatewayError(error) && (error.code === "link.lost" || error.code === "link.queue-full");
    if (elsewhere) setImmediate(() => this.kick());
    else this.#comeBack(item.id);
  }

  /** Makes a verdict durable; if that fails, the item is sent again. */
  async #settle(item: SmscDelivery, write: () => Promise<void>): Promise<void> {
    try {
      await write();
      this.#later.delete(item.id);
      this.#justSettled.add(item.id);
    } catch (error) {
      this.#deps.log.error(
        { client: this.#client, item: item.id, error: String(error) },
        "failed to store the result of a delivery",
      );
      this.#comeBack(item.id);
    }
  }

  async #answered(item: SmscDelivery, response: Pdu<ResponseCommand>): Promise<void> {
    const kind = statusClass(response.status);
    if (kind === "ok") {
      await this.#settle(item, () => this.#outbox.done(this.#client, item.id));
    } else if (kind === "temporary" || kind === "throttle" || kind === "session") {
      this.#comeBack(item.id);
    } else {
      const facts = { client: this.#client, item: item.id, status: statusName(response.status) };
      this.#deps.log.warn(facts, "the client refused a delivery permanently");
      await this.#settle(item, () => this.#outbox.refused(this.#client, item.id, response.status));
    }
  }

  #comeBack(id: string): void {
    const tries = (this.#later.get(id)?.tries ?? 0) + 1;
    const ms = Math.min(maxAgainMs, firstAgainMs * 2 ** Math.min(tries - 1, 10));
    this.#later.set(id, { tries, at: this.#deps.clock.monotonic() + ms });
    this.#scheduleRun(ms);
  }

  /** Runs again after this time at the latest. */
  #scheduleRun(ms: number): void {
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
    if (Number.isFinite(next)) this.#scheduleRun(next - now);
  }
}
