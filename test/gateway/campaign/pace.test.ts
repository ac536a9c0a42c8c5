import { describe, expect, it } from "vitest";
import { parseCampaignOrder } from "../../../src/gateway/campaign/order.ts";
import { pace, progressOf } from "../../../src/gateway/campaign/pace.ts";
import type { Campaign, ItemCounts } from "../../../src/gateway/model/campaign.ts";

const order = (more: object = {}) =>
  parseCampaignOrder({
    name: "test",
    targets: { kind: "all" },
    action: { kind: "es5", function: "auditStatus" },
    concurrency: 10,
    ...more,
  });
const campaign = (more: object = {}, state: Partial<Campaign> = {}): Campaign => ({
  id: "cmp_1",
  order: order(more),
  state: "running",
  forgiven: 0,
  createdAt: 0,
  activeMs: 0,
  activeSince: 0,
  ...state,
});
const counts = (given: Partial<ItemCounts>): ItemCounts => ({
  pending: 0,
  running: 0,
  succeeded: 0,
  failed: 0,
  skipped: 0,
  cancelled: 0,
  ...given,
});

describe("the pace of a campaign", () => {
  it.each([
    ["fills up to the limit", {}, { pending: 100, running: 4 }, { start: 6 }],
    ["starts no more than there are", {}, { pending: 3, running: 0 }, { start: 3 }],
    ["waits while all are busy", {}, { pending: 3, running: 10 }, { start: 0 }],
    ["starts the canaries alone", { canary: 3 }, { pending: 100 }, { start: 3 }],
    ["waits for the last canary", { canary: 3 }, { pending: 97, running: 1, succeeded: 2 }, { start: 0 }],
    ["goes on after good canaries", { canary: 3 }, { pending: 97, succeeded: 3 }, { start: 10 }],
    [
      "lets no canary fail unless it is told how many may",
      { canary: 3 },
      { pending: 97, running: 1, succeeded: 1, failed: 1 },
      { start: 0, change: { state: "stopped", reason: "1 of 3 of the canary stage failed" } },
    ],
    ["has no canary stage when all would be in it", { canary: 5 }, { pending: 5 }, { start: 5 }],
    ["is done when nothing is left", {}, { succeeded: 3, failed: 1 }, { start: 0, change: { state: "done" } }],
    ["bears few failures", { stopAtFailureShare: 0.2 }, { pending: 50, succeeded: 8, failed: 2 }, { start: 10 }],
    ["does not judge by one target", { stopAtFailureShare: 0.2 }, { pending: 50, failed: 1 }, { start: 10 }],
    [
      "stops when too many fail",
      { stopAtFailureShare: 0.2 },
      { pending: 50, succeeded: 7, failed: 3 },
      { start: 0, change: { state: "stopped", reason: "3 of 10 of those tried failed" } },
    ],
    [
      "stops as soon as a canary fails when none may",
      { stopAtFailureShare: 0, canary: 5 },
      { pending: 95, running: 4, failed: 1 },
      { start: 0, change: { state: "stopped", reason: "1 of 5 of the canary stage failed" } },
    ],
  ] as const)("%s", (_name, more, given, expected) => {
    expect(pace(campaign(more), counts(given))).toEqual(expected);
  });

  it("starts nothing while it is paused, stopped or cancelled", () => {
    for (const state of ["paused", "stopped", "cancelled"] as const)
      expect(pace(campaign({}, { state }), counts({ pending: 9 }))).toEqual({ start: 0 });
  });

  it("does not stop again over failures that a resume passed over", () => {
    const order = { stopAtFailureShare: 0.1 };
    expect(
      pace(campaign(order, { forgiven: 3 }), counts({ pending: 9, failed: 4, succeeded: 6 })).change,
    ).toBeUndefined();
  });

  it("estimates the time left from the speed so far, pauses not counted", () => {
    const paused = campaign({}, { activeMs: 1000 });
    expect(progressOf(paused, counts({ pending: 30, succeeded: 10 }), 1000)).toMatchObject({
      total: 40,
      ended: 10,
      activeMs: 2000,
      remainingMs: 6000,
    });
  });
});

describe("an order", () => {
  it.each([
    ["nothing", {}, "name"],
    [
      "an unknown function",
      { name: "x", targets: { kind: "all" }, action: { kind: "es5", function: "x" } },
      "action.function",
    ],
    [
      "an empty choice",
      { name: "x", targets: { kind: "all" }, action: { kind: "move", from: {}, to: { mnoId: "b" } } },
      "action.from",
    ],
    [
      "an unknown field",
      { name: "x", targets: { kind: "all" }, action: { kind: "es5", function: "auditEid" }, speed: 1 },
      "speed",
    ],
  ])("with %s is refused and the field named", (_name, raw, field) => {
    expect(() => parseCampaignOrder(raw)).toThrow(
      expect.objectContaining({ code: "campaign.invalid", detail: { field } }),
    );
  });
});
