/** How an SMSC spells the id of a message in its response and in its receipt. */
export const messageIdForms = ["auto", "same", "resp-hex", "dlr-hex"] as const;
export type MessageIdForm = (typeof messageIdForms)[number];

const maxNumberLength = 32;

/** Case and leading zeros do not count; the braces and hyphens of a UUID do not either. */
export function canonicalId(id: string): string {
  const lower = id.trim().toLowerCase();
  const plain = /^\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/.test(lower) ? lower.replace(/[{}-]/g, "") : lower;
  return plain.replace(/^0x(?=[0-9a-f]+$)/, "").replace(/^0+(?=.)/, "");
}

function hexToDecimal(id: string): string | undefined {
  if (!/^(0x)?[0-9a-f]+$/i.test(id) || id.length > maxNumberLength) return undefined;
  return BigInt(id.toLowerCase().startsWith("0x") ? id : `0x${id}`).toString(10);
}

function decimalToHex(id: string): string | undefined {
  if (!/^\d+$/.test(id) || id.length > maxNumberLength) return undefined;
  return BigInt(id).toString(16);
}

/**
 * Spellings under which a receipt's id may have been given in the response, the likeliest first, all canonical.
 * `auto` tries equality, then response hex and receipt decimal, then the reverse.
 */
export function responseSpellings(receiptId: string, form: MessageIdForm): readonly string[] {
  const same = canonicalId(receiptId);
  const asHex = decimalToHex(same);
  const asDecimal = hexToDecimal(same);
  const found =
    form === "same"
      ? [same]
      : form === "resp-hex"
        ? [asHex]
        : form === "dlr-hex"
          ? [asDecimal]
          : [same, asHex, asDecimal];
  return found.filter((one, at): one is string => one !== undefined && found.indexOf(one) === at);
}

/** Which form explains that this response id and this receipt id are one message; undefined when none does. */
export function formOf(responseId: string, receiptId: string): Exclude<MessageIdForm, "auto"> | undefined {
  const wanted = canonicalId(responseId);
  const forms = ["same", "resp-hex", "dlr-hex"] as const;
  return forms.find((form) => responseSpellings(receiptId, form).includes(wanted));
}

/** True for ids that some SMSCs give to every message: they name none. */
export function isUselessId(id: string): boolean {
  return /^(0*|msg_id_not_implemented)$/.test(id);
}
