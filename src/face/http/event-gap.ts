import type { GatewayEvent } from "../../gateway/model/event.ts";
import type { EventGap } from "../../gateway/records/event-log.ts";

/** The event that reports a gap in the stream. */
export function gapEvent({ after, first }: EventGap): Omit<GatewayEvent, "at"> {
  return { seq: first - 1, type: "gap", data: { after, first } };
}
