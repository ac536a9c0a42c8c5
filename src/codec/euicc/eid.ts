import type { Brand } from "../../base/brand.ts";
import { codecError } from "../../base/gateway-error.ts";
import { plainBcd } from "../kit/bcd.ts";

/** EID: 32 decimal digits, made by {@link parseEid} or {@link eidFromOctets}. SGP.02 §2.2.2, SGP.29 */
export type Eid = Brand<string, "Eid">;

function isEid(text: string): text is Eid {
  return /^\d{32}$/.test(text);
}

/**
 * Text of an EID; blanks and dashes are skipped, and the 32 digits may stand as ASCII in hexadecimal, as some EIS carry
 * them. Check digits are not verified, since test cards carry any (see {@link eidCheckDigitsOk}). The message never
 * quotes the text, which may be a key in the wrong column. @throws codec.text
 */
export function parseEid(text: string): Eid {
  const bare = text.replace(/[\s-]+/g, "");
  const digits = /^(3[0-9]){32}$/.test(bare) ? Buffer.from(bare, "hex").toString("latin1") : bare;
  if (!isEid(digits)) {
    const bad = digits.search(/\D/);
    if (bad >= 0) throw codecError("codec.text", `EID: character ${bad + 1} is not a digit`, bad, { field: "eid" });
    throw codecError("codec.text", `EID: must have 32 digits, not ${digits.length}`, digits.length, { field: "eid" });
  }
  return digits;
}

/**
 * EID as cards and documents carry it: 16 octets of plain BCD, or the 32 digits in ASCII.
 * @throws codec.length, codec.value
 */
export function eidFromOctets(octets: Uint8Array, offset = 0): Eid {
  if (octets.length !== 16 && octets.length !== 32) {
    throw codecError("codec.length", `EID: must have 16 or 32 octets, not ${octets.length}`, offset, { field: "eid" });
  }
  const bytes = Buffer.from(octets);
  const digits = octets.length === 16 ? bytes.toString("hex") : bytes.toString("latin1");
  if (!isEid(digits)) throw codecError("codec.value", "EID: must contain only digits", offset, { field: "eid" });
  return digits;
}

/** The 16 octets of plain BCD. */
export function eidOctets(eid: Eid): Uint8Array {
  return plainBcd(eid);
}

/** The two check digits for the first 30 digits. ISO/IEC 7064 MOD 97-10, SGP.29 */
export function eidCheckDigits(first30: string): string {
  if (!/^\d{30}$/.test(first30)) throw codecError("codec.text", "EID: must have 30 digits here", 0, { field: "eid" });
  return String(98n - (BigInt(`${first30}00`) % 97n)).padStart(2, "0");
}

/** Whether the check digits of an EID hold: otherwise only a warning is given, the card is not refused. */
export function eidCheckDigitsOk(eid: Eid): boolean {
  return BigInt(eid) % 97n === 1n;
}
