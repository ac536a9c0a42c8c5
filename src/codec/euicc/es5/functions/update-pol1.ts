import { z } from "zod";
import { decode, encode } from "../../../kit/codec.ts";
import { type Pol1, Pol1Update } from "../../addressing.ts";
import { type Aid, ownIsdPAid } from "../../aid.ts";
import { dgiBytes } from "../../dgi.ts";
import { aidText } from "../../identity-shapes.ts";
import { storeBlocks } from "../apdu.ts";
import { es5Call, es5Record } from "../record.ts";
import { forPersonalization } from "./install-for-personalization.ts";

interface UpdatePol1 {
  readonly name: "updatePOL1";
  readonly pol1: Pol1;
  readonly sd?: Aid;
}

/** UpdatePOL1, of interface ES6. SGP.02 §4.1.2 */
export const updatePol1 = es5Record<UpdatePol1>({
  name: "updatePOL1",
  clause: "SGP.02 §4.1.2",
  ins: 0xe2,
  commands: ({ sd, pol1 }) => [
    forPersonalization(sd ?? ownIsdPAid),
    ...storeBlocks(dgiBytes(0x3a06, encode(Pol1Update, { rules: pol1 }))),
  ],
  classify: ({ grouping }) =>
    grouping?.tag === 0x3a06
      ? { name: "updatePOL1", pol1: decode(Pol1Update, grouping.value, grouping.valueOffset).rules }
      : undefined,
  words: () => "UpdatePOL1 (ES6)",
  call: es5Call({
    does: "set POL1 of a profile (sent as ES6)",
    params: z.strictObject({
      disablingNotAllowed: z.boolean().default(false).describe("The profile may not be disabled"),
      deletionNotAllowed: z.boolean().default(false).describe("The profile may not be deleted"),
      deleteWhenDisabled: z.boolean().default(false).describe("The card deletes the profile once it is disabled"),
      sd: aidText.optional().describe("Security domain of the profile (default: its ISD-P)"),
    }),
    from: ({ sd, ...pol1 }): UpdatePol1 => ({
      name: "updatePOL1",
      pol1,
      ...(sd === undefined ? {} : { sd }),
    }),
  }),
});
