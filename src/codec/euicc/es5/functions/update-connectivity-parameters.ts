import { z } from "zod";
import { fromHex } from "../../../../base/hex.ts";
import { readCatTlvs } from "../../../cat/comprehension.ts";
import { decode, encode } from "../../../kit/codec.ts";
import { ConnectivityParameters } from "../../addressing.ts";
import { dgiBytes } from "../../dgi.ts";
import { storeBlocks } from "../apdu.ts";
import { hex } from "../fields.ts";
import { es5Call, es5Record } from "../record.ts";

interface UpdateConnectivityParameters {
  readonly name: "updateConnectivityParameters";
  readonly connectivity: ConnectivityParameters;
}

/** UpdateConnectivityParameters, of interface ES8. SGP.02 §4.1.3.4 */
export const updateConnectivityParameters = es5Record<UpdateConnectivityParameters>({
  name: "updateConnectivityParameters",
  clause: "SGP.02 §4.1.3.4",
  ins: 0xe2,
  commands: ({ connectivity }) => storeBlocks(dgiBytes(0x3a07, encode(ConnectivityParameters, connectivity))),
  classify: ({ grouping }) => {
    if (grouping?.tag !== 0x3a07 || !isConnectivity(grouping.value)) return undefined;
    const connectivity = decode(ConnectivityParameters, grouping.value, grouping.valueOffset);
    return { name: "updateConnectivityParameters", connectivity };
  },
  words: () => "UpdateConnectivityParameters (ES8)",
  call: es5Call({
    does: "set the connectivity parameters of a profile (sent as ES8)",
    params: z.strictObject({
      serviceCentre: z.string().optional().describe("Address of the SMSC, digits with or without +"),
      catTp: hex.optional().describe("Value of A1: COMPREHENSION-TLVs"),
      https: hex.optional().describe("Value of A2: COMPREHENSION-TLVs"),
    }),
    from: (p): UpdateConnectivityParameters => ({
      name: "updateConnectivityParameters",
      connectivity: {
        ...(p.serviceCentre === undefined ? {} : { sms: { serviceCentre: catAddress(p.serviceCentre) } }),
        ...(p.catTp === undefined ? {} : { catTp: readCatTlvs(fromHex(p.catTp)) }),
        ...(p.https === undefined ? {} : { https: readCatTlvs(fromHex(p.https)) }),
      },
    }),
    // `connectivity set` writes them by name.
    options: false,
  }),
});

/** Whether grouping 3A07 has connectivity parameters; the tags of its two uses do not overlap. */
export function isConnectivity(value: Uint8Array): boolean {
  return value[0] === 0xa0 || value[0] === 0xa1 || value[0] === 0xa2;
}

/** An address as the toolkit writes it: TON/NPI and digits. ETSI TS 102 223 §8.1 */
function catAddress(text: string): { tonNpi: number; digits: string } {
  const digits = text.replace(/^\+/, "");
  return { tonNpi: text.startsWith("+") ? 0x91 : 0x81, digits };
}
