import type { FastifyReply } from "fastify";
import type { GatewayEvent } from "../../gateway/model/event.ts";
import type { EventLog } from "../../gateway/records/event-log.ts";
import type { Log } from "../../link/driver.ts";
import { gapEvent } from "./event-gap.ts";
import { type EventPages, framed } from "./event-pages.ts";
import { waitForDrain } from "./wait-for-drain.ts";

const keepAliveMs = 15_000;

/** Remembers a wake-up until the next wait, so that none is missed. */
class Bell {
  #rung = false;
  #waiter: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#waiter?.();
  }

  /** True when it rang since the last wait, false after the time. */
  wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (rung: boolean) => {
        clearTimeout(timer);
        this.#waiter = undefined;
        this.#rung = false;
        resolve(rung);
      };
      const timer = setTimeout(() => settle(false), ms);
      this.#waiter = () => settle(true);
      if (this.#rung) settle(true);
    });
  }
}

/**
 * Sends the events after `from`, then new ones. A slow client is served from the log, and nothing is buffered for it;
 * one that accepts nothing for a minute is disconnected, and can resume later.
 */
export async function streamEvents(
  deps: { readonly events: EventLog; readonly pages: EventPages; readonly log: Log; readonly now: () => number },
  reply: FastifyReply,
  from: number,
  wanted: (event: GatewayEvent) => boolean,
): Promise<void> {
  const { pages, now } = deps;
  reply.hijack();
  const { raw } = reply;
  const bell = new Bell();
  const off = deps.events.onCommit(() => bell.ring());
  raw.on("error", () => bell.ring());
  raw.on("close", () => bell.ring());
  raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" });
  raw.write(": otagate\n\n");
  const open = () => !raw.destroyed && !raw.writableEnded;
  try {
    for (let at = from; open(); ) {
      const { events, gap, full } = await pages.after(at);
      // Its number is the last one missing: a reader that reconnects is notified of it once.
      const told = gap === undefined ? "" : framed({ ...gapEvent(gap), at: now() });
      const shown = told + events.map(({ event, text }) => (wanted(event) ? text : "")).join("");
      at = events.at(-1)?.event.seq ?? (gap === undefined ? at : gap.first - 1);
      if (shown !== "" && !raw.write(shown) && !(await waitForDrain(raw))) return;
      if (full) continue;
      // The position alone advances the reader's Last-Event-ID when no event matched.
      if (!(await bell.wait(keepAliveMs)) && open()) raw.write(`id: ${at}\n\n`);
    }
  } catch (error) {
    deps.log.warn({ err: String(error) }, "failed to read events for a stream; closing it");
  } finally {
    off();
    raw.destroy();
  }
}
