import { describe, expect, it } from "vitest";
import { errorCatalogue } from "../../src/base/error-catalogue.ts";
import { currentEventName, eventCatalogue, eventTypes, isEventType } from "../../src/gateway/model/event-catalogue.ts";
import { endStates } from "../../src/gateway/model/job.ts";
import { filesBelow } from "./sources.ts";

const sources = filesBelow(["src", "drivers"], /\.ts$/).filter(
  ({ path }) => !path.startsWith("src/gateway/model/events/") && !path.startsWith("src/base/errors/"),
);
const families = new Set(eventTypes.map((type) => type.split(".")[0]));

/** Types that are put together from a state. */
const composed: Readonly<Record<string, readonly string[]>> = {
  "job.${": endStates.map((state) => `job.${state}`),
  "campaign.${": ["paused", "stopped", "cancelled", "done"].map((state) => `campaign.${state}`),
  "campaign.target-${": ["succeeded", "failed", "skipped", "cancelled"].map((state) => `campaign.target-${state}`),
};

describe("the event catalogue", () => {
  it("has every type that is named", () => {
    const named = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/type(?: ===|:) "([a-z0-9]+\.[a-z0-9-]+)"/g)].map(([, type = ""]) => ({ path, type })),
    );
    expect(named.length).toBeGreaterThan(30);
    const unknown = named.filter(({ type }) => families.has(type.split(".")[0] ?? "") && !isEventType(type));
    expect(unknown.filter(({ type }) => !Object.hasOwn(errorCatalogue, type))).toEqual([]);
  });

  it("has no type that nothing gives", () => {
    const given = new Set(
      sources.flatMap(({ text }) => [...text.matchAll(/"([a-z0-9]+\.[a-z0-9-]+)"/g)].map(([, type]) => type)),
    );
    for (const [start, types] of Object.entries(composed)) {
      expect(sources.filter(({ text }) => text.includes(`type: \`${start}`)).length, start).toBeGreaterThan(0);
      for (const type of types) given.add(type);
    }
    expect(eventTypes.filter((type) => !given.has(type))).toEqual([]);
  });

  it("describes each as a sentence without its full stop", () => {
    for (const [type, { text, since }] of Object.entries(eventCatalogue)) {
      expect(type).toMatch(/^[a-z0-9]+\.[a-z0-9-]+$/);
      expect(text, type).toMatch(/^[A-Z].*[^.]$/);
      expect(since).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it("reads the names of earlier versions", () => {
    expect(currentEventName("procedure.confirmed")).toBe("switch.confirmed");
    expect(currentEventName("procedure.*")).toBe("switch.*");
    expect(eventTypes.map(currentEventName)).toEqual(eventTypes);
  });
});
