import type { GatewayEvent } from "../../gateway/model/event.ts";
import type { Store } from "../../gateway/model/store.ts";

/** Events after a position that are no longer kept: all before `first`. */
export interface EventGap {
  readonly after: number;
  readonly first: number;
}

/** The next events of the log after a position, and whether some before them are gone. */
export async function eventsAfter(
  store: Store,
  after: number,
  limit: number,
): Promise<{ readonly events: readonly GatewayEvent[]; readonly gap?: EventGap }> {
  return store.read(async (r) => {
    const events = await r.events.after(after, limit);
    // The log has no holes: a number left out is one that was removed.
    const first = events[0]?.seq ?? (await r.events.first());
    return first > after + 1 ? { events, gap: { after, first } } : { events };
  });
}

/** How a reader of the stream is told of a gap. */
export function gapEvent({ after, first }: EventGap): Omit<GatewayEvent, "at"> {
  return { seq: first - 1, type: "gap", data: { after, first } };
}
