import { z } from "zod";
import { withoutUndefined } from "../../../../base/defined.ts";
import { concatBytes } from "../../../../base/hex.ts";
import { tlvBytes } from "../../../kit/ber.ts";
import { decode, type Of } from "../../../kit/codec.ts";
import { rest } from "../../../kit/primitives.ts";
import { many, maybe, template, tlv } from "../../../kit/template.ts";
import { type Aid, aidFromOctets, aidOctets } from "../../aid.ts";
import { integer, lifeCycleName } from "../answer.ts";
import { apdu, tagList, tagsOf } from "../apdu.ts";
import { named, namedIsdP, tagNumbers, tagTexts } from "../fields.ts";
import { es5Call, es5Record } from "../record.ts";

interface AuditStatus {
  readonly name: "auditStatus";
  /** All applications and security domains when absent. */
  readonly isdP?: Aid;
  /** Tags wanted (5C list); the card's choice when absent. */
  readonly tags?: readonly number[];
  /** Further matches after a `6310`. */
  readonly next?: boolean;
}

const statusEntry = template({
  aid: maybe(tlv(0x4f, rest)),
  lifeCycle: maybe(tlv(0x9f70, integer)),
  attributes: maybe(tlv(0x53, integer)),
  grantedMemory: maybe(tlv(0x8f, integer)),
  remainingMemory: maybe(tlv(0x91, integer)),
  privileges: maybe(tlv(0xc5, rest)),
  loadFile: maybe(tlv(0xc4, rest)),
  associatedSd: maybe(tlv(0xcc, rest)),
  module: maybe(tlv(0x84, rest)),
  version: maybe(tlv(0xce, rest)),
});

/**
 * Answer of GET STATUS: one `E3` per security domain or application.
 * GP Card Specification §11.4.3.1, SGP.02 §4.1.1.5
 */
const StatusAnswer = template({ entries: many(tlv(0xe3, statusEntry)) });

/** The audit of ISD-Ps: GET STATUS. SGP.02 §4.1.1.5 */
export const auditStatus = es5Record<AuditStatus>({
  name: "auditStatus",
  clause: "SGP.02 §4.1.1.5",
  ins: 0xf2,
  commands: (fn) => {
    const aid = tlvBytes(0x4f, fn.isdP === undefined ? new Uint8Array(0) : aidOctets(fn.isdP));
    const data = fn.tags === undefined ? aid : concatBytes(aid, tagList(fn.tags));
    return [apdu(0x80, 0xf2, 0x40, fn.next === true ? 0x03 : 0x02, data)];
  },
  classify: ({ p1, p2, data, dataOffset }) => {
    if (p1 !== 0x40) return undefined;
    const { aid, list } = decode(template({ aid: tlv(0x4f, rest), list: maybe(tlv(0x5c, rest)) }), data, dataOffset);
    return {
      name: "auditStatus",
      ...(aid.length === 0 ? {} : { isdP: aidFromOctets(aid, dataOffset + 2) }),
      ...(list === undefined ? {} : { tags: tagsOf(list) }),
      ...(p2 & 0x01 ? { next: true } : {}),
    };
  },
  answer: (data, offset) => ({
    kind: "domains",
    domains: decode(StatusAnswer, data, offset).entries.map((entry) => domain(entry, offset)),
  }),
  statusWords: { 27272: "no security domain matches" },
  words: ({ isdP, next }, names) =>
    `audit: GET STATUS of ${isdP === undefined ? "all" : names.domain(isdP)}${next === true ? ", next" : ""}`,
  call: es5Call({
    does: "read the ISD-Ps and their states (GET STATUS)",
    params: z.strictObject({
      ...named,
      tags: tagTexts.optional().describe("Tags to read of each security domain, such as 4F, 9F70, 53"),
      next: z.boolean().optional().describe("Continue after the last answer (6310)"),
    }),
    from: (p, eis): AuditStatus => {
      const all = p.aid === undefined && p.isdP === undefined && p.iccid === undefined;
      return {
        name: "auditStatus",
        ...(all ? {} : { isdP: namedIsdP(p, eis) }),
        ...tagNumbers(p),
        ...withoutUndefined({ next: p.next }),
      };
    },
    options: { without: ["isdP", "next"] },
  }),
});

function domain(
  { aid, lifeCycle, attributes, grantedMemory, remainingMemory }: Of<typeof statusEntry>,
  offset: number,
) {
  return withoutUndefined({
    aid: aid === undefined ? undefined : aidFromOctets(aid, offset),
    lifeCycle,
    state: lifeCycle === undefined ? undefined : lifeCycleName(lifeCycle),
    fallback: attributes === undefined ? undefined : (attributes & 0x01) !== 0,
    grantedMemory,
    remainingMemory,
  });
}
