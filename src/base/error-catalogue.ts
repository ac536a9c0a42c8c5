import { campaignErrors, notificationErrors, scenarioErrors } from "./errors/campaign.ts";
import { cardErrors, linkErrors } from "./errors/card.ts";
import { codecErrors } from "./errors/codec.ts";
import { cryptoErrors, packetErrors } from "./errors/crypto.ts";
import { downloadErrors } from "./errors/download.ts";
import { apiErrors, configErrors, jobErrors, storeErrors, targetErrors, tokenErrors } from "./errors/gateway.ts";
import { modemErrors, profileErrors } from "./errors/modem.ts";
import { scp81Errors, upstreamErrors } from "./errors/scp81.ts";
import { smscErrors } from "./errors/smsc.ts";

/** Whether the same work may be repeated after an error: never, later (with back-off), or now (on refreshed state). */
export type RetryClass = "never" | "later" | "now";

/** One catalogued error. */
export interface ErrorEntry {
  /** What is wrong, as text. */
  readonly text: string;
  /** HTTP status. */
  readonly http: number;
  /** Exit code of a command. */
  readonly exit: number;
  readonly retry: RetryClass;
  /** The remedy. */
  readonly advice: string;
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
  ...downloadErrors,
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

/** The prefix of a code. */
type ErrorFamily = ErrorCode extends `${infer Family}.${string}` ? Family : never;

/** Titles of the families. */
export const errorFamilies = {
  codec: "Octets and text that do not follow their format",
  crypto: "Keys, algorithms and signatures",
  packet: "SCP80 packets and their responses",
  card: "Cards and card readers",
  link: "Links to hardware and networks",
  job: "Jobs",
  switch: "Profile switches",
  target: "Targets",
  notification: "Notifications",
  campaign: "Campaigns",
  download: "Downloads of profile packages",
  scenario: "Scenarios",
  store: "The store",
  config: "Configuration",
  api: "The HTTP API and the command line",
  token: "API tokens",
  modem: "Modems",
  profile: "Hardware profiles",
  smsc: "SMPP, as a client of an SMSC or as one",
  scp81: "SCP81 sessions",
  upstream: "Upstream SM-SRs",
} as const satisfies Record<ErrorFamily, string>;

/** True for a code of the catalogue. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}

/** All codes, in the order of the catalogue. */
export const errorCodes: readonly ErrorCode[] = Object.keys(errorCatalogue).filter(isErrorCode);
