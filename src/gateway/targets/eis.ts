import { withoutUndefined } from "../../base/defined.ts";
import { ConnectivityParameters, type Pol1, SmsrAddressing } from "../../codec/euicc/addressing.ts";
import type { Aid } from "../../codec/euicc/aid.ts";
import { isIsdPAid } from "../../codec/euicc/aid.ts";
import type { AuditedDomain, Es5Answer } from "../../codec/euicc/es5/answer.ts";
import type { ClassifiedCommand } from "../../codec/euicc/es5/classify.ts";
import type { Iccid } from "../../codec/euicc/iccid.ts";
import { readSmsrTemplates, type Templates, templatesIn } from "../../codec/euicc/templates.ts";
import { encode } from "../../codec/kit/codec.ts";
import { type EsimProfile, enabledProfile, type Target } from "../model/target.ts";

/** The EIS after a notification of a switch: `aid` is the profile that is enabled now. */
export function withEnabled(target: Target, aid: Aid): Target {
  if (!target.esimProfiles.some((profile) => profile.aid === aid)) {
    return withProfiles(target, [...withoutEnabled(target.esimProfiles), { aid, state: "enabled", fallback: false }]);
  }
  if (target.esimProfiles.every((profile) => (profile.aid === aid) === (profile.state === "enabled"))) return target;
  return withProfiles(
    target,
    withoutEnabled(target.esimProfiles).map((profile) =>
      profile.aid === aid ? { ...profile, state: "enabled" } : profile,
    ),
  );
}

/** The EIS without these ISD-Ps. */
export function withoutProfiles(target: Target, aids: readonly string[]): Target {
  const left = target.esimProfiles.filter((profile) => !aids.includes(profile.aid));
  return left.length === target.esimProfiles.length ? target : withProfiles(target, left);
}

/**
 * Updates the EIS after a command that the card executed. A switch changes nothing here: the EIS is updated once the
 * card has reported it.
 */
export function applyCommand(
  target: Target,
  fn: ClassifiedCommand["function"],
  answer: Es5Answer | undefined,
  facts: { readonly iccid?: Iccid },
): Target {
  switch (fn.name) {
    case "createISDP":
      if (target.esimProfiles.some((profile) => profile.aid === fn.isdP)) return target;
      return withProfiles(target, [
        ...target.esimProfiles,
        {
          aid: fn.isdP,
          state: "created",
          fallback: false,
          ...facts,
          ...withoutUndefined({ allocatedMemory: fn.quota }),
        },
      ]);
    case "deleteProfile":
    case "masterDelete":
      return withoutProfiles(target, [fn.isdP]);
    case "setFallbackAttribute":
      return withProfiles(
        target,
        target.esimProfiles.map((profile) => ({ ...profile, fallback: profile.aid === fn.isdP })),
      );
    case "confirmNotification":
      return answer?.kind === "confirmed" ? withoutProfiles(target, answer.deleted) : target;
    case "updateSMSRAddressingParameters":
      return {
        ...target,
        addressing: { ...addressingOf(target), ...templatesIn(encode(SmsrAddressing, fn.addressing)) },
      };
    case "updateConnectivityParameters": {
      const connectivity = templatesIn(encode(ConnectivityParameters, fn.connectivity));
      return withProfiles(
        target,
        target.esimProfiles.map((profile) =>
          profile.state === "enabled"
            ? { ...profile, connectivity: { ...profile.connectivity, ...connectivity } }
            : profile,
        ),
      );
    }
    case "updatePOL1":
      return withPol1(target, fn.pol1);
    case "auditStatus":
      return answer?.kind === "domains" ? withAudit(target, answer.domains) : target;
    default:
      return target;
  }
}

/** POL1 of the enabled profile, which is the one that its operator can reach. */
function withPol1(target: Target, rules: Pol1): Target {
  const { disablingNotAllowed, deletionNotAllowed, deleteWhenDisabled } = rules;
  const pol1 = (disablingNotAllowed ? 1 : 0) | (deletionNotAllowed ? 2 : 0) | (deleteWhenDisabled ? 4 : 0);
  return withProfiles(
    target,
    target.esimProfiles.map((profile) => (profile.state === "enabled" ? { ...profile, pol1 } : profile)),
  );
}

/** SM-SR addressing parameters: those that were set last, otherwise those of the imported EIS. */
export function addressingOf({ addressing, eis }: Target): Templates {
  if (addressing !== undefined) return addressing;
  return typeof eis === "object" && eis !== null && "smsr" in eis ? readSmsrTemplates(eis.smsr) : {};
}

const states: Readonly<Record<string, EsimProfile["state"]>> = {
  SELECTABLE: "created",
  PERSONALIZED: "created",
  DISABLED: "disabled",
  ENABLED: "enabled",
};

/** The EIS state for an audited state; undefined if the EIS has no equivalent. */
export function eisState(audited: AuditedDomain): EsimProfile["state"] | undefined {
  return states[audited.state ?? ""];
}

/** The EIS corrected by what the card itself reports about its ISD-Ps; the rest stays. */
export function withAudit(target: Target, audited: readonly AuditedDomain[]): Target {
  let changed = false;
  const profiles = target.esimProfiles.map((profile): EsimProfile => {
    const seen = audited.find((one) => one.aid === profile.aid);
    if (seen === undefined) return profile;
    const state = states[seen.state ?? ""] ?? profile.state;
    const fallback = seen.fallback ?? profile.fallback;
    const freeMemory = seen.remainingMemory ?? profile.freeMemory;
    if (state === profile.state && fallback === profile.fallback && freeMemory === profile.freeMemory) return profile;
    changed = true;
    return { ...profile, state, fallback, ...withoutUndefined({ freeMemory }) };
  });
  const added = audited.flatMap((one): EsimProfile[] => {
    const { aid } = one;
    if (aid === undefined || !isIsdPAid(aid) || target.esimProfiles.some((profile) => profile.aid === aid)) return [];
    return [{ aid, state: states[one.state ?? ""] ?? "created", fallback: one.fallback ?? false }];
  });
  if (!changed && added.length === 0) return target;
  const corrected = withProfiles(target, [...profiles, ...added]);
  // An audit that reports the enabled profile for the first time is not a switch: a known number stays.
  const first = target.msisdn !== undefined && enabledProfile(target) === undefined;
  return first ? { ...corrected, msisdn: target.msisdn } : corrected;
}

/**
 * The target with these profiles. If a different one is enabled now, the target has that profile's number, if it is
 * known.
 */
function withProfiles(target: Target, esimProfiles: readonly EsimProfile[]): Target {
  const enabled = esimProfiles.find((profile) => profile.state === "enabled");
  const msisdn = enabled?.msisdn?.replace(/^\+/, "");
  const switched = enabled?.aid !== enabledProfile(target)?.aid;
  return { ...target, esimProfiles, ...(msisdn === undefined || !switched ? {} : { msisdn }) };
}

/**
 * The target under a number that was set by hand: it is stored with the enabled profile, so that it is found again
 * after switching away and back.
 */
export function withNumber(target: Target, msisdn: string): Target {
  const enabled = enabledProfile(target);
  const esimProfiles = target.esimProfiles.map((profile) => (profile === enabled ? { ...profile, msisdn } : profile));
  return { ...target, msisdn, esimProfiles };
}

function withoutEnabled(profiles: readonly EsimProfile[]): EsimProfile[] {
  return profiles.map((profile) => (profile.state === "enabled" ? { ...profile, state: "disabled" } : profile));
}
