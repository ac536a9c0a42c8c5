import { oneProfileRecord } from "./one-profile.ts";

/** DisableProfile. SGP.02 §4.1.1.3 */
export const disableProfile = oneProfileRecord({
  name: "disableProfile",
  dgi: 0x3a04,
  clause: "SGP.02 §4.1.1.3",
  does: "disable the enabled profile; the card enables the fall-back profile",
  statusWords: {
    36864: "accepted: the card switches to the fall-back profile after its answer is out",
    27013: "the profile is not Enabled, or has the fall-back attribute",
    27105: "POL1 of the profile forbids its disabling",
    27272: "no such ISD-P",
  },
});
