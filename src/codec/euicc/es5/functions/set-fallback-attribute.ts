import { oneProfileRecord } from "./one-profile.ts";

/** SetFallbackAttribute. SGP.02 §4.1.1.7 */
export const setFallbackAttribute = oneProfileRecord({
  name: "setFallbackAttribute",
  dgi: 0x3a05,
  clause: "SGP.02 §4.1.1.7",
  does: "set the fall-back attribute of a profile",
  statusWords: { 27013: "the profile may not take the fall-back attribute", 27272: "no such ISD-P" },
});
