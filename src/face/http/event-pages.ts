import { setImmediate } from "node:timers/promises";
import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import type { GatewayEvent } from "../../gateway/model/event.ts";
import type { EventGap, EventLog } from "../../gateway/records/event-log.ts";

/** Events that follow a position, framed for the stream. */
interface EventPage {
  readonly events: readonly { readonly event: GatewayEvent; readonly text: string }[];
  readonly gap?: EventGap;
  /** More events certainly follow. */
  readonly full: boolean;
}

const pageSize = 100;
const pagesKept = 32;
/** Streams that are served before other work of the process gets a turn. */
const streamsPerTurn = 8;

/**
 * The event log for many concurrent readers: all readers at the same position share one read and one serialization;
 * other reads run one at a time and yield to other work.
 */
export class EventPages {
  readonly #log: EventLog;
  readonly #pages = new Map<number, Promise<EventPage>>();
  readonly #tails = new Set<number>();
  #loading: Promise<unknown> = Promise.resolve();
  #waiting: (() => void)[] = [];

  constructor(log: EventLog) {
    this.#log = log;
    log.onCommit(() => {
      for (const at of this.#tails) this.#pages.delete(at);
      this.#tails.clear();
    });
  }

  /** The next events after a position; resolves when it is this reader's turn. */
  async after(at: number): Promise<EventPage> {
    const page = await (this.#pages.get(at) ?? this.#load(at));
    await this.#turn();
    return page;
  }

  #load(at: number): Promise<EventPage> {
    const page = this.#loading.then(async () => {
      await setImmediate();
      return this.#read(at);
    });
    this.#loading = page.catch(() => {});
    // Unless it is full, an event that is written in the meantime makes it stale.
    this.#tails.add(at);
    this.#pages.set(at, page);
    page.catch(() => this.#forget(at, page));
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= pagesKept) break;
      this.#pages.delete(oldest);
      this.#tails.delete(oldest);
    }
    return page;
  }

  async #read(at: number): Promise<EventPage> {
    const { events, gap } = await this.#log.after(at, pageSize);
    const full = events.length === pageSize;
    if (full) this.#tails.delete(at);
    return {
      events: events.map((event) => ({ event, text: framed(event) })),
      ...withoutUndefined({ gap }),
      full,
    };
  }

  #forget(at: number, page: Promise<EventPage>): void {
    if (this.#pages.get(at) === page) this.#pages.delete(at);
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      // Nothing in it can fail.
      if (this.#waiting.length === 1) detach(this.#serve(), () => {});
    });
  }

  async #serve(): Promise<void> {
    while (this.#waiting.length > 0) {
      await setImmediate();
      for (const resolve of this.#waiting.slice(0, streamsPerTurn)) resolve();
      this.#waiting = this.#waiting.slice(streamsPerTurn);
    }
  }
}

/** An event in the form of server-sent events. */
export function framed(event: GatewayEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
