import { decode } from "../../../kit/codec.ts";
import { rest } from "../../../kit/primitives.ts";
import { template, tlv } from "../../../kit/template.ts";
import { getDataRecord } from "./get-data-record.ts";

/** The audit of the sequence counter: GET DATA C1. SGP.02 §4.1.1.5 */
export const auditCounter = getDataRecord({
  name: "auditCounter",
  clause: "SGP.02 §4.1.1.5",
  tag: 0x00c1,
  does: "read the sequence counter (GET DATA C1)",
  words: "audit: GET DATA, sequence counter",
  answer: (data, offset) => ({
    kind: "counter",
    counter: decode(template({ counter: tlv(0xc1, rest) }), data, offset).counter,
  }),
});
