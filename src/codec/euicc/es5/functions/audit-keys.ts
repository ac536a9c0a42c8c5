import { decode, Reader } from "../../../kit/codec.ts";
import { rest } from "../../../kit/primitives.ts";
import { many, template, tlv } from "../../../kit/template.ts";
import type { KeyInformation } from "../answer.ts";
import { getDataRecord } from "./get-data-record.ts";

const KeysAnswer = template({ entries: tlv(0xe0, template({ keys: many(tlv(0xc0, rest)) })) });

/** The audit of keys: GET DATA E0. SGP.02 §4.1.1.5, GP Card Specification §11.3.3.1 */
export const auditKeys = getDataRecord({
  name: "auditKeys",
  clause: "SGP.02 §4.1.1.5",
  tag: 0x00e0,
  does: "read the key information template (GET DATA E0)",
  words: "audit: GET DATA, key information",
  answer: (data, offset) => ({
    kind: "keys",
    keys: decode(KeysAnswer, data, offset).entries.keys.map((octets) => keyInformation(octets, offset)),
  }),
});

function keyInformation(octets: Uint8Array, offset: number): KeyInformation {
  const from = new Reader(octets, offset);
  const [id, kvn] = [from.u8("key identifier"), from.u8("key version")];
  const components: { type: number; length: number }[] = [];
  while (!from.ended) components.push({ type: from.u8("key type"), length: from.u8("key length") });
  return { id, kvn, components };
}
