import { withoutUndefined } from "../../../../base/defined.ts";
import { decode } from "../../../kit/codec.ts";
import { maybe, template, tlv } from "../../../kit/template.ts";
import { integer } from "../answer.ts";
import { getDataRecord } from "./get-data-record.ts";

const ResourcesAnswer = template({
  resources: tlv(
    0xff21,
    template({
      applications: maybe(tlv(0x81, integer)),
      freeNonVolatile: maybe(tlv(0x82, integer)),
      freeVolatile: maybe(tlv(0x83, integer)),
    }),
  ),
});

/** The audit of free resources: GET DATA FF21. SGP.02 §4.1.1.5, ETSI TS 102 226 §8.2.1.7.2 */
export const auditResources = getDataRecord({
  name: "auditResources",
  clause: "SGP.02 §4.1.1.5",
  tag: 0xff21,
  does: "read the free memory (GET DATA FF21)",
  words: "audit: GET DATA, card resources",
  answer: (data, offset) => ({
    kind: "resources",
    resources: withoutUndefined(decode(ResourcesAnswer, data, offset).resources),
  }),
});
