import { describe, expect, it } from "vitest";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { type Aid, parseAid } from "../../../src/codec/euicc/aid.ts";
import {
  type ProfileSwitch,
  type ProfileSwitchEvent,
  stepProfileSwitch,
} from "../../../src/gateway/model/profile-switch.ts";

const a = parseAid("A0000005591010FFFFFFFF8900001100");
const b = parseAid("A0000005591010FFFFFFFF8900001200");
const accepted: ProfileSwitch = {
  id: "prc_1",
  target: "tgt_1",
  job: "job_1",
  kind: "enable",
  aid: b,
  from: a,
  at: "accepted",
  acceptedAt: 1_000,
  holdUntil: 121_000,
};
const run = (...events: readonly ProfileSwitchEvent[]) => events.reduce(stepProfileSwitch, accepted);
const succeeded = (at: number, isdP?: Aid): ProfileSwitchEvent => ({
  kind: "notified",
  type: 2,
  at,
  ...withoutUndefined({ isdP }),
});
const lapsed = (at: number): ProfileSwitchEvent => ({ kind: "lapsed", at });
const confirmed = (at: number): ProfileSwitchEvent => ({ kind: "confirmed", at });

describe("stepProcedure", () => {
  it("follows a switch from its notification to its confirmation", () => {
    expect(run(succeeded(5_000, b))).toMatchObject({ at: "switched", switchedAt: 5_000 });
    expect(run(succeeded(5_000), confirmed(6_000))).toMatchObject({ at: "confirmed", endedAt: 6_000 });
  });

  it("does not take a confirmation before any notification, or a notification of another profile, for the switch", () => {
    expect(run(confirmed(6_000))).toEqual(accepted);
    expect(run(succeeded(5_000, a))).toEqual(accepted);
    expect(run({ kind: "notified", type: 1, at: 5_000 })).toEqual(accepted);
    expect(stepProfileSwitch({ ...accepted, kind: "disable" }, succeeded(5_000, a))).toMatchObject({ at: "switched" });
    expect(stepProfileSwitch({ ...accepted, kind: "disable" }, succeeded(5_000, b))).toMatchObject({ at: "accepted" });
  });

  it("corrects a lapse by a confirmation that was on its way", () => {
    const now = run(succeeded(5_000, b), lapsed(121_001), confirmed(130_000));
    expect(now).toMatchObject({ at: "confirmed", switchedAt: 5_000, endedAt: 130_000 });
  });

  it("reopens a lapsed switch whose notification arrives late, for as long as it would have waited", () => {
    const now = run(lapsed(121_001), succeeded(200_000, b));
    expect(now).toMatchObject({ at: "switched", switchedAt: 200_000, holdUntil: 320_000 });
    expect(now.endedAt).toBeUndefined();
    expect(stepProfileSwitch(now, confirmed(201_000))).toMatchObject({ at: "confirmed", endedAt: 201_000 });
  });

  it("corrects a lapse by a late report of a roll-back", () => {
    expect(run(lapsed(121_001), { kind: "notified", type: 3, at: 200_000 })).toMatchObject({ at: "rolled-back" });
  });

  it("keeps a confirmed or rolled-back end", () => {
    const done = run(succeeded(5_000, b), confirmed(6_000));
    for (const event of [lapsed(7_000), { kind: "notified", type: 3, at: 8_000 } as const, succeeded(9_000, b)])
      expect(stepProfileSwitch(done, event)).toBe(done);
  });
});
