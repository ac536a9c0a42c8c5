import type { EventLog } from "../../gateway/records/event-log.ts";

/** The state from `read` once `ended` is true for it, the time is up, or the client has disconnected. */
export async function awaited<T>(
  events: EventLog,
  read: () => Promise<T>,
  ended: (state: T) => boolean,
  { waitMs, gone }: { readonly waitMs: number; readonly gone: () => boolean },
): Promise<T> {
  const until = Date.now() + waitMs;
  let state = await read();
  while (!ended(state) && Date.now() < until && !gone()) {
    await nextEvent(events, Math.min(until - Date.now(), 1000));
    state = await read();
  }
  return state;
}

/** Resolves with the next durable event, or after the time. */
function nextEvent(events: EventLog, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      off();
      resolve();
    };
    const timer = setTimeout(done, ms);
    const off = events.onCommit(done);
  });
}
