import { codecError } from "../../../base/gateway-error.ts";
import { concatBytes, fromHex } from "../../../base/hex.ts";
import { gsm7Septets } from "../../kit/gsm7.ts";
import { bcdAddressBytes, parseAddress } from "../../sms/address.ts";

/** Octets of a value from its text. No message quotes a value. */

/** Hexadecimal text of a key or another field. @throws codec.text, codec.length */
export function hexValue(name: string, text: string, lengths: readonly number[] | undefined): Uint8Array {
  const bare = text.replace(/[\s:]+/g, "").replace(/^0x/i, "");
  const bad = bare.search(/[^0-9a-f]/i);
  if (bad >= 0 || bare === "" || bare.length % 2 !== 0) {
    const why =
      bad >= 0 ? `character ${bad + 1} is not a hexadecimal digit` : `it has ${bare.length} hexadecimal digits`;
    throw codecError("codec.text", `${name}: ${why}`, Math.max(0, bad), { field: name });
  }
  const octets = fromHex(bare);
  if (lengths !== undefined && !lengths.includes(octets.length)) {
    const message = `${name} must have ${lengths.join(" or ")} octets, not ${octets.length}`;
    throw codecError("codec.length", message, 0, { field: name });
  }
  return octets;
}

/** A PIN, PUK or administrative key: 4 to 8 digits, or 8 octets in hexadecimal. ETSI TS 102 221 §9.5.1 */
export function codeValue(
  name: string,
  text: string,
  digits: { readonly min: number; readonly max: number },
): Uint8Array {
  const bare = text.trim();
  if (/^[0-9a-f]{16}$/i.test(bare)) return fromHex(bare);
  if (/^\d+$/.test(bare) && bare.length >= digits.min && bare.length <= digits.max) {
    return Uint8Array.from({ length: 8 }, (_, i) => (i < bare.length ? bare.charCodeAt(i) : 0xff));
  }
  const count = digits.min === digits.max ? `${digits.min}` : `${digits.min} to ${digits.max}`;
  const message = `${name} must have ${count} digits, or 16 hexadecimal digits`;
  throw codecError("codec.text", message, 0, { field: name });
}

/** A telephone number as type of number and swapped digits. @throws codec.text, codec.length */
export function numberValue(name: string, text: string): Uint8Array {
  const bare = text.replace(/[\s-]+/g, "");
  if (!/^\+?\d{1,20}$/.test(bare)) {
    throw codecError("codec.text", `${name} must be 1 to 20 digits, with + before an international number`, 0, {
      field: name,
    });
  }
  return bcdAddressBytes(parseAddress(bare));
}

/** A name for display in a field of a fixed length, filled up with FF: GSM alphabet, otherwise UCS2. ETSI TS 102 221 annex A */
export function alphaValue(name: string, text: string, length: number): Uint8Array {
  const coded = alphaOctets(text);
  if (coded.length > length) {
    const message = `${name} has ${coded.length} octets, and at most ${length} fit`;
    throw codecError("codec.length", message, 0, { field: name });
  }
  return concatBytes(coded, new Uint8Array(length - coded.length).fill(0xff));
}

function alphaOctets(text: string): Uint8Array {
  try {
    return Uint8Array.from(gsm7Septets(text));
  } catch {
    const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
    return Uint8Array.from([0x80, ...units.flatMap((unit) => [unit >> 8, unit & 0xff])]);
  }
}
