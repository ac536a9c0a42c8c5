import { describe, expect, it } from "vitest";
import { concernsQueue, endsJob } from "../../../src/gateway/jobs/queue-events.ts";
import { eventTypes } from "../../../src/gateway/model/event-catalogue.ts";

const ends = ["job.done", "job.failed", "job.expired", "job.cancelled"];
const faces = ["cli", "api", "smpp", "system", "campaign", "scenario", "upstream"] as const;
const event = (type: string, data: Record<string, unknown> = {}) => ({ seq: 1, at: 0, type, data });

describe("the end of a job", () => {
  it.each(eventTypes.map((type) => [type, ends.includes(type)] as const))("%s: %s", (type, expected) => {
    expect(endsJob(type)).toBe(expected);
  });

  it("is each of the final states of a job", () => {
    expect(eventTypes.filter(endsJob).toSorted()).toEqual(ends.toSorted());
  });
});

describe("an event after which the queue of its target is looked at", () => {
  it.each(ends)("%s, whoever ordered the job", (type) => {
    for (const face of faces) expect(concernsQueue(event(type, { origin: { face } }))).toBe(true);
    expect(concernsQueue(event(type))).toBe(true);
  });

  it.each(faces)("job.queued by %s: only what the gateway itself queued", (face) => {
    expect(concernsQueue(event("job.queued", { origin: { face } }))).toBe(face === "system");
  });

  it.each([
    ["job.queued without an origin", event("job.queued")],
    ["job.queued with an origin that is a text", event("job.queued", { origin: "system" })],
    ["job.queued with an empty origin", event("job.queued", { origin: null })],
    ["another event of the gateway's own job", event("job.started", { origin: { face: "system" } })],
    ["a notification", event("notification.received")],
  ])("not %s", (_, one) => {
    expect(concernsQueue(one)).toBe(false);
  });
});
