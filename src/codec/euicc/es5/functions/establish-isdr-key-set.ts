import { z } from "zod";
import { withoutUndefined } from "../../../../base/defined.ts";
import { fromHex } from "../../../../base/hex.ts";
import { wrapped } from "../../../kit/ber.ts";
import { decode } from "../../../kit/codec.ts";
import { rest } from "../../../kit/primitives.ts";
import { maybe, template, tlv } from "../../../kit/template.ts";
import { KeyControl, KeyEstablishment } from "../../key-establishment.ts";
import { certificateBlocks, keyBlocks } from "../../key-establishment-commands.ts";
import { hex } from "../fields.ts";
import { type CardCommand, es5Call, es5Record } from "../record.ts";
import { usage } from "../usage.ts";

type EstablishIsdRKeySet = { readonly name: "establishISDRKeySet" } & (
  | { readonly part: 1; readonly certificate: Uint8Array }
  | ({ readonly part: 2; readonly block?: number } & KeyEstablishment)
);

/** EstablishISDRKeySet, in two steps: the certificate, then the key establishment. SGP.02 §4.1.1.8 */
export const establishIsdRKeySet = es5Record<EstablishIsdRKeySet>({
  name: "establishISDRKeySet",
  clause: "SGP.02 §4.1.1.8",
  ins: 0xe2,
  commands: (fn) => (fn.part === 1 ? certificateBlocks(fn.certificate) : keyBlocks(fn, fn.block)),
  classify: (command) => {
    const { grouping } = command;
    if (grouping?.tag === 0x3a01) return { name: "establishISDRKeySet", part: 1, certificate: grouping.value };
    return grouping?.tag === 0x3a02 ? secondStep(command, grouping) : undefined;
  },
  answer: (data, offset) => {
    const { first, receipt } = decode(
      template({ first: maybe(tlv(0x85, rest)), receipt: maybe(tlv(0x86, rest)) }),
      data,
      offset,
    );
    if (receipt !== undefined) {
      return { kind: "receipt", receipt, ...withoutUndefined({ derivationRandom: first }) };
    }
    return first === undefined ? { kind: "done", data } : { kind: "challenge", challenge: first };
  },
  statusWords: {
    27010: "certificate, ephemeral key or signature refused",
    27013: "no certificate was accepted before",
    27264: "the certificate's role does not fit, or malformed data",
  },
  words: (fn) =>
    fn.part === 1
      ? "key establishment 1 of 2: certificate"
      : `key establishment 2 of 2: key set ${fn.control.kvn.toString(16).toUpperCase().padStart(2, "0")}`,
  call: es5Call({
    does: "establish a key set of the ISD-R: first --certificate, then --block",
    params: z.strictObject({
      certificate: hex.optional().describe("First step: the certificate (7F21) of the SM-SR"),
      block: hex.optional().describe("Second step: A6, 7F49 and 5F37"),
    }),
    from: ({ certificate, block }): EstablishIsdRKeySet => {
      if (certificate !== undefined && block === undefined)
        return { name: "establishISDRKeySet", part: 1, certificate: fromHex(certificate) };
      if (block === undefined || certificate !== undefined)
        throw usage("certificate", "must be given in the first step, or block (A6 7F49 5F37) in the second step");
      return { name: "establishISDRKeySet", part: 2, ...decode(KeyEstablishment, fromHex(block)) };
    },
  }),
});

function secondStep({ p2 }: CardCommand, grouping: NonNullable<CardCommand["grouping"]>): EstablishIsdRKeySet {
  const control = decode(wrapped(0xa6, KeyControl), grouping.value, grouping.valueOffset);
  const parts = template({ ephemeralKey: tlv(0x7f49, rest), signature: tlv(0x5f37, rest) });
  const { ephemeralKey, signature } = decode(parts, grouping.rest, grouping.restOffset);
  return { name: "establishISDRKeySet", part: 2, control, ephemeralKey, signature, block: p2 };
}
