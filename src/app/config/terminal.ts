import { z } from "zod";
import { imeiText } from "../../codec/euicc/identity-shapes.ts";
import { isLanguageCode } from "./language-codes.ts";

/** Facts that the terminal reports to cards in readers. */
export const TerminalConfig = z.strictObject({
  imei: imeiText.pipe(z.string().length(15, "must have 15 digits")).default("350000000000006"),
  imeisv: imeiText.pipe(z.string().length(16, "must have 16 digits")).optional(),
  /** MCC and MNC, 5 or 6 digits. */
  plmn: z
    .string()
    .regex(/^[0-9]{5,6}$/)
    .default("00101"),
  areaCode: z.number().int().min(0).max(0xffff).default(1),
  cellId: z.number().int().min(0).max(0xfffffff).default(1),
  timeZoneQuarters: z.number().int().min(-48).max(56).default(0),
  language: z
    .string()
    .refine(isLanguageCode, "must be a language code of two lower-case letters (ISO 639-1), such as 'en'")
    .default("en"),
  /** TERMINAL PROFILE, hexadecimal; by default that of the implemented functions. */
  profile: z
    .string()
    .regex(/^([0-9a-fA-F]{2})+$/)
    .optional(),
  /** DISPLAY TEXT is answered as displayed; otherwise as beyond the terminal's capabilities. */
  display: z.boolean().default(false),
  /** REFRESH with UICC reset is answered before the reset. ETSI TS 102 223 §6.4.7 */
  answerReset: z.boolean().default(false),
  /** Warnings and 6FXX to an SMS-PP download are acknowledgements. 3GPP TS 31.111 §7.1.1.2 */
  release18: z.boolean().default(false),
});
