import { z } from "zod";
import { readTlvs } from "../../../kit/ber.ts";
import { decode } from "../../../kit/codec.ts";
import { rest } from "../../../kit/primitives.ts";
import { maybe, template, tlv } from "../../../kit/template.ts";
import { asksFor, getData, tagsOf } from "../apdu.ts";
import { tagNumbers, tagTexts } from "../fields.ts";
import { es5Call, es5Record } from "../record.ts";

interface AuditForwarded {
  readonly name: "auditForwarded";
  readonly tags?: readonly number[];
}

/** The audit of forwarded CASD data: GET DATA BF30. SGP.02 §4.1.1.5 */
export const auditForwarded = es5Record<AuditForwarded>({
  name: "auditForwarded",
  clause: "SGP.02 §4.1.1.5",
  ins: 0xca,
  commands: ({ tags }) => [getData(0xbf30, tags)],
  classify: (command) => {
    if (!asksFor(command, 0xbf30)) return undefined;
    const { list } = decode(template({ list: maybe(tlv(0x5c, rest)) }), command.data, command.dataOffset);
    return { name: "auditForwarded", ...(list === undefined ? {} : { tags: tagsOf(list) }) };
  },
  answer: (data, offset) => {
    const { body } = decode(template({ body: tlv(0xbf30, rest) }), data, offset);
    return { kind: "forwarded", objects: readTlvs(body).map(({ tag, value }) => ({ tag, value })) };
  },
  words: ({ tags }) =>
    `audit: GET DATA, forwarded CASD data${tags === undefined ? "" : ` ${tags.map(tagText).join(" ")}`}`,
  call: es5Call({
    does: "read forwarded data (GET DATA BF30)",
    params: z.strictObject({ tags: tagTexts.optional().describe("Tags to read, such as 66 or 7F21") }),
    from: (p): AuditForwarded => ({ name: "auditForwarded", ...tagNumbers(p) }),
  }),
});

function tagText(tag: number): string {
  return tag
    .toString(16)
    .toUpperCase()
    .padStart(tag > 0xff ? 4 : 2, "0");
}
