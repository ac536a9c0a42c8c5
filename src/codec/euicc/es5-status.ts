import type { Es5Name } from "./es5.ts";
import type { ClassifiedCommand } from "./es5-classify.ts";

const general: Readonly<Record<number, string>> = {
  36864: "done",
  25360: "more data: repeat for the next match",
  25985: "memory failure",
  26368: "wrong length",
  27010: "security status not satisfied",
  27013: "conditions of use not satisfied",
  27105: "POL1 of the profile refuses",
  27264: "incorrect data",
  27266: "application not found",
  27268: "not enough memory",
  27270: "incorrect P1 P2",
  27272: "referenced data not found",
  27904: "instruction not supported, or the script was framed wrongly",
  28160: "class not supported, or the script was framed wrongly",
  38020: "algorithm not supported",
  38021: "wrong key check value",
};

const createIsdp = {
  27013: "an ISD-P with this AID exists already, or the conditions of use are not met",
  27268: "not enough memory for the ISD-P",
};
const handover = { 27272: "a key range that should be kept does not exist" };

const byFunction: { readonly [N in Es5Name]?: Readonly<Record<number, string>> } = {
  createISDP: createIsdp,
  enableProfile: {
    36864: "accepted: the card switches after its answer is out",
    27013: "the profile is not in state Disabled",
    27105: "POL1 of the enabled profile forbids its disabling",
    27272: "no such ISD-P",
  },
  disableProfile: {
    36864: "accepted: the card switches to the fall-back profile after its answer is out",
    27013: "the profile is not Enabled, or has the fall-back attribute",
    27105: "POL1 of the profile forbids its disabling",
    27272: "no such ISD-P",
  },
  setFallbackAttribute: {
    27013: "the profile may not take the fall-back attribute",
    27272: "no such ISD-P",
  },
  setEmergencyProfileAttribute: {
    27013: "the profile may not take the emergency attribute",
    27272: "no such ISD-P",
  },
  deleteProfile: {
    27013: "the profile is Enabled, or has the fall-back attribute",
    27105: "POL1 of the profile forbids its deletion",
    27272: "no such ISD-P",
  },
  masterDelete: {
    27010: "the token does not verify",
    27013: "the profile is not Disabled, has the fall-back attribute, or the token does not verify",
    27272: "no such ISD-P",
  },
  auditStatus: { 27272: "no security domain matches" },
  establishISDRKeySet: {
    27010: "certificate, ephemeral key or signature refused",
    27013: "no certificate was accepted before",
    27264: "the certificate's role does not fit, or malformed data",
  },
  finaliseISDRhandover: handover,
  confirmNotification: {
    27264: "nothing pending with this sequence number",
    27272: "nothing pending with this sequence number",
  },
};

/** What a status word says as the answer of a function; undefined when nothing specific is known. */
export function es5StatusText(name: Es5Name | undefined, sw: number): string | undefined {
  const specific = name === undefined ? undefined : byFunction[name]?.[sw];
  if (specific !== undefined) return specific;
  if (general[sw] !== undefined) return general[sw];
  if (sw >> 8 === 0x91) return "done; a proactive command waits";
  return sw >> 8 === 0x61 ? "done; data wait" : undefined;
}

const es5Functions: Readonly<Record<Es5Name, true>> = {
  createISDP: true,
  enableProfile: true,
  disableProfile: true,
  setFallbackAttribute: true,
  setEmergencyProfileAttribute: true,
  unsetEmergencyProfileAttribute: true,
  deleteProfile: true,
  masterDelete: true,
  auditStatus: true,
  auditResources: true,
  auditEid: true,
  auditKeys: true,
  auditCounter: true,
  auditForwarded: true,
  establishISDRKeySet: true,
  finaliseISDRhandover: true,
  updateSMSRAddressingParameters: true,
  updateConnectivityParameters: true,
  updatePOL1: true,
  confirmNotification: true,
  installForPersonalization: true,
};

function isEs5Name(name: string): name is Es5Name {
  return Object.hasOwn(es5Functions, name);
}

/** What a status word says as the answer of a classified command; undefined for one that is no ES5 function. */
export function commandStatusText({ name }: ClassifiedCommand["function"], sw: number): string | undefined {
  return isEs5Name(name) ? es5StatusText(name, sw) : undefined;
}
