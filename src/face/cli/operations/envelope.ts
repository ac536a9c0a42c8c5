import { z } from "zod";
import { toHex } from "../../../base/hex.ts";
import { buildCommand, commandOf } from "../../../codec/apdu/command-apdu.ts";
import { tlvBytes } from "../../../codec/kit/ber.ts";
import { bcdAddressBytes } from "../../../codec/sms/address.ts";
import { hexField, octetField } from "./field.ts";
import { type Answer, operation } from "./operation.ts";

/** Puts an SMS-DELIVER into ENVELOPE (SMS-PP DOWNLOAD). 3GPP TS 31.111 §7.1.1, ETSI TS 102 221 §11.2.2 */
export const envelope = operation({
  name: "envelope",
  input: z.object({
    tpdu: hexField(),
    sc: z
      .string()
      .regex(/^\+?[0-9*#abcABC]+$/, "digits of the service centre")
      .nullish(),
    sc_toa: octetField.nullish(),
    address_tag: octetField.refine((tag) => tag === 0x06 || tag === 0x86, "06 or 86").nullish(),
    cla: octetField.nullish(),
  }),
  run: (input): Answer => {
    const { sc } = input;
    const toa = input.sc_toa ?? 0x91;
    const address = sc
      ? [tlvBytes(input.address_tag ?? 0x06, bcdAddressBytes({ toa, number: sc.replace(/^\+/, "") }))]
      : [];
    const body = tlvBytes(0xd1, tlvBytes(0x82, Uint8Array.of(0x83, 0x81)), ...address, tlvBytes(0x8b, input.tpdu));
    return { apdu: toHex(buildCommand({ ...commandOf([input.cla ?? 0x80, 0xc2, 0, 0], body), extended: false })) };
  },
});
