import { describe, expect, it } from "vitest";
import { afterAttempt, retryAfterMs } from "../../../src/gateway/upstream/delivery.ts";
import { eventsMatching } from "../../../src/gateway/upstream/event-filter.ts";

const policy = { firstRetryMs: 1000, maxRetryMs: 60_000, maxAttempts: 5 };
const half = () => 0;

describe("what follows from an attempt", () => {
  it("takes 2xx for delivered", () => {
    for (const status of [200, 201, 202, 204])
      expect(afterAttempt(3, 0, { kind: "answer", status }, policy, half)).toEqual({ do: "delivered" });
  });

  it("never counts times without an answer, and waits longer with each", () => {
    const down = { kind: "down", why: "ECONNREFUSED" } as const;
    expect(afterAttempt(4, 0, down, policy, half)).toMatchObject({
      do: "retry",
      attempts: 4,
      down: true,
      afterMs: 500,
    });
    expect(afterAttempt(4, 3, down, policy, half)).toMatchObject({ afterMs: 4000 });
    expect(afterAttempt(4, 99, down, policy, () => 0.999)).toMatchObject({ afterMs: 59_970 });
    expect(afterAttempt(4, 0, { kind: "answer", status: 503 }, policy, half)).toMatchObject({
      attempts: 4,
      down: true,
    });
  });

  it("does as Retry-After says, within reason", () => {
    const asked = (retryAfter: string) =>
      afterAttempt(0, 0, { kind: "answer", status: 429, retryAfterMs: retryAfterMs(retryAfter) ?? 0 }, policy, half);
    expect(asked("30")).toMatchObject({ do: "retry", afterMs: 30_000 });
    expect(asked("999999")).toMatchObject({ afterMs: 3_600_000 });
    expect(retryAfterMs("Wed, 21 Oct 2026 07:28:00 GMT")).toBeUndefined();
  });

  it("gives up what the upstream will never take, and what it refused often enough", () => {
    for (const status of [400, 409, 410, 413, 415, 422])
      expect(afterAttempt(0, 0, { kind: "answer", status }, policy, half)).toMatchObject({ do: "bury", attempts: 1 });
    for (const status of [401, 403, 404, 500, 501])
      expect(afterAttempt(0, 0, { kind: "answer", status }, policy, half)).toMatchObject({ do: "retry", down: false });
    expect(afterAttempt(4, 0, { kind: "answer", status: 500 }, policy, half)).toMatchObject({
      do: "bury",
      attempts: 5,
    });
  });
});

it("matches event types by name and by beginning", () => {
  const wanted = eventsMatching(["job.*", "notification.received"]);
  expect(["job.done", "notification.received", "notification.confirmed", "jobs"].map(wanted)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(eventsMatching(["*"])("anything.at-all")).toBe(true);
  expect(eventsMatching(["procedure.*"])("switch.confirmed")).toBe(true);
  expect(eventsMatching(["procedure.lapsed"])("switch.confirmed")).toBe(false);
});
