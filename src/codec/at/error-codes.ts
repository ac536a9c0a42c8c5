import type { RetryClass } from "../../base/error-catalogue.ts";

/** A numbered refusal: its words and what may be done about it. */
interface AtErrorCode {
  readonly text: string;
  readonly retry: RetryClass;
}

type Table = ReadonlyMap<number, AtErrorCode>;

function table(retry: RetryClass, later: readonly number[], texts: Readonly<Record<number, string>>): Table {
  return new Map(
    Object.entries(texts).map(([code, text]) => {
      return [Number(code), { text, retry: later.includes(Number(code)) ? "later" : retry }];
    }),
  );
}

/** Transient states of the equipment, the card after a switch, and the network. */
const cmeLater = [
  0, 1, 2, 10, 13, 14, 20, 23, 30, 31, 32, 52, 57, 60, 62, 100, 107, 108, 112, 113, 115, 119, 122, 126, 130, 131, 134,
  148,
];

/** +CME ERROR. TS 27.007 §9.2 */
const cmeErrors: Table = table("never", cmeLater, {
  0: "phone failure",
  1: "no connection to phone",
  2: "phone adaptor link reserved",
  3: "operation not allowed",
  4: "operation not supported",
  5: "PH-SIM PIN required",
  6: "PH-FSIM PIN required",
  7: "PH-FSIM PUK required",
  10: "SIM not inserted",
  11: "SIM PIN required",
  12: "SIM PUK required",
  13: "SIM failure",
  14: "SIM busy",
  15: "SIM wrong",
  16: "incorrect password",
  17: "SIM PIN2 required",
  18: "SIM PUK2 required",
  20: "memory full",
  21: "invalid index",
  22: "not found",
  23: "memory failure",
  24: "text string too long",
  25: "invalid characters in text string",
  26: "dial string too long",
  27: "invalid characters in dial string",
  30: "no network service",
  31: "network timeout",
  32: "network not allowed - emergency calls only",
  40: "network personalization PIN required",
  41: "network personalization PUK required",
  42: "network subset personalization PIN required",
  43: "network subset personalization PUK required",
  44: "service provider personalization PIN required",
  45: "service provider personalization PUK required",
  46: "corporate personalization PIN required",
  47: "corporate personalization PUK required",
  48: "hidden key required",
  49: "EAP method not supported",
  50: "incorrect parameters",
  51: "command implemented but currently disabled",
  52: "command aborted by user",
  53: "not attached to network due to MT functionality restrictions",
  54: "modem not allowed - MT restricted to emergency calls only",
  55: "operation not allowed because of MT functionality restrictions",
  56: "fixed dial number only allowed",
  57: "temporarily out of service due to other MT usage",
  58: "language/alphabet not supported",
  59: "unexpected data value",
  60: "system failure",
  61: "data missing",
  62: "call barred",
  63: "message waiting indication subscription failure",
  100: "unknown",
  103: "illegal MS",
  106: "illegal ME",
  107: "GPRS services not allowed",
  108: "GPRS services and non-GPRS services not allowed",
  111: "PLMN not allowed",
  112: "location area not allowed",
  113: "roaming not allowed in this location area",
  115: "no suitable cells in location area",
  119: "ESM failure",
  122: "congestion",
  126: "insufficient resources",
  127: "missing or unknown APN",
  128: "unknown PDP address or PDP type",
  129: "user authentication failed",
  130: "activation rejected by GGSN, serving GW or PDN GW",
  131: "activation rejected, unspecified",
  132: "service option not supported",
  133: "requested service option not subscribed",
  134: "service option temporarily out of order",
  148: "unspecified GPRS error",
  149: "PDP authentication failure",
  150: "invalid mobile class",
  151: "last PDN disconnection not allowed",
  171: "last PDN disconnection not allowed",
});

/** Problems of the network, the state of the card, and problems of the equipment; all others are permanent. */
const cmsLater = [
  38, 41, 42, 47, 98, 111, 127, 192, 194, 208, 209, 211, 212, 300, 310, 313, 314, 320, 322, 331, 332, 340, 500, 512,
  521, 524, 532, 615, 767, 770,
];

/** +CMS ERROR: 1-127 RP cause (TS 24.011 E-2), 128-255 TP-FCS (TS 23.040 §9.2.3.22), 300-511 TS 27.005 §3.2.5. */
const cmsErrors: Table = table("never", cmsLater, {
  1: "unassigned number",
  8: "operator determined barring",
  10: "call barred",
  21: "short message transfer rejected",
  27: "destination out of service",
  28: "unidentified subscriber",
  29: "facility rejected",
  30: "unknown subscriber",
  38: "network out of order",
  41: "temporary failure",
  42: "congestion",
  47: "resources unavailable, unspecified",
  50: "requested facility not subscribed",
  69: "requested facility not implemented",
  81: "invalid short message transfer reference value",
  95: "invalid message, unspecified",
  96: "invalid mandatory information",
  97: "message type non-existent or not implemented",
  98: "message not compatible with short message protocol state",
  99: "information element non-existent or not implemented",
  111: "protocol error, unspecified",
  127: "interworking, unspecified",
  128: "telematic interworking not supported",
  129: "short message type 0 not supported",
  130: "cannot replace short message",
  143: "unspecified TP-PID error",
  144: "data coding scheme (alphabet) not supported",
  145: "message class not supported",
  159: "unspecified TP-DCS error",
  160: "command cannot be actioned",
  161: "command unsupported",
  175: "unspecified TP-command error",
  176: "TPDU not supported",
  192: "SC busy",
  193: "no SC subscription",
  194: "SC system failure",
  195: "invalid SME address",
  196: "destination SME barred",
  197: "SM rejected - duplicate SM",
  198: "TP-VPF not supported",
  199: "TP-VP not supported",
  208: "SIM SMS storage full",
  209: "no SMS storage capability in SIM",
  210: "error in MS",
  211: "memory capacity exceeded",
  212: "SIM application toolkit busy",
  213: "SIM data download error",
  255: "unspecified error cause",
  300: "ME failure",
  301: "SMS service of ME reserved",
  302: "operation not allowed",
  303: "operation not supported",
  304: "invalid PDU mode parameter",
  305: "invalid text mode parameter",
  310: "SIM not inserted",
  311: "SIM PIN required",
  312: "PH-SIM PIN required",
  313: "SIM failure",
  314: "SIM busy",
  315: "SIM wrong",
  316: "SIM PUK required",
  317: "SIM PIN2 required",
  318: "SIM PUK2 required",
  320: "memory failure",
  321: "invalid memory index",
  322: "memory full",
  330: "SMSC address unknown",
  331: "no network service",
  332: "network timeout",
  340: "no +CNMA acknowledgement expected",
  500: "unknown error",
  512: "user abort",
  513: "unable to store",
  514: "invalid status",
  515: "invalid character in address string",
  516: "invalid length",
  517: "invalid character in PDU",
  518: "invalid parameter",
  519: "invalid length or character",
  520: "invalid character in text",
  521: "timer expired",
  524: "SMS client unregistered",
  532: "SIM not ready",
  538: "invalid parameter",
  549: "invalid PDU length",
  550: "invalid PDU type",
  551: "invalid PDU address",
  552: "invalid PDU parameter",
  553: "PDU too long",
  554: "PDU too short",
  615: "network failure",
  767: "operation failed",
  770: "SIM invalid",
});

/** What a +CME ERROR number means; unlisted ones are retried later. */
export function cmeError(code: number | undefined): AtErrorCode {
  return (code === undefined ? undefined : cmeErrors.get(code)) ?? { text: "unlisted", retry: "later" };
}

/** What a +CMS ERROR number means; unlisted ones are retried later. */
export function cmsError(code: number | undefined): AtErrorCode {
  return (code === undefined ? undefined : cmsErrors.get(code)) ?? { text: "unlisted", retry: "later" };
}

/** Letters and digits only, so that spelling of `+CMEE=2` texts does not matter. */
function bare(text: string): string {
  return text
    .toLowerCase()
    .replace(/\(u\)sim|usim|uicc|sim card/g, "sim")
    .replace(/[^a-z0-9]/g, "");
}

const cmeTexts = textIndex(cmeErrors, {
  "parameters error": 50,
  "invalid parameter": 50,
  "invalid parameters": 50,
  "SIM not ready": 14,
  "SIM blocked": 13,
  "incorrect parameter": 50,
  "operation not permitted": 3,
  "command not supported": 4,
  "no network": 30,
  "unknown error": 100,
});
const cmsTexts = textIndex(cmsErrors, {
  "ME memory full": 322,
  "unknown SMSC address": 330,
  "SMSC unknown": 330,
  "no network": 331,
  "CNMA acknowledgement not expected": 340,
  "no CNMA acknowledgement expected": 340,
  "invalid PDU parameter": 304,
  "SIM card not inserted": 310,
  unknown: 500,
});

function textIndex(codes: Table, more: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  const index = new Map<string, number>();
  for (const [code, entry] of codes) if (!index.has(bare(entry.text))) index.set(bare(entry.text), code);
  for (const [text, code] of Object.entries(more)) index.set(bare(text), code);
  return index;
}

/** The number of a verbose +CME ERROR, regardless of its spelling. */
export function cmeByText(text: string): number | undefined {
  return cmeTexts.get(bare(text));
}

/** The number of a verbose +CMS ERROR, regardless of its spelling. */
export function cmsByText(text: string): number | undefined {
  return cmsTexts.get(bare(text));
}
