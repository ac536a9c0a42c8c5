import type { GatewayEvent } from "../../gateway/model/event.ts";
import type { EventGap } from "../../gateway/records/event-log.ts";

/** How a reader of the stream is told of a gap. */
export function gapEvent({ after, first }: EventGap): Omit<GatewayEvent, "at"> {
  return { seq: first - 1, type: "gap", data: { after, first } };
}
