import { z } from "zod";
import { codecError } from "../../../../base/gateway-error.ts";
import { concatBytes } from "../../../../base/hex.ts";
import { readTlvs, tlvBytes } from "../../../kit/ber.ts";
import { decode } from "../../../kit/codec.ts";
import { octets } from "../../../kit/primitives.ts";
import { apdu } from "../apdu.ts";
import { es5Call, es5Record } from "../record.ts";
import { usage } from "../usage.ts";

/** A range of keys of one key set. */
export interface KeyRange {
  readonly kvn: number;
  readonly first: number;
  readonly last: number;
}

interface FinaliseIsdRHandover {
  readonly name: "finaliseISDRhandover";
  readonly keep: readonly KeyRange[];
}

/** FinaliseISDRhandover: DELETE of all keys but those of the ranges. SGP.02 §4.1.1.9 */
export const finaliseIsdRHandover = es5Record<FinaliseIsdRHandover>({
  name: "finaliseISDRhandover",
  clause: "SGP.02 §4.1.1.9",
  ins: 0xe4,
  commands: ({ keep }) => {
    const ranges = keep.map(({ kvn, first, last }) => tlvBytes(0xf2, Uint8Array.of(kvn, first, last)));
    return [apdu(0x80, 0xe4, 0x00, 0x00, concatBytes(...ranges))];
  },
  classify: ({ p2, data, dataOffset }) => {
    if (p2 !== 0x00 || data[0] !== 0xf2) return undefined;
    const keep = readTlvs(data, dataOffset).map(({ tag, value, offset }): KeyRange => {
      if (tag !== 0xf2) throw codecError("codec.tag", "must be a key range (tag F2)", offset);
      const [kvn = 0, first = 0, last = 0] = decode(octets(3), value, offset);
      return { kvn, first, last };
    });
    return { name: "finaliseISDRhandover", keep };
  },
  statusWords: { 27272: "a key range that should be kept does not exist" },
  words: ({ keep }) =>
    `FinaliseISDRhandover, keep ${keep.map(({ kvn, first, last }) => `KVN ${kvn.toString(16).toUpperCase().padStart(2, "0")} ids ${first}-${last}`).join(", ")}`,
  call: es5Call({
    does: "delete every key set of the ISD-R except the given ones",
    params: z.strictObject({
      keep: z
        .array(
          z.strictObject({
            kvn: z.number().int().min(1).max(127),
            first: z.number().int().min(0).max(127),
            last: z.number().int().min(0).max(127),
          }),
        )
        .min(1)
        .describe("Keys to keep, by key version and range of ids; on the command line as 1:1-3,65:1-2"),
    }),
    from: ({ keep }): FinaliseIsdRHandover => ({ name: "finaliseISDRhandover", keep }),
    options: { items: { keep: keyRange } },
  }),
});

/** A key range as an option writes it: KVN:first-last. */
function keyRange(text: string): KeyRange {
  const match = /^(\d+):(\d+)-(\d+)$/.exec(text.trim());
  if (match === null) throw usage("--keep", `'${text}' must be KVN:first-last, such as 1:1-3`);
  return { kvn: Number(match[1]), first: Number(match[2]), last: Number(match[3]) };
}
