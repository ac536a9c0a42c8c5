import { z } from "zod";
import { isGatewayError } from "../../../base/gateway-error.ts";
import { fromHex, toHex } from "../../../base/hex.ts";

/** Hexadecimal text as octets, of an exact number if one is given. */
export function hexField(octets?: number) {
  return z.string().transform((text, context): Uint8Array => {
    try {
      const bytes = fromHex(text);
      if (octets === undefined || bytes.length === octets) return bytes;
      context.addIssue({ code: "custom", message: `${bytes.length} octets instead of ${octets}` });
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      // parseInput turns it into the codec's own error again, so that code and offset are the same wherever octets are
      // given.
      context.addIssue({ code: "custom", message: error.message, params: { code: error.code, ...error.detail } });
    }
    return z.NEVER;
  });
}

/** One octet in hexadecimal. */
export const octetField = hexField(1).transform((bytes) => bytes[0] ?? 0);

/** A counter of five octets in hexadecimal. */
export const counterField = hexField(5).transform((bytes) => Number.parseInt(toHex(bytes), 16));

/** One text or several. */
export const hexListField = z
  .union([z.string().transform((text) => [text]), z.array(z.string())], { error: "hexadecimal text or a list of it" })
  .pipe(z.array(hexField()));

/** The algorithm that nibble 0 of KIc and KID means on the card. */
export const implicitField = z.enum(["AES", "3DES", "DES"]);

/** A counter as five octets of hexadecimal. */
export function counterText(cntr: number): string {
  return cntr.toString(16).toUpperCase().padStart(10, "0");
}

/** An octet as two hexadecimal digits. */
export function octetText(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, "0");
}

/** A status word as four hexadecimal digits. */
export function swText(sw: number): string {
  return sw.toString(16).toUpperCase().padStart(4, "0");
}

/** Whether a packet or script is a command or a response; any other word, as in lists of vectors, is ignored. */
export const kindField = z
  .string()
  .nullish()
  .transform((text) => (text === "command" || text === "response" ? text : undefined));
