import type { z } from "zod";
import { campaignEvents } from "./events/campaign.ts";
import { downloadEvents } from "./events/download.ts";
import { jobEvents } from "./events/job.ts";
import { messageEvents, smscEvents } from "./events/message.ts";
import { notificationEvents, switchEvents } from "./events/notification.ts";
import { modemEvents, sessionEvents } from "./events/session.ts";
import { targetEvents } from "./events/target.ts";

/** One catalogued event. */
export interface EventEntry {
  /** What happened, as a sentence. */
  readonly text: string;
  /** Where the standard describes it. */
  readonly clause?: string;
  /** The version that first had it. */
  readonly since: string;
  /** Its data. Never keys. */
  readonly data: z.ZodObject;
}

/** Every event type of the product. A family lives in one file of `events/`; types are `family.name`. */
export const eventCatalogue = {
  ...jobEvents,
  ...switchEvents,
  ...notificationEvents,
  ...messageEvents,
  ...smscEvents,
  ...targetEvents,
  ...campaignEvents,
  ...downloadEvents,
  ...sessionEvents,
  ...modemEvents,
} as const satisfies Record<string, EventEntry>;

export type EventType = keyof typeof eventCatalogue;

/** The data of events of one type. */
export type EventData<T extends EventType> = Readonly<z.infer<(typeof eventCatalogue)[T]["data"]>>;

/** True for a type of the catalogue. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(eventCatalogue, type);
}

/** All types, in the order of the catalogue. */
export const eventTypes: readonly EventType[] = Object.keys(eventCatalogue).filter(isEventType);

const formerFamilies: Readonly<Record<string, string>> = { "procedure.": "switch." };

/** An event type, or a pattern of a filter, by the name that it has now. */
export function currentEventName(name: string): string {
  for (const [former, now] of Object.entries(formerFamilies))
    if (name.startsWith(former)) return `${now}${name.slice(former.length)}`;
  return name;
}
