import { z } from "zod";
import { parseAid, parseTar } from "./aid.ts";
import { parseEid } from "./eid.ts";
import { parseIccid, parseImsi } from "./iccid.ts";
import { parseImei, parseMsisdn } from "./subscriber.ts";

/**
 * Text that a parser of identities takes, as the parser writes it; what it states about a wrong one becomes the issue.
 */
function identity<T extends string>(name: string, parse: (text: string) => T) {
  return z
    .string()
    .max(128, "must have at most 128 characters")
    .transform((text, context) => {
      try {
        return parse(text);
      } catch (error) {
        context.addIssue({ code: "custom", message: reasonOf(error, name) });
        return z.NEVER;
      }
    });
}

/** Why a text was refused, without the name of the identity: the path of the issue names the field. */
function reasonOf(error: unknown, name: string): string {
  return error instanceof Error ? error.message.replace(`${name}: `, "") : `must be an ${name}`;
}

/** An EID, however it is written. */
export const eidText = identity("EID", parseEid);
/** An ICCID with or without fillers, in any case. */
export const iccidText = identity("ICCID", parseIccid);
export const imsiText = identity<string>("IMSI", parseImsi);
/** An MSISDN with or without `+`. */
export const msisdnText = identity<string>("MSISDN", parseMsisdn);
/** An AID in any case. */
export const aidText = z
  .string()
  .regex(/^([0-9a-fA-F]{2}){5,16}$/, "must be an AID of 5 to 16 octets")
  .transform(parseAid);
/** A TAR in any case. */
export const tarText = z
  .string()
  .regex(/^[0-9a-fA-F]{6}$/, "must be a TAR: 6 hexadecimal digits")
  .transform(parseTar);
/** An IMEI or IMEISV. */
export const imeiText = identity<string>("IMEI", parseImei);
