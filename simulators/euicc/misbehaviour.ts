import { GatewayError } from "../../src/base/gateway-error.ts";

/** Faults a simulated card can show, switched on at any time. Absent = it behaves. */
export interface Misbehaviour {
  /** No answer to any command until it is taken back or the card is reset. */
  mute?: boolean;
  /** Mute after so many more commands. */
  muteAfter?: number;
  /** The answer to reset is cut short. */
  wrongAtr?: boolean;
  /** Milliseconds before each answer. */
  delay?: number;
  /** Probability (0 to 1) that a command is answered by an error status word instead of being run. */
  randomSw?: number;
  /** 9300 to so many more ENVELOPEs. */
  busy?: number;
  /** The PoR's CC is wrong. */
  porMac?: boolean;
  /** The PoR carries another counter than the command. */
  porCounter?: boolean;
  /** No PoR, whatever the command asked for. */
  dropPor?: boolean;
  /** The PoR comes twice (a second time by SMS-SUBMIT). */
  duplicatePor?: boolean;
  /** A newly enabled profile does not get service, whatever the terminal reports. */
  refuseAttach?: boolean;
  /** Notifications are not sent. */
  swallowNotification?: boolean;
  /** The EUICCResponse that a block of a profile package is answered with, whatever is in it. */
  loadFails?: LoadFault;
  /** A profile package is answered by empty TLVs 86 only; it is installed nevertheless. */
  loadSilent?: boolean;
  /** The R-MAC of the EUICCResponse is wrong. */
  loadMac?: boolean;
  /** The EUICCResponse has the status ok, and states that the installation was aborted. */
  loadAborts?: boolean;
}

/** An EUICCResponse on demand. */
interface LoadFault {
  /** Block (TLV 86) that is answered, from 1. */
  readonly block: number;
  readonly status: number;
  /** Identification of the profile element, and the place in it. */
  readonly identification?: number | undefined;
  readonly offset?: number | undefined;
}

type Kind = "flag" | "count" | "probability" | "load-fault";

/** Names on the command line and what their value is. */
export const misbehaviourOptions: Readonly<Record<string, { readonly key: keyof Misbehaviour; readonly kind: Kind }>> =
  {
    mute: { key: "mute", kind: "flag" },
    "mute-after": { key: "muteAfter", kind: "count" },
    "wrong-atr": { key: "wrongAtr", kind: "flag" },
    delay: { key: "delay", kind: "count" },
    "random-sw": { key: "randomSw", kind: "probability" },
    busy: { key: "busy", kind: "count" },
    "por-mac": { key: "porMac", kind: "flag" },
    "por-counter": { key: "porCounter", kind: "flag" },
    "drop-por": { key: "dropPor", kind: "flag" },
    "duplicate-por": { key: "duplicatePor", kind: "flag" },
    "refuse-attach": { key: "refuseAttach", kind: "flag" },
    "swallow-notification": { key: "swallowNotification", kind: "flag" },
    "load-fails": { key: "loadFails", kind: "load-fault" },
    "load-silent": { key: "loadSilent", kind: "flag" },
    "load-mac": { key: "loadMac", kind: "flag" },
    "load-aborts": { key: "loadAborts", kind: "flag" },
  };

/**
 * Reads `por-mac,delay=500,busy=3`; `name=off` takes one back and `none` all of them.
 * @throws config.invalid naming the bad part
 */
export function parseMisbehaviour(text: string): { readonly [K in keyof Misbehaviour]: Misbehaviour[K] | undefined } {
  const found: { [K in keyof Misbehaviour]: Misbehaviour[K] | undefined } = {};
  for (const part of text.split(/[,\s]+/).filter(Boolean)) {
    const [name = "", value = ""] = part.split("=");
    if (name === "none") {
      for (const { key } of Object.values(misbehaviourOptions)) found[key] = undefined;
      continue;
    }
    const option = misbehaviourOptions[name];
    if (option === undefined) {
      const known = Object.keys(misbehaviourOptions).join(", ");
      throw new GatewayError("config.invalid", `no misbehaviour '${name}'; known: ${known}`, { detail: { name } });
    }
    Object.assign(found, { [option.key]: readValue(name, option.kind, value) });
  }
  return found;
}

/** `BLOCK[:STATUS[:ELEMENT[:OFFSET]]]`; the status is 3 (bad values) unless given. */
function readLoadFault(name: string, value: string): LoadFault {
  if (!/^[1-9]\d{0,4}(?::\d{1,6}){0,3}$/.test(value)) {
    throw new GatewayError(
      "config.invalid",
      `misbehaviour '${name}' requires BLOCK[:STATUS[:ELEMENT[:OFFSET]]], not '${value}'`,
      {
        detail: { name },
      },
    );
  }
  const [block = 1, status = 3, identification, offset] = value.split(":").map(Number);
  return { block, status, identification, offset };
}

function readValue(name: string, kind: Kind, value: string): boolean | number | LoadFault | undefined {
  if (value === "off") return undefined;
  if (kind === "flag") {
    if (value === "") return true;
    throw new GatewayError("config.invalid", `misbehaviour '${name}' takes no value but 'off', not '${value}'`, {
      detail: { name },
    });
  }
  if (kind === "load-fault") return readLoadFault(name, value);
  const number = Number(value);
  const fits = value !== "" && number >= 0 && (kind === "probability" ? number <= 1 : Number.isInteger(number));
  if (fits) return number;
  throw new GatewayError("config.invalid", `misbehaviour '${name}' requires a number, not '${value}'`, {
    detail: { name },
  });
}
