import type { Clock } from "../../base/clock.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import type { Log } from "../../link/driver.ts";
import type { OutboxEntry } from "../model/outbox.ts";
import type { Store } from "../model/store.ts";
import { cloudEvent } from "./cloud-event.ts";
import { type Attempt, afterAttempt, type DeliveryPolicy, type Next } from "./delivery.ts";
import { eventsMatching } from "./event-filter.ts";

interface RelaySettings extends DeliveryPolicy {
  readonly upstream: string;
  /** Patterns of the event types that it receives: `job.*`, `notification.received`, `*`. */
  readonly events: readonly string[];
  /** Maximum number of events on their way at the same time, of different targets. */
  readonly concurrency: number;
}

interface RelayDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Sends an event; throws only when the signal aborts. */
  readonly post: (entry: OutboxEntry, signal: AbortSignal) => Promise<Attempt>;
}

/** What a relay counted since its start. */
interface RelayStats {
  delivered: number;
  failures: number;
  lastError?: string;
  lastSuccessAt?: number;
}

/** Events prepared in one unit of work. */
const batch = 50;
/** Events prepared ahead of their delivery; the others are safe in the log. */
const maxQueued = 10_000;

/**
 * Delivers events to an upstream: read from the durable log behind a durable cursor, delivered at least once, those of
 * one target in sequence. Its memory can be rebuilt from the store at any moment.
 */
export class Relay implements AsyncDisposable {
  readonly stats: RelayStats = { delivered: 0, failures: 0 };
  readonly #deps: RelayDeps;
  readonly #settings: RelaySettings;
  readonly #wanted: (type: string) => boolean;
  readonly #stopping = new AbortController();
  readonly #ready = new Set<string>();
  readonly #active = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  readonly #idle = new Set<() => void>();
  #queued = 0;
  #failures = 0;
  #pause: NodeJS.Timeout | undefined;
  #filling: Promise<void> | undefined;
  #fillAgain = false;
  /** The log contains more events than were prepared. */
  #full = false;
  #instance = "";
  #off = () => {};

  constructor(deps: RelayDeps, settings: RelaySettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#wanted = eventsMatching(settings.events);
  }

  /** Continues where an earlier process stopped; the first time, with the events from now on. */
  async start(): Promise<void> {
    const { store } = this.#deps;
    const { upstream } = this.#settings;
    this.#instance = await store.read((r) => r.outbox.instance());
    await store.write(async (r) => {
      if ((await r.outbox.cursor(upstream)) === undefined) await r.outbox.moveCursor(upstream, await r.events.last());
    });
    await this.#reportGap();
    this.#off = store.onEvents(() => this.#fill());
    await this.recheck();
    this.#fill();
  }

  /** While an upstream is not configured, events that it never received may be removed. */
  async #reportGap(): Promise<void> {
    const { upstream } = this.#settings;
    const [cursor, first] = await this.#deps.store.read(
      async (r) => [(await r.outbox.cursor(upstream)) ?? 0, await r.events.first()] as const,
    );
    if (first > cursor + 1)
      this.#deps.log.warn({ upstream, after: cursor, first }, "events were removed before the upstream received them");
  }

  /** Looks at the outbox again, after a replay. */
  async recheck(): Promise<void> {
    const { upstream } = this.#settings;
    const [lanes, queued] = await this.#deps.store.read(
      async (r) => [await r.outbox.lanes(upstream), await r.outbox.queued(upstream)] as const,
    );
    this.#queued = queued;
    for (const lane of lanes) if (!this.#active.has(lane) && !this.#waiting.has(lane)) this.#ready.add(lane);
    this.#pump();
  }

  /** Whether an event is on its way or could be sent now. */
  get busy(): boolean {
    return this.#active.size > 0 || (this.#ready.size > 0 && this.#pause === undefined);
  }

  /** Resolves when nothing can be sent at the moment. */
  async idle(): Promise<void> {
    while (this.busy && !this.#stopping.signal.aborted) {
      await new Promise<void>((resolve) => this.#idle.add(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#off();
    this.#stopping.abort(new Error("the daemon is stopping"));
    clearTimeout(this.#pause);
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    await this.#filling;
    await Promise.all(this.#active.values());
    this.#resolveIdle();
  }

  #fill(): void {
    this.#fillAgain = true;
    this.#filling ??= this.#runFill().finally(() => {
      this.#filling = undefined;
    });
  }

  async #runFill(): Promise<void> {
    while (this.#fillAgain && !this.#stopping.signal.aborted) {
      this.#fillAgain = false;
      try {
        while (this.#queued < maxQueued && (await this.#prepare())) if (this.#stopping.signal.aborted) return;
        this.#full = this.#queued >= maxQueued;
      } catch (error) {
        this.#deps.log.error(
          { upstream: this.#settings.upstream, err: asGatewayError(error).message },
          "failed to read the event log; trying again",
        );
        await this.#deps.clock.sleep(1000, this.#stopping.signal).catch(() => {});
        this.#fillAgain = true;
      }
    }
  }

  /** Prepares the next events; false when the log has no further events. */
  async #prepare(): Promise<boolean> {
    const { upstream } = this.#settings;
    const lanes: string[] = [];
    const more = await this.#deps.store.write(async (r) => {
      lanes.length = 0;
      const events = await r.events.after((await r.outbox.cursor(upstream)) ?? 0, batch);
      const last = events.at(-1);
      if (last === undefined) return false;
      for (const event of events) {
        if (!this.#wanted(event.type)) continue;
        const { id, lane, type, body } = await cloudEvent(r, event, this.#instance);
        const now = this.#deps.clock.now();
        await r.outbox.insert({ id, upstream, lane, type, body, notBefore: 0, createdAt: now });
        lanes.push(lane);
      }
      await r.outbox.moveCursor(upstream, last.seq);
      return events.length === batch;
    });
    this.#queued += lanes.length;
    for (const lane of lanes) if (!this.#waiting.has(lane)) this.#ready.add(lane);
    this.#pump();
    return more;
  }

  #pump(): void {
    const paused = this.#stopping.signal.aborted || this.#pause !== undefined;
    for (const lane of paused ? [] : this.#ready) {
      // After a failure one event is sent alone, to test whether the upstream is back.
      if (this.#active.size >= (this.#failures > 0 ? 1 : this.#settings.concurrency)) break;
      if (this.#active.has(lane)) continue;
      this.#ready.delete(lane);
      const work = this.#run(lane).finally(() => {
        this.#active.delete(lane);
        this.#pump();
      });
      this.#active.set(lane, work);
    }
    this.#resolveIdle();
  }

  #resolveIdle(): void {
    if (this.busy && !this.#stopping.signal.aborted) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }

  /** Sends one event of the lane; the lane is ready again when it may have more. */
  async #run(lane: string): Promise<void> {
    const { store, log, post, random } = this.#deps;
    const { upstream } = this.#settings;
    const { signal } = this.#stopping;
    try {
      const entry = await store.read((r) => r.outbox.head(upstream, lane));
      if (entry === undefined) return;
      const attempt = await post(entry, signal);
      if (signal.aborted && attempt.kind === "down") return;
      const next = afterAttempt(entry.attempts, this.#failures, attempt, this.#settings, random);
      await this.#settle(entry, next);
      if (next.do !== "retry") {
        this.#failures = 0;
        this.#queued--;
        this.#ready.add(lane);
        if (this.#full && this.#queued < maxQueued / 2) this.#fill();
        return;
      }
      if (next.down) this.#pauseAll(lane, next.afterMs);
      else this.#later(lane, next.afterMs);
    } catch (error) {
      if (signal.aborted) return;
      log.error({ upstream, err: asGatewayError(error).message }, "failed to relay an event; trying again");
      this.#later(lane, 1000);
    }
  }

  async #settle(entry: OutboxEntry, next: Next): Promise<void> {
    const { store, clock, log } = this.#deps;
    const { upstream } = this.#settings;
    const now = clock.now();
    if (next.do === "delivered") {
      await store.write((r) => r.outbox.delivered(entry.seq));
      this.stats.delivered++;
      this.stats.lastSuccessAt = now;
      return;
    }
    this.stats.failures++;
    this.stats.lastError = next.why;
    if (next.do === "bury") {
      log.warn({ upstream, event: entry.id, type: entry.type, why: next.why }, "an event became a dead letter");
      await store.write((r) => r.outbox.bury(entry.seq, next.attempts, now, next.why));
    } else {
      if (this.#failures === 0)
        log.warn({ upstream, event: entry.id, why: next.why }, "an event was not accepted; trying again");
      await store.write((r) => r.outbox.retry(entry.seq, next.attempts, now + next.afterMs, next.why));
    }
  }

  /**
   * The whole upstream is unavailable: all events wait. Times are of the monotonic clock, so a clock that is set
   * changes nothing.
   */
  #pauseAll(lane: string, ms: number): void {
    this.#failures++;
    this.#ready.add(lane);
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#pump();
    }, ms);
  }

  #later(lane: string, ms: number): void {
    this.#ready.delete(lane);
    this.#waiting.set(
      lane,
      setTimeout(() => {
        this.#waiting.delete(lane);
        this.#ready.add(lane);
        this.#pump();
      }, ms),
    );
  }
}
