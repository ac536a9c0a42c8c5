import { decode } from "../../../kit/codec.ts";
import { rest } from "../../../kit/primitives.ts";
import { template, tlv } from "../../../kit/template.ts";
import { eidFromOctets } from "../../eid.ts";
import { getDataRecord } from "./get-data-record.ts";

/** The audit of the EID: GET DATA 5A. SGP.02 §4.1.1.5 */
export const auditEid = getDataRecord({
  name: "auditEid",
  clause: "SGP.02 §4.1.1.5",
  tag: 0x005a,
  does: "read the EID (GET DATA 5A)",
  words: "audit: GET DATA, EID",
  answer: (data, offset) => {
    const { eid } = decode(template({ eid: tlv(0x5a, rest) }), data, offset);
    return { kind: "eid", eid: eidFromOctets(eid, offset + 2) };
  },
});
