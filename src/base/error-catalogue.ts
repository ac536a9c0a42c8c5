import { campaignErrors, notificationErrors, scenarioErrors } from "./errors/campaign.ts";
import { cardErrors, linkErrors } from "./errors/card.ts";
import { codecErrors } from "./errors/codec.ts";
import { cryptoErrors, packetErrors } from "./errors/crypto.ts";
import { apiErrors, configErrors, jobErrors, storeErrors, targetErrors, tokenErrors } from "./errors/gateway.ts";
import { modemErrors, profileErrors } from "./errors/modem.ts";
import { scp81Errors, upstreamErrors } from "./errors/scp81.ts";
import { smscErrors } from "./errors/smsc.ts";

/** What may be done after an error: never the same again, later (back-off), or now (state was refreshed). */
export type RetryClass = "never" | "later" | "now";

/** One catalogued error: its text for people, HTTP status, CLI exit code and retry class. */
export interface ErrorEntry {
  readonly text: string;
  readonly http: number;
  readonly exit: number;
  readonly retry: RetryClass;
}

/** Every error code of the product. A family lives in one file of `errors/`; codes are `family.name`. */
export const errorCatalogue = {
  ...codecErrors,
  ...cryptoErrors,
  ...packetErrors,
  ...cardErrors,
  ...linkErrors,
  ...jobErrors,
  ...targetErrors,
  ...notificationErrors,
  ...campaignErrors,
  ...scenarioErrors,
  ...storeErrors,
  ...configErrors,
  ...apiErrors,
  ...tokenErrors,
  ...modemErrors,
  ...profileErrors,
  ...smscErrors,
  ...scp81Errors,
  ...upstreamErrors,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** True for a code of the catalogue. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}

/** All codes, in the order of the catalogue. */
export const errorCodes: readonly ErrorCode[] = Object.keys(errorCatalogue).filter(isErrorCode);
