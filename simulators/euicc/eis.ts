import type { EuiccState, KeySetState, ProfileState } from "./card-state.ts";
import { isdRAid } from "./fixture.ts";

/** One key set as an importer of an EIS gets it; keys in hex. */
interface EisKeySet {
  /** Key version number. */
  readonly kvn: number;
  readonly type: "SCP80" | "SCP81" | "SCP03" | "TOKEN";
  readonly keys: readonly { readonly id: number; readonly type: string; readonly value: string }[];
  /** Last counter the card accepted, 5 octets in hex; SCP80 only. */
  readonly cntr?: string;
}

/** A profile as the SM-SR lists it. */
interface EisProfile {
  readonly aid: string;
  readonly iccid: string;
  readonly state: "created" | "disabled" | "enabled";
  readonly imsi: string;
  readonly msisdn: string;
  readonly fallback: boolean;
  /** POL1 as a number: b1 disabling not allowed, b2 deletion not allowed, b3 delete when disabled. */
  readonly pol1?: number;
  readonly pol2?: readonly unknown[];
}

/** The eUICC information set of a simulated card, as plain JSON. SGP.02 §4.1.1, Annex E */
interface Eis {
  readonly eid: string;
  readonly isdR: { readonly aid: string; readonly keySets: readonly EisKeySet[] };
  readonly ecasd: { readonly certificate: string };
  readonly profiles: readonly EisProfile[];
  /** Where the card sends its notifications: contents of A3, A4, A5 in hex. */
  readonly smsr: { readonly addressing: Readonly<Record<string, string>> };
  readonly remainingMemory: number;
  readonly availableMemoryForProfiles: number;
}

function keySet({ kvn, type, keys, cntr }: KeySetState): EisKeySet {
  return { kvn, type, keys: keys.map((key) => ({ ...key })), ...(type === "SCP80" && { cntr: cntr ?? "0000000000" }) };
}

function profile({ aid, iccid, state, imsi, msisdn, fallback, pol1 }: ProfileState): EisProfile {
  const known = state === "personalized" ? "created" : state;
  return { aid, iccid, state: known, imsi, msisdn, fallback, ...(pol1 > 0 && { pol1 }) };
}

/** What an SM-SR must know of this card, key values included. */
export function exportEis(state: EuiccState): Eis {
  const used = state.profiles.reduce((sum, one) => sum + (one.quota ?? one.used), 0);
  return {
    eid: state.eid,
    isdR: { aid: isdRAid, keySets: state.isdR.keySets.map(keySet) },
    ecasd: { certificate: state.ecasd.certificate },
    profiles: state.profiles.map(profile),
    smsr: { addressing: { ...state.isdR.addressing } },
    remainingMemory: Math.max(0, state.memory.total - used),
    availableMemoryForProfiles: state.memory.total,
  };
}

/** Key sets of a profile's MNO-SD, for remote file management; absent when there is no such profile. */
export function exportMnoKeySets(state: EuiccState, iccid: string): readonly EisKeySet[] | undefined {
  return state.profiles.find((one) => one.iccid === iccid)?.mnoKeySets.map(keySet);
}
