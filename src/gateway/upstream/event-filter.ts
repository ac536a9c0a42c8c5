import { currentEventName, eventCatalogue } from "../model/event-catalogue.ts";

/** A filter that no type of the catalogue fits: a mistyped name or family. */
export function fitsNoEvent(pattern: string): boolean {
  const fits = eventsMatching([pattern]);
  return !Object.keys(eventCatalogue).some(fits);
}

/**
 * A test for event types: `job.done` matches itself, `job.*` everything that begins with `job.`, `*` everything. Former
 * names match the present ones.
 */
export function eventsMatching(wanted: readonly string[]): (type: string) => boolean {
  const patterns = wanted.map(currentEventName);
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith("*")));
  const beginnings = patterns.filter((pattern) => pattern.endsWith("*")).map((pattern) => pattern.slice(0, -1));
  return (type) => exact.has(type) || beginnings.some((beginning) => type.startsWith(beginning));
}
