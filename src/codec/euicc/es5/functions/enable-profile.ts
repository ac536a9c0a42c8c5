import { oneProfileRecord } from "./one-profile.ts";

/** EnableProfile. SGP.02 §4.1.1.2 */
export const enableProfile = oneProfileRecord({
  name: "enableProfile",
  dgi: 0x3a03,
  clause: "SGP.02 §4.1.1.2",
  does: "enable a profile; the card switches after its answer",
  statusWords: {
    36864: "accepted: the card switches after its answer is out",
    27013: "the profile is not in state Disabled",
    27105: "POL1 of the enabled profile forbids its disabling",
    27272: "no such ISD-P",
  },
});
