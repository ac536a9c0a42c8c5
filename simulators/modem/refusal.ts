import { GatewayError, isGatewayError } from "../../src/base/gateway-error.ts";

/** Ends the command with `+CME ERROR`. 3GPP TS 27.007 §9.2 @throws modem.cme, always */
export function refuseCme(code: number): never {
  throw new GatewayError("modem.cme", cmeText(code), { detail: { code } });
}

/** Ends the command with `+CMS ERROR`. 3GPP TS 27.005 §3.2.5 @throws modem.cms, always */
export function refuseCms(code: number): never {
  throw new GatewayError("modem.cms", cmsText(code), { detail: { code } });
}

/** Ends the command with plain ERROR. @throws modem.refused, always */
export function refusePlain(): never {
  throw new GatewayError("modem.refused", "ERROR");
}

/** The final line for whatever a command threw, at this level of +CMEE. */
export function finalOf(error: unknown, cmee: number): string {
  const code = isGatewayError(error) && typeof error.detail.code === "number" ? error.detail.code : undefined;
  if (cmee === 0 || code === undefined) return "ERROR";
  if (isGatewayError(error, "modem.cms")) return `+CMS ERROR: ${cmee === 2 ? cmsText(code) : code}`;
  if (isGatewayError(error, "modem.cme")) return `+CME ERROR: ${cmee === 2 ? cmeText(code) : code}`;
  return "ERROR";
}

const cmeTexts: Readonly<Record<number, string>> = {
  0: "phone failure",
  3: "operation not allowed",
  4: "operation not supported",
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
  50: "incorrect parameters",
  51: "command implemented but currently disabled",
  52: "command aborted by user",
  53: "not attached to network due to MT functionality restrictions",
  60: "system failure",
  100: "unknown",
  107: "GPRS services not allowed",
  132: "service option not supported",
  133: "requested service option not subscribed",
  148: "unspecified GPRS error",
};

const cmsTexts: Readonly<Record<number, string>> = {
  300: "ME failure",
  301: "SMS service of ME reserved",
  302: "operation not allowed",
  303: "operation not supported",
  304: "invalid PDU mode parameter",
  305: "invalid text mode parameter",
  310: "SIM not inserted",
  311: "SIM PIN required",
  313: "SIM failure",
  314: "SIM busy",
  316: "SIM PUK required",
  320: "memory failure",
  321: "invalid memory index",
  322: "memory full",
  330: "SMSC address unknown",
  331: "no network service",
  332: "network timeout",
  340: "no +CNMA acknowledgement expected",
  500: "unknown error",
};

function cmeText(code: number): string {
  return cmeTexts[code] ?? "unknown";
}

function cmsText(code: number): string {
  return cmsTexts[code] ?? (code < 128 ? `RP cause ${code}` : "unknown error");
}
