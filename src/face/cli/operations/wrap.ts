import { z } from "zod";
import { toHex } from "../../../base/hex.ts";
import { parseSpi } from "../../../codec/ota/spi.ts";
import { segmentPacket } from "../../../codec/sms/concatenation.ts";
import { wrapCommand } from "../../../crypto/command-packet.ts";
import { PacketKeys } from "../../../crypto/packet-keys.ts";
import { counterField, hexField, implicitField, octetField } from "./field.ts";
import { type Answer, operation } from "./operation.ts";

const concatField = z.object({
  ref: z.int().min(0).max(0xffff),
  ref_bits: z.union([z.literal(8), z.literal(16)]).nullish(),
});

/** Builds a secured command packet and the TP-UDs that carry it. ETSI TS 102 225 §5.1, 3GPP TS 31.115 §4.2 */
export const wrap = operation({
  name: "scp80 wrap",
  input: z.object({
    spi: hexField(2),
    kic: octetField,
    kid: octetField,
    tar: hexField(3),
    cntr: counterField.nullish(),
    kic_key: hexField().nullish(),
    kid_key: hexField().nullish(),
    cc_len: z.int().min(0).max(8).nullish(),
    payload: hexField(),
    concat: concatField.nullish(),
    concat_ref: z.int().min(0).max(0xffff).nullish(),
    implicit: implicitField.nullish(),
  }),
  run: (input): Answer => {
    const keys = new PacketKeys({
      kic: input.kic_key ?? undefined,
      kid: input.kid_key ?? undefined,
      implicit: input.implicit ?? undefined,
    });
    const cntr = input.cntr ?? 0;
    const wrapped = wrapCommand(
      {
        spi: parseSpi(input.spi),
        kic: input.kic,
        kid: input.kid,
        tar: input.tar,
        cntr,
        data: input.payload,
        ccLength: input.cc_len ?? undefined,
      },
      keys,
    );
    const segments = segmentPacket(wrapped.packet, "command", {
      reference: input.concat?.ref ?? input.concat_ref ?? cntr % 256,
      referenceBits: input.concat?.ref_bits ?? 8,
    });
    return {
      packet: toHex(wrapped.packet),
      tp_ud: segments.map(toHex),
      cpl: wrapped.cpl,
      chl: wrapped.chl,
      pcntr: wrapped.pcntr,
      rc_cc: toHex(wrapped.rcCc),
      mac_input: wrapped.macInput === undefined ? null : toHex(wrapped.macInput),
      cipher_input: wrapped.cipherInput === undefined ? null : toHex(wrapped.cipherInput),
    };
  },
});
