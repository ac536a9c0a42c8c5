import { z } from "zod";
import { tlvBytes } from "../../../kit/ber.ts";
import { decode } from "../../../kit/codec.ts";
import { rest, u16 } from "../../../kit/primitives.ts";
import { many, template, tlv } from "../../../kit/template.ts";
import { aidFromOctets } from "../../aid.ts";
import { dgiBytes } from "../../dgi.ts";
import { sequenceOf } from "../../notification.ts";
import { storeBlocks } from "../apdu.ts";
import { es5Call, es5Record } from "../record.ts";

interface ConfirmNotification {
  readonly name: "confirmNotification";
  readonly sequence: number;
}

/** HandleNotificationConfirmation; its answer names the ISD-Ps that were deleted with it. SGP.02 §4.1.1.12 */
export const confirmNotification = es5Record<ConfirmNotification>({
  name: "confirmNotification",
  clause: "SGP.02 §4.1.1.12",
  ins: 0xe2,
  commands: ({ sequence }) => {
    const number = tlvBytes(0x4e, Uint8Array.of((sequence >> 8) & 0xff, sequence & 0xff));
    return storeBlocks(dgiBytes(0x3a08, number), { response: true });
  },
  classify: ({ grouping }) => {
    if (grouping?.tag !== 0x3a08) return undefined;
    const { sequence } = decode(template({ sequence: tlv(0x4e, u16) }), grouping.value, grouping.valueOffset);
    return { name: "confirmNotification", sequence };
  },
  answer: (data, offset) => {
    if (data.length === 0) return { kind: "confirmed", deleted: [] };
    const { list } = decode(template({ list: tlv(0x80, template({ aids: many(tlv(0x4f, rest)) })) }), data, offset);
    return { kind: "confirmed", deleted: list.aids.map((aid) => aidFromOctets(aid, offset)) };
  },
  statusWords: {
    27264: "nothing pending with this sequence number",
    27272: "nothing pending with this sequence number",
  },
  words: ({ sequence }) => `HandleNotificationConfirmation, sequence ${sequence}`,
  call: es5Call({
    does: "confirm a notification by sequence number",
    params: z.strictObject({
      sequence: z
        .union([z.number().int().min(0).max(0xffff), z.string().regex(/^[0-9a-fA-F]{4}$/)])
        .describe("Number of the notification, or its four hexadecimal digits"),
    }),
    from: ({ sequence }): ConfirmNotification => ({
      name: "confirmNotification",
      sequence: typeof sequence === "string" ? sequenceOf(sequence) : sequence,
    }),
    options: { values: { sequence: "hex" } },
  }),
});
