import { z } from "zod";
import { toHex } from "../../base/hex.ts";
import { type OctetText, octetsByName, octetsOrNone, octetText } from "../../base/octet-text.ts";
import { isCatTlvs } from "../cat/comprehension.ts";
import { isTlvs, readTlvs } from "../kit/ber.ts";

/** Values of templates by the name of their tag, such as `A5`. SGP.02 §4.1.1.10, §4.1.3.4 */
export type Templates = Readonly<Record<string, Uint8Array>>;

/** The templates in a sequence of TLVs; of two with the same tag, the last. @throws codec.* */
export function templatesIn(octets: Uint8Array): Templates {
  return Object.fromEntries(readTlvs(octets).map(({ tag, value }) => [tag.toString(16).toUpperCase(), value]));
}

/** Templates as documents contain them: values in hexadecimal. */
export function writeTemplates(templates: Templates): OctetText<Templates> {
  return octetText(templates);
}

/** The addressing parameters in the part `smsr` of an EIS in JSON; what is not hexadecimal is omitted. */
export function readSmsrTemplates(smsr: unknown): Templates {
  if (typeof smsr !== "object" || smsr === null || !("addressing" in smsr)) return {};
  const { addressing } = smsr;
  return typeof addressing === "object" && addressing !== null ? octetsByName({ ...addressing }) : {};
}

/** The part `smsr` of an EIS in JSON. */
export function writeSmsrTemplates(addressing: Templates): { readonly addressing: OctetText<Templates> } {
  return { addressing: octetText(addressing) };
}

/** COMPREHENSION-TLVs in hexadecimal, as octets. TS 101 220 §7.1.1 */
export const catTemplateText = z
  .string()
  .max(2048, { abort: true })
  .transform((text, context) => {
    const octets = octetsOrNone(text);
    if (octets !== undefined && isCatTlvs(octets)) return octets;
    context.addIssue({ code: "custom", message: "must be COMPREHENSION-TLVs in hexadecimal" });
    return z.NEVER;
  });

/** BER-TLVs in hexadecimal, as text without separators. */
export const templateText = z
  .string()
  .max(8192, { abort: true })
  .transform((text, context) => {
    const octets = octetsOrNone(text);
    if (octets !== undefined && isTlvs(octets)) return toHex(octets);
    context.addIssue({ code: "custom", message: "must be TLVs in hexadecimal" });
    return z.NEVER;
  });
