import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import type { ClassifiedCommand } from "../../codec/euicc/es5/classify.ts";
import { classifyCommand, mayChange } from "../../codec/euicc/es5/classify.ts";
import type { JobWork } from "../model/job.ts";
import { type EsimProfile, enabledProfile, type Target } from "../model/target.ts";
import { scriptCommandsWith } from "../scripts/script-body.ts";

type Action = "ENABLE" | "DISABLE" | "DELETE";

/** POL1 as the EIS contains it. SGP.02 §3.6 */
const pol1Bits = { disablingNotAllowed: 0x01, deletionNotAllowed: 0x02 } as const;

/** The result of checking a script against the EIS before it is sent. */
interface PolicyFinding {
  /** A POL2 rule that forbids it. */
  readonly refusal?: GatewayError;
  /** Warnings: what the card will probably refuse. The card decides. */
  readonly warnings: readonly string[];
}

/**
 * Checks a script against POL2 of the profiles it affects, and against their states in the EIS. The SM-SR enforces
 * POL2; POL1 and states are enforced by the card, so they only give warnings. SGP.02 §3.2 to §3.5, §3.6.3
 */
export function checkPolicy(target: Target, work: JobWork): PolicyFinding {
  const warnings: string[] = [];
  // No rule and no state without a profile.
  if (target.esimProfiles.length === 0) return { warnings };
  let refusal: GatewayError | undefined;
  for (const apdu of scriptCommandsWith(work, mayChange)) {
    const fn = classifyCommand(apdu).function;
    refusal ??= refusalOf(target, fn);
    warnings.push(...warningsOf(target, fn));
  }
  return { ...withoutUndefined({ refusal }), warnings };
}

function refusalOf(target: Target, fn: ClassifiedCommand["function"]): GatewayError | undefined {
  for (const [profile, action] of touched(target, fn)) {
    const rule = profile.pol2?.find((one) => one.action === action && one.qualification === "Not-Allowed");
    if (rule === undefined) continue;
    const text = `POL2 of profile ${profileName(profile)}: ${action} Not-Allowed`;
    return new GatewayError("target.policy", `${fn.name} is refused by ${text}`, {
      detail: {
        function: fn.name,
        rule: { subject: "PROFILE", action, qualification: "Not-Allowed" },
        aid: profile.aid,
        ...withoutUndefined({ iccid: profile.iccid }),
      },
    });
  }
  return undefined;
}

/**
 * The profiles whose rules a function is subject to, with the action of the rule. A master delete is subject to none.
 * SGP.02 §3.10
 */
function touched(target: Target, fn: ClassifiedCommand["function"]): (readonly [EsimProfile, Action])[] {
  if (!("isdP" in fn) || fn.isdP === undefined) return [];
  const named = target.esimProfiles.find((profile) => profile.aid === fn.isdP);
  const enabled = enabledProfile(target);
  const as = (action: Action) => (named === undefined ? [] : [[named, action] as const]);
  switch (fn.name) {
    case "enableProfile":
      return [
        ...as("ENABLE"),
        ...(enabled === undefined || enabled.aid === fn.isdP ? [] : [[enabled, "DISABLE"] as const]),
      ];
    case "disableProfile":
      return as("DISABLE");
    case "deleteProfile":
      return as("DELETE");
    default:
      return [];
  }
}

function warningsOf(target: Target, fn: ClassifiedCommand["function"]): string[] {
  if (!("isdP" in fn) || fn.isdP === undefined || fn.name === "createISDP" || fn.name === "auditStatus") return [];
  if (target.esimProfiles.length === 0) return [];
  const profile = target.esimProfiles.find((one) => one.aid === fn.isdP);
  if (profile === undefined) return [`${fn.name}: the EIS contains no ISD-P ${fn.isdP}`];
  const name = profileName(profile);
  const enabled = enabledProfile(target);
  switch (fn.name) {
    case "enableProfile":
      return [
        ...(profile.state === "disabled" ? [] : [`enableProfile: ${name} is ${profile.state} in the EIS`]),
        ...(enabled === undefined || enabled === profile ? [] : pol1Warning(enabled, "disablingNotAllowed", fn.name)),
      ];
    case "disableProfile":
      return [
        ...(profile.state === "enabled" ? [] : [`disableProfile: ${name} is ${profile.state} in the EIS`]),
        ...(profile.fallback ? [`disableProfile: ${name} has the fall-back attribute`] : []),
        ...(target.esimProfiles.some((one) => one.fallback)
          ? []
          : ["disableProfile: no profile has the fall-back attribute"]),
        ...pol1Warning(profile, "disablingNotAllowed", fn.name),
      ];
    case "deleteProfile":
    case "masterDelete":
      return [
        ...(profile.state === "enabled" ? [`${fn.name}: ${name} is enabled in the EIS`] : []),
        ...(profile.fallback ? [`${fn.name}: ${name} has the fall-back attribute`] : []),
        ...(fn.name === "deleteProfile" ? pol1Warning(profile, "deletionNotAllowed", fn.name) : []),
      ];
    default:
      return [];
  }
}

function pol1Warning(profile: EsimProfile, rule: keyof typeof pol1Bits, name: string): string[] {
  if (((profile.pol1 ?? 0) & pol1Bits[rule]) === 0) return [];
  const text = rule === "disablingNotAllowed" ? "its disabling" : "its deletion";
  return [`${name}: POL1 of ${profileName(profile)} forbids ${text}`];
}

/** Whether POL2 requires the profile to be deleted once it is disabled. SGP.02 §3.6.3 */
export function deletesItself(profile: EsimProfile): boolean {
  return profile.pol2?.some((rule) => rule.qualification === "Auto-Delete") ?? false;
}

/** A profile for display. */
export function profileName(profile: EsimProfile): string {
  return profile.iccid ?? profile.aid;
}
