import { withoutUndefined } from "../../base/defined.ts";
import { type Aid, isIsdPAid } from "../../codec/euicc/aid.ts";
import type { AuditedDomain, CardResources } from "../../codec/euicc/es5/answer.ts";
import type { Target } from "../model/target.ts";
import { eisState } from "../targets/eis.ts";

/** One difference between the EIS and the card; a value is absent if its side does not have it. */
export interface AuditDifference {
  /** The ISD-P concerned; absent for the card as a whole. */
  readonly aid?: Aid;
  readonly iccid?: string;
  readonly what: "profile" | "state" | "fallback" | "freeMemory" | "remainingMemory";
  readonly eis?: string | number | boolean;
  readonly card?: string | number | boolean;
}

/**
 * Differences between the ISD-Ps that the card reports and the EIS.
 * @param complete the answer lists all ISD-Ps, so one that is not in it is not on the card
 */
export function profileDifferences(
  target: Target,
  audited: readonly AuditedDomain[],
  complete: boolean,
): AuditDifference[] {
  const found: AuditDifference[] = [];
  for (const profile of target.esimProfiles) {
    const about = { aid: profile.aid, ...withoutUndefined({ iccid: profile.iccid }) };
    const seen = audited.find((one) => one.aid === profile.aid);
    if (seen === undefined) {
      if (complete) found.push({ ...about, what: "profile", eis: profile.state });
      continue;
    }
    const state = eisState(seen);
    if (state !== undefined && state !== profile.state)
      found.push({ ...about, what: "state", eis: profile.state, card: state });
    if (seen.fallback !== undefined && seen.fallback !== profile.fallback)
      found.push({ ...about, what: "fallback", eis: profile.fallback, card: seen.fallback });
    if (
      profile.freeMemory !== undefined &&
      seen.remainingMemory !== undefined &&
      profile.freeMemory !== seen.remainingMemory
    )
      found.push({ ...about, what: "freeMemory", eis: profile.freeMemory, card: seen.remainingMemory });
  }
  for (const one of audited) {
    if (one.aid === undefined || !isIsdPAid(one.aid)) continue;
    if (target.esimProfiles.some((profile) => profile.aid === one.aid)) continue;
    found.push({ aid: one.aid, what: "profile", card: eisState(one) ?? "present" });
  }
  return found;
}

/** Differences between the memory that the card reports and the imported EIS. */
export function resourceDifferences(target: Target, resources: CardResources): AuditDifference[] {
  const { eis } = target;
  const known = typeof eis === "object" && eis !== null && "remainingMemory" in eis ? eis.remainingMemory : undefined;
  const { freeNonVolatile } = resources;
  if (typeof known !== "number" || freeNonVolatile === undefined || known === freeNonVolatile) return [];
  return [{ what: "remainingMemory", eis: known, card: freeNonVolatile }];
}
