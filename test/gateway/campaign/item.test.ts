import { describe, expect, it } from "vitest";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import { refuseItem, startItem, stepItem } from "../../../src/gateway/campaign/item.ts";
import type { ItemFacts } from "../../../src/gateway/campaign/item-facts.ts";
import type { CampaignItem, ItemStep } from "../../../src/gateway/model/campaign.ts";
import type { JobFailure } from "../../../src/gateway/model/failure.ts";
import type { ProfileSwitch } from "../../../src/gateway/model/profile-switch.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { isdP, job, profile, target } from "../records.ts";

const { first, second } = isdP;
const now = 1_000;
const script: ItemStep = { name: "script", work: readWork({ kind: "script", tar: isdRTar, apdus: ["80CA005A00"] }) };
const enable: ItemStep = { ...script, name: "enableProfile", switches: { to: second } };
const remove: ItemStep = { ...script, name: "deleteProfile", deletes: second };
const failure = (executed: JobFailure["executed"]): JobFailure => ({
  code: "job.script",
  message: "failed",
  executed,
  detail: {},
});

function running(steps: readonly ItemStep[], more: Partial<CampaignItem> = {}): CampaignItem {
  const pending = {
    campaign: "cmp_c",
    position: 0,
    target: "tgt_1",
    label: "card",
    state: "pending",
    steps: [],
    step: 0,
  } as const;
  return { ...startItem({ ...pending, jobs: [] }, steps, now).item, job: "job_1", jobs: ["job_1"], ...more };
}

function facts(more: Partial<ItemFacts> = {}): ItemFacts {
  return { now, switchTimeoutMs: 500, confirmedElsewhere: false, ...more };
}

const switched = (at: ProfileSwitch["at"], more: Partial<ProfileSwitch> = {}): ProfileSwitch => ({
  id: "prc_1",
  target: "tgt_1",
  job: "job_1",
  kind: "enable",
  aid: second,
  at,
  acceptedAt: now - 10,
  holdUntil: now + 500,
  ...more,
});
const after = target({ esimProfiles: [profile(first), profile(second, { state: "enabled" })] });
const done = job({ state: "done" });
const lost = job({ state: "failed", error: failure("unknown") });
const refused = job({ state: "failed", error: failure(false) });

describe("an item of a campaign", () => {
  it.each<[string, CampaignItem, Partial<ItemFacts>, Partial<CampaignItem>, string]>([
    ["waits for its job", running([script]), { job: job() }, { state: "running", phase: "job" }, "none"],
    ["succeeds with its last step", running([script]), { job: done }, { state: "succeeded", endedAt: now }, "none"],
    [
      "goes on to the next step",
      running([script, remove]),
      { job: done },
      { state: "running", step: 1 },
      "submit-step",
    ],
    ["fails when the card refused", running([script]), { job: refused }, { state: "failed" }, "none"],
    [
      "is cancelled with its job",
      running([script]),
      { job: { ...refused, state: "cancelled" } },
      { state: "cancelled" },
      "none",
    ],
    ["follows the switch of its job", running([enable]), { job: done }, { state: "running", phase: "switch" }, "none"],
    [
      "asks the card when the answer to a switch is lost",
      running([enable]),
      { job: lost },
      { state: "running", phase: "audit" },
      "submit-audit",
    ],
    [
      "asks the card when the answer to a deletion is lost",
      running([remove]),
      { job: lost },
      { state: "running", phase: "audit" },
      "submit-audit",
    ],
    [
      "follows a switch whose answer is lost and that the card reported",
      running([enable]),
      { job: lost, profileSwitch: switched("switched") },
      { state: "running", phase: "switch" },
      "none",
    ],
    ["fails when the answer to a plain script is lost", running([script]), { job: lost }, { state: "failed" }, "none"],
    [
      "succeeds when its switch is confirmed",
      running([enable], { phase: "switch" }),
      { profileSwitch: switched("confirmed"), target: after },
      { state: "succeeded" },
      "none",
    ],
    [
      "fails when its switch was rolled back",
      running([enable], { phase: "switch" }),
      { profileSwitch: switched("rolled-back") },
      { state: "failed" },
      "none",
    ],
    [
      "waits for the notification of its switch",
      running([enable], { phase: "switch", deadline: now + 1 }),
      { profileSwitch: switched("accepted") },
      { state: "running", phase: "switch" },
      "none",
    ],
    [
      "asks the card when no notification comes in time",
      running([enable], { phase: "switch", deadline: now }),
      { profileSwitch: switched("accepted") },
      { state: "running", phase: "audit" },
      "submit-audit",
    ],
    [
      "asks the card when its switch lapsed",
      running([enable], { phase: "switch" }),
      { profileSwitch: switched("lapsed") },
      { state: "running", phase: "audit" },
      "submit-audit",
    ],
    [
      "succeeds unconfirmed where another party confirms",
      running([enable], { phase: "switch", deadline: now }),
      { profileSwitch: switched("switched"), confirmedElsewhere: true, target: after },
      { state: "succeeded" },
      "none",
    ],
  ])("%s", (_, item, given, expected, effect) => {
    const outcome = stepItem(item, facts(given));
    expect(outcome.item).toMatchObject(expected);
    expect(outcome.effect).toBe(effect);
  });

  it("stays as it is once it has ended", () => {
    const ended = { ...running([script]), state: "succeeded" } as const;
    expect(stepItem(ended, facts({ job: refused }))).toEqual({ item: ended, effect: "none" });
  });

  it("says what the card did when it ends", () => {
    expect(stepItem(running([script]), facts({ job: refused })).item.card).toMatchObject({ executed: false });
    expect(stepItem(running([script]), facts({ job: done })).item.card).toMatchObject({ executed: true });
    expect(refuseItem(running([script]), failure(false), now)).toMatchObject({
      state: "failed",
      card: { executed: false },
    });
  });
});
