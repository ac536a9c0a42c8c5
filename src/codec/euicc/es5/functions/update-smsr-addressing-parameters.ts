import { z } from "zod";
import { fromHex } from "../../../../base/hex.ts";
import { decode, encode } from "../../../kit/codec.ts";
import { parseAddress } from "../../../sms/address.ts";
import { SmsrAddressing } from "../../addressing.ts";
import { dgiBytes } from "../../dgi.ts";
import { storeBlocks } from "../apdu.ts";
import { hex } from "../fields.ts";
import { es5Call, es5Record } from "../record.ts";
import { usage } from "../usage.ts";
import { isConnectivity } from "./update-connectivity-parameters.ts";

interface UpdateSmsrAddressingParameters {
  readonly name: "updateSMSRAddressingParameters";
  readonly addressing: SmsrAddressing;
}

/** UpdateSMSRAddressingParameters. SGP.02 §4.1.1.10 */
export const updateSmsrAddressingParameters = es5Record<UpdateSmsrAddressingParameters>({
  name: "updateSMSRAddressingParameters",
  clause: "SGP.02 §4.1.1.10",
  ins: 0xe2,
  commands: ({ addressing }) => storeBlocks(dgiBytes(0x3a07, encode(SmsrAddressing, addressing))),
  classify: ({ grouping }) => {
    if (grouping?.tag !== 0x3a07 || isConnectivity(grouping.value)) return undefined;
    const addressing = decode(SmsrAddressing, grouping.value, grouping.valueOffset);
    return { name: "updateSMSRAddressingParameters", addressing };
  },
  words: () => "UpdateSMSRAddressingParameters",
  call: es5Call({
    does: "set the address of the SM-SR in the card",
    params: z.strictObject({
      sms: z.string().optional().describe("Destination of the card's short messages, digits with or without +"),
      catTp: hex.optional().describe("Value of A4"),
      https: hex.optional().describe("Value of A5: session parameters 84, 85, 86, 89"),
    }),
    from: (p): UpdateSmsrAddressingParameters => {
      const addressing: SmsrAddressing = {
        ...(p.sms === undefined ? {} : { sms: parseAddress(p.sms) }),
        ...(p.catTp === undefined ? {} : { catTp: fromHex(p.catTp) }),
        ...(p.https === undefined ? {} : { https: fromHex(p.https) }),
      };
      if (Object.keys(addressing).length === 0) throw usage("sms", "nothing to update");
      return { name: "updateSMSRAddressingParameters", addressing };
    },
    options: { values: { sms: "number" } },
  }),
});
