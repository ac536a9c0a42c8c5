import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { parseAid, parseTar } from "../../../src/codec/euicc/aid.ts";
import { parseIccid } from "../../../src/codec/euicc/iccid.ts";
import { planFor } from "../../../src/gateway/campaign/plan.ts";
import type { CampaignAction, ProfileChoice } from "../../../src/gateway/model/campaign.ts";
import type { EsimProfile } from "../../../src/gateway/model/target.ts";
import { isdP, profile, target } from "../records.ts";

const third = parseAid("A0000005591010FFFFFFFF8900001300");
const old = profile(isdP.first, { iccid: parseIccid("89010000000000000018"), mnoId: "1.2.3", state: "enabled" });
const next = profile(isdP.second, { iccid: parseIccid("89440000000000000017"), mnoId: "4.5.6" });
const spare = profile(third, { iccid: parseIccid("89010000000000000026"), mnoId: "1.2.3" });
const on = (one: EsimProfile): EsimProfile => ({ ...one, state: "enabled" });
const off = (one: EsimProfile): EsimProfile => ({ ...one, state: "disabled" });

/** The plan in short: the functions with their ISD-P, or the reason for none. */
function planned(action: CampaignAction, ...esimProfiles: readonly EsimProfile[]): readonly string[] {
  const plan = planFor(action, target({ esimProfiles }));
  if (plan.kind === "skip") return ["skip", plan.note];
  if (plan.kind === "fail") return [plan.error.code, plan.error.message];
  return plan.steps.map(({ name, work }) => `${name} ${(work.kind === "es5" && work.params.aid) || "-"}`);
}

const call = (name: string, choice?: ProfileChoice): CampaignAction => ({
  kind: "es5",
  function: name,
  ...(choice && { profile: choice }),
});
const by01 = { iccidPrefix: "8901" };
const by44 = { iccidPrefix: "8944" };

describe("the plan of a function on one profile", () => {
  it.each<[string, CampaignAction, readonly EsimProfile[], readonly string[]]>([
    ["no profile is chosen for it", call("auditStatus"), [], ["auditStatus -"]],
    ["chosen by ICCID", call("enableProfile", by44), [old, next], [`enableProfile ${isdP.second}`]],
    ["chosen by MNO", call("enableProfile", { mnoId: "4.5.6" }), [old, next], [`enableProfile ${isdP.second}`]],
    ["chosen by AID", call("deleteProfile", { aid: third }), [old, spare], [`deleteProfile ${third}`]],
    [
      "all that is given must fit",
      call("enableProfile", { ...by01, mnoId: "4.5.6" }),
      [old, next],
      ["campaign.no-profile", "the EIS has no profile with ICCID 8901…, MNO 4.5.6"],
    ],
    [
      "a profile without an ICCID matches no prefix",
      call("enableProfile", by44),
      [profile(isdP.second)],
      ["campaign.no-profile", "the EIS has no profile with ICCID 8944…"],
    ],
    [
      "two profiles fit",
      call("enableProfile", by01),
      [old, spare],
      ["campaign.no-profile", "the EIS has 2 profiles with ICCID 8901…"],
    ],
    ["what is deleted may be absent", call("deleteProfile", by44), [old], ["skip", "there is no such profile"]],
    ["it is enabled", call("enableProfile", by01), [old], ["skip", `${old.iccid} is already enabled`]],
    ["it is not enabled", call("disableProfile", by44), [next], ["skip", `${next.iccid} is not enabled`]],
    [
      "it was only created",
      call("disableProfile", by44),
      [{ ...next, state: "created" }],
      ["skip", `${next.iccid} is not enabled`],
    ],
    ["it is disabled at last", call("disableProfile", by01), [old], [`disableProfile ${isdP.first}`]],
    [
      "it has the fall-back attribute",
      call("setFallbackAttribute", by01),
      [{ ...old, fallback: true }],
      ["skip", `${old.iccid} already has the fall-back attribute`],
    ],
    [
      "it gets the fall-back attribute",
      call("setFallbackAttribute", by01),
      [old],
      [`setFallbackAttribute ${isdP.first}`],
    ],
    [
      "a profile without an ICCID is shown by AID",
      call("enableProfile", { aid: third }),
      [on(profile(third))],
      ["skip", `${third} is already enabled`],
    ],
  ])("%s", (_, action, profiles, plan) => {
    expect(planned(action, ...profiles)).toEqual(plan);
  });

  it("keeps the order's parameters beside the chosen profile", () => {
    const action: CampaignAction = { kind: "es5", function: "updatePol1", profile: by44, params: { pol1: "01" } };
    expect(planFor(action, target({ esimProfiles: [next] }))).toMatchObject({
      steps: [{ work: { kind: "es5", function: "updatePol1", params: { pol1: "01", aid: isdP.second } } }],
    });
  });
});

describe("the plan of a move", () => {
  const move = (what: "keep" | "delete", from: ProfileChoice = by01): CampaignAction => ({
    kind: "move",
    from,
    to: by44,
    old: what,
  });
  it.each<[string, CampaignAction, readonly EsimProfile[], readonly string[]]>([
    ["keep: the new profile is enabled", move("keep"), [old, next], [`enableProfile ${isdP.second}`]],
    [
      "delete: the old one is deleted after the switch",
      move("delete"),
      [old, next],
      [`enableProfile ${isdP.second}`, `deleteProfile ${isdP.first}`],
    ],
    [
      "delete: every old one, in the order of the EIS",
      move("delete"),
      [spare, next, old],
      [`enableProfile ${isdP.second}`, `deleteProfile ${third}`, `deleteProfile ${isdP.first}`],
    ],
    ["moved before: only the deletion is left", move("delete"), [off(old), on(next)], [`deleteProfile ${isdP.first}`]],
    ["moved before, kept", move("keep"), [off(old), on(next)], ["skip", `${next.iccid} is already enabled`]],
    ["moved and deleted before", move("delete"), [on(next)], ["skip", `${next.iccid} is already enabled`]],
    [
      "the new profile itself fits the choice of the old ones",
      move("delete", {}),
      [old, next],
      [`enableProfile ${isdP.second}`, `deleteProfile ${isdP.first}`],
    ],
    [
      "a third operator's profile is enabled",
      move("delete"),
      [off(old), next, on(profile(third, { iccid: parseIccid("89330000000000000019") }))],
      ["skip", "89330000000000000019 is enabled and not part of the move"],
    ],
    ["the EIS has no enabled profile", move("keep"), [off(old), next], ["skip", "the enabled profile is unknown"]],
    ["no new profile", move("keep"), [old], ["campaign.no-profile", "the EIS has no profile with ICCID 8944…"]],
    [
      "two new profiles",
      move("keep"),
      [old, next, { ...spare, iccid: parseIccid("89440000000000000025") }],
      ["campaign.no-profile", "the EIS has 2 profiles with ICCID 8944…"],
    ],
  ])("%s", (_, action, profiles, plan) => {
    expect(planned(action, ...profiles)).toEqual(plan);
  });
});

describe("a planned step", () => {
  const both = target({ esimProfiles: [old, next] });
  it.each<[string, CampaignAction, unknown]>([
    ["a switch must end with its profile", call("enableProfile", by44), { switches: { to: isdP.second } }],
    ["a disable leaves the next profile open", call("disableProfile", by01), { switches: {} }],
    [
      "a deletion of what is gone counts as done (6A88, SGP.02 §4.1.1.3)",
      call("deleteProfile", by44),
      { deletes: isdP.second, tolerate: ["6A88"] },
    ],
    [
      "a script has neither",
      { kind: "script", tar: parseTar("B00010"), apdus: [fromHex("00A40004023F00")] },
      { name: "script", work: { kind: "script", tar: parseTar("B00010"), apdus: [fromHex("00A40004023F00")] } },
    ],
    [
      "a profile of the parameters, in lower case",
      { kind: "es5", function: "enableProfile", params: { isdP: isdP.second.toLowerCase() } },
      { switches: { to: isdP.second } },
    ],
  ])("%s", (_, action, step) => {
    const plan = planFor(action, both);
    expect(plan.kind === "steps" && plan.steps).toEqual([expect.objectContaining(step)]);
  });

  it("follows no switch where the function is not one", () => {
    const plan = planFor(call("deleteProfile", by44), both);
    expect(plan.kind === "steps" && plan.steps[0]).not.toHaveProperty("switches");
  });

  it("nothing was executed on a card whose plan fails", () => {
    const plan = planFor(call("enableProfile", { mnoId: "9" }), both);
    expect(plan).toMatchObject({ kind: "fail", error: { executed: false, detail: { choice: { mnoId: "9" } } } });
  });
});
