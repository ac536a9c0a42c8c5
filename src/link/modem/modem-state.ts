import type { ExtendedSignal, Operator } from "../../codec/at/general-commands.ts";
import { accessTechnologies, isRegistered, parseRegistration, type Registration } from "../../codec/at/urc.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import { ignoreCodecErrors } from "../card/ignore-codec-errors.ts";
import type { ModemIdentity } from "./profile/profile.ts";

/** Phase of a modem's life cycle. */
export type ModemPhase =
  | { readonly at: "absent"; readonly reason: string }
  | { readonly at: "starting"; readonly step: string }
  | { readonly at: "ready" }
  /** It kept failing; not used until it is released or the time (milliseconds since 1970) is reached. */
  | { readonly at: "quarantined"; readonly reason: string; readonly until: number };

/** One observation of a modem while its card switched profiles. */
export interface SwitchStep {
  /** Milliseconds since the watch began. */
  readonly ms: number;
  readonly what: string;
}

/** A profile switch as observed in the modem that holds the card. */
export interface SwitchRecord {
  readonly at: number;
  readonly fromIccid?: string;
  readonly toIccid?: string;
  /** Time until the new ICCID was read twice, and until the network served the new subscriber. */
  readonly iccidMs?: number;
  readonly attachMs?: number;
  readonly outcome: "watching" | "attached" | "no-attach" | "unchanged";
  /** Actions that were necessary because the module did not follow by itself. */
  readonly remedies: readonly string[];
  readonly steps: readonly SwitchStep[];
}

/** Current state of a modem. */
export interface ModemState {
  readonly phase: ModemPhase;
  /** Name of the hardware profile in use. */
  readonly profile?: string;
  readonly identity?: ModemIdentity;
  readonly imei?: string;
  readonly pin?: string;
  /** As the modem reports it: not always an ICCID. */
  readonly iccid?: string;
  readonly imsi?: string;
  readonly eid?: Eid;
  /** By domain: CREG, CGREG, CEREG, C5GREG. */
  readonly registrations: Readonly<Record<string, Registration>>;
  readonly operator?: Operator;
  readonly signal?: ExtendedSignal & { readonly rssiDbm?: number };
  /** Whether the SIM toolkit is on, if the module reports it. */
  readonly toolkit?: "on" | "off";
  readonly lastSwitch?: SwitchRecord;
  /** Number of failed starts in a row. */
  readonly failures: number;
}

export const emptyState: ModemState = {
  phase: { at: "absent", reason: "not started" },
  registrations: {},
  failures: 0,
};

/** Whether any domain serves the subscriber. */
export function registered({ registrations }: ModemState): boolean {
  return Object.values(registrations).some(({ state }) => isRegistered(state));
}

/** Access technology in use, by name; undefined when not registered or not reported. */
export function accessTechnology({ registrations, operator }: ModemState): string | undefined {
  const served = Object.values(registrations).find(
    ({ state, accessTechnology: act }) => isRegistered(state) && act !== undefined,
  );
  const act = served?.accessTechnology ?? operator?.accessTechnology;
  return act === undefined ? undefined : accessTechnologies[act];
}

/** Whether the card can be used in a PIN state: PIN2 and PUK2 protect only some of its files. TS 27.007 §8.3 */
export function isUsable(pin: string | undefined): boolean {
  return pin === "READY" || pin === "SIM PIN2" || pin === "SIM PUK2";
}

/** What an unsolicited registration line reports, under its domain; undefined for one that cannot be read. */
export function registrationLine(text: string): Readonly<Record<string, Registration>> | undefined {
  const domain = /^\+(\w+)/.exec(text)?.[1] ?? "CREG";
  const parsed = ignoreCodecErrors(() => parseRegistration(text));
  if (parsed === undefined) return undefined;
  const { solicited: _solicited, ...registration } = parsed;
  return { [domain]: registration };
}
