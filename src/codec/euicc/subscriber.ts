import type { Brand } from "../../base/brand.ts";
import { codecError } from "../../base/gateway-error.ts";

/** MSISDN: 3 to 15 digits in international form without `+`, made by {@link parseMsisdn}. ITU-T E.164 */
type Msisdn = Brand<string, "Msisdn">;

/** IMEI or IMEISV: 14 to 16 digits, made by {@link parseImei}. 3GPP TS 23.003 §6.2 */
type Imei = Brand<string, "Imei">;

function isMsisdn(text: string): text is Msisdn {
  return /^\d{3,15}$/.test(text);
}

function isImei(text: string): text is Imei {
  return /^\d{14,16}$/.test(text);
}

/**
 * Text of an MSISDN; `+`, blanks, dashes, dots, slashes and parentheses are dropped. The message never quotes the text,
 * which may be a key in the wrong column. @throws codec.text
 */
export function parseMsisdn(text: string): Msisdn {
  const digits = text.replace(/[\s().\-/]+/g, "").replace(/^\+/, "");
  if (isMsisdn(digits)) return digits;
  const bad = digits.search(/\D/);
  if (bad >= 0) throw codecError("codec.text", `MSISDN: character ${bad + 1} is not a digit`, bad, { field: "msisdn" });
  const message = `MSISDN: must have 3 to 15 digits, not ${digits.length}`;
  throw codecError("codec.text", message, digits.length, { field: "msisdn" });
}

/** Text of an IMEI (14 digits, or 15 with its check digit) or IMEISV (16); separators are dropped. @throws codec.text */
export function parseImei(text: string): Imei {
  const digits = text.replace(/[\s\-/]+/g, "");
  if (isImei(digits)) return digits;
  const bad = digits.search(/\D/);
  if (bad >= 0) throw codecError("codec.text", `IMEI: character ${bad + 1} is not a digit`, bad, { field: "imei" });
  throw codecError("codec.text", `IMEI: must have 14 to 16 digits, not ${digits.length}`, digits.length, {
    field: "imei",
  });
}
