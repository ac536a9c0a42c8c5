import type { Store } from "../../gateway/model/store.ts";

/** The state that `read` finds once `ended` holds for it, or when the time is over or the client has gone. */
export async function awaited<T>(
  store: Store,
  read: () => Promise<T>,
  ended: (state: T) => boolean,
  { waitMs, gone }: { readonly waitMs: number; readonly gone: () => boolean },
): Promise<T> {
  const until = Date.now() + waitMs;
  let state = await read();
  while (!ended(state) && Date.now() < until && !gone()) {
    await nextEvent(store, Math.min(until - Date.now(), 1000));
    state = await read();
  }
  return state;
}

/** Resolves with the next durable event, or after the time. */
function nextEvent(store: Store, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      off();
      resolve();
    };
    const timer = setTimeout(done, ms);
    const off = store.onEvents(done);
  });
}
