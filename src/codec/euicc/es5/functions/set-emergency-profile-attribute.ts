import { oneProfileRecord } from "./one-profile.ts";

/** SetEmergencyProfileAttribute. SGP.02 §4.1.1.14 */
export const setEmergencyProfileAttribute = oneProfileRecord({
  name: "setEmergencyProfileAttribute",
  dgi: 0x3a09,
  clause: "SGP.02 §4.1.1.14",
  does: "set the emergency attribute of a profile",
  statusWords: { 27013: "the profile may not take the emergency attribute", 27272: "no such ISD-P" },
});
