import { describe, expect, it } from "vitest";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import { checkPolicy, deletesItself } from "../../../src/gateway/eis/policy.ts";
import type { JobWork } from "../../../src/gateway/model/job.ts";
import type { EsimProfile } from "../../../src/gateway/model/target.ts";
import { resolveWork } from "../../../src/gateway/scripts/resolve-work.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { isdP, profile, target } from "../records.ts";

const { first, second } = isdP;
type Rule = NonNullable<EsimProfile["pol2"]>[number];
const rule = (
  action: Rule["action"],
  qualification: Rule["qualification"] = "Not-Allowed",
): NonNullable<EsimProfile["pol2"]> => [{ action, qualification }];
const eis = (of: Partial<EsimProfile> = {}, other: Partial<EsimProfile> = {}) =>
  target({
    esimProfiles: [profile(first, { state: "enabled", fallback: true, ...of }), profile(second, other)],
  });
const ordered = (name: string, aid: string): JobWork =>
  resolveWork({ kind: "es5", function: name, params: { aid } }, eis());

describe("POL2", () => {
  it.each([
    ["refuses the enabling of a profile", "enableProfile", second, eis({}, { pol2: rule("ENABLE") }), second],
    ["refuses the disabling that an enabling brings", "enableProfile", second, eis({ pol2: rule("DISABLE") }), first],
    ["refuses a disabling", "disableProfile", first, eis({ pol2: rule("DISABLE") }), first],
    ["refuses a deletion", "deleteProfile", second, eis({}, { pol2: rule("DELETE") }), second],
    ["lets another action pass", "deleteProfile", second, eis({}, { pol2: rule("DISABLE") }), undefined],
    ["lets another profile's rule pass", "deleteProfile", second, eis({ pol2: rule("DELETE") }), undefined],
    ["lets Auto-Delete pass", "disableProfile", first, eis({ pol2: rule("DISABLE", "Auto-Delete") }), undefined],
    [
      "lets the enabling of the enabled profile pass",
      "enableProfile",
      first,
      eis({ pol2: rule("DISABLE") }),
      undefined,
    ],
  ])("%s", (_, name, aid, of, refusedBy) => {
    const { refusal } = checkPolicy(of, ordered(name, aid));
    expect(refusal?.detail.aid).toBe(refusedBy);
    if (refusedBy !== undefined) expect(refusal?.code).toBe("target.policy");
  });

  it("says nothing of scripts that cannot be read", () => {
    const of = eis({ pol2: rule("DISABLE") });
    expect(checkPolicy(of, readWork({ kind: "body", tar: isdRTar, body: "FFFF" }))).toEqual({ warnings: [] });
    expect(checkPolicy(of, readWork({ kind: "packet", userData: ["00"], protocolId: 0, dataCoding: 0 }))).toEqual({
      warnings: [],
    });
  });

  it("deletes a profile by itself only with Auto-Delete", () => {
    expect(deletesItself(profile(first, { pol2: rule("DISABLE", "Auto-Delete") }))).toBe(true);
    expect(deletesItself(profile(first, { pol2: rule("DISABLE") }))).toBe(false);
    expect(deletesItself(profile(first))).toBe(false);
  });
});

describe("what the EIS warns of", () => {
  it.each([
    ["nothing", "enableProfile", second, eis(), []],
    ["an ISD-P that the EIS does not have", "deleteProfile", `${first.slice(0, 28)}9900`, eis(), [/EIS/]],
    ["an enabling of the enabled profile", "enableProfile", first, eis(), [/is enabled in the EIS/]],
    ["POL1 against the disabling", "enableProfile", second, eis({ pol1: 1 }), [/POL1 .* forbids its disabling/]],
    ["POL1 against the deletion", "deleteProfile", second, eis({}, { pol1: 2 }), [/POL1 .* forbids its deletion/]],
    ["a disabling of the fall-back profile", "disableProfile", first, eis(), [/has the fall-back attribute/]],
  ])("is %s", (_, name, aid, of, expected) => {
    const apdus = ordered(name, aid);
    const { warnings } = checkPolicy(of, apdus);
    expect(warnings).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(warnings[index]).toMatch(pattern);
  });

  it("is nothing for a target without an EIS", () =>
    expect(checkPolicy(target(), ordered("enableProfile", second)).warnings).toEqual([]));
});
