import { withoutUndefined } from "../../src/base/defined.ts";
import type { ErrorCode } from "../../src/base/error-catalogue.ts";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { accessDenied } from "./access-rule.ts";

/** Result codes of PC/SC that the driver acts on. pcsc-lite pcsclite.h */
export const pcscResult = {
  success: 0,
  notTransacted: 0x80100016,
  sharingViolation: 0x8010000b,
  noService: 0x8010001d,
  serviceStopped: 0x8010001e,
  securityViolation: 0x8010006a,
} as const;

interface Meaning {
  readonly name: string;
  /** While the card is being taken. */
  readonly connect: ErrorCode;
  /** While it is in use. */
  readonly exchange: ErrorCode;
}

function both(name: string, code: ErrorCode): Meaning {
  return { name, connect: code, exchange: code };
}

const meanings = new Map<number, Meaning>([
  [0x80100001, both("SCARD_F_INTERNAL_ERROR", "link.service")],
  [0x80100002, both("SCARD_E_CANCELLED", "link.unavailable")],
  [0x80100003, both("SCARD_E_INVALID_HANDLE", "link.lost")],
  [0x80100004, both("SCARD_E_INVALID_PARAMETER", "card.protocol")],
  [0x80100006, both("SCARD_E_NO_MEMORY", "link.service")],
  [0x80100008, both("SCARD_E_INSUFFICIENT_BUFFER", "card.protocol")],
  [0x80100009, { name: "SCARD_E_UNKNOWN_READER", connect: "link.unknown", exchange: "link.lost" }],
  [0x8010000a, both("SCARD_E_TIMEOUT", "card.mute")],
  [0x8010000b, both("SCARD_E_SHARING_VIOLATION", "link.busy")],
  [0x8010000c, { name: "SCARD_E_NO_SMARTCARD", connect: "card.absent", exchange: "card.removed" }],
  [0x8010000d, both("SCARD_E_UNKNOWN_CARD", "card.unresponsive")],
  [0x8010000f, { name: "SCARD_E_PROTO_MISMATCH", connect: "card.unresponsive", exchange: "card.protocol" }],
  [0x80100010, both("SCARD_E_NOT_READY", "link.unavailable")],
  [0x80100011, both("SCARD_E_INVALID_VALUE", "card.protocol")],
  [0x80100013, both("SCARD_F_COMM_ERROR", "link.service")],
  [0x80100014, both("SCARD_F_UNKNOWN_ERROR", "card.protocol")],
  [0x80100016, { name: "SCARD_E_NOT_TRANSACTED", connect: "card.unresponsive", exchange: "card.mute" }],
  [0x80100017, { name: "SCARD_E_READER_UNAVAILABLE", connect: "link.unavailable", exchange: "link.lost" }],
  [0x8010001d, both("SCARD_E_NO_SERVICE", "link.service")],
  [0x8010001e, both("SCARD_E_SERVICE_STOPPED", "link.service")],
  [0x8010001f, { name: "SCARD_E_UNEXPECTED", connect: "card.unresponsive", exchange: "card.protocol" }],
  [0x80100022, { name: "SCARD_E_UNSUPPORTED_FEATURE", connect: "card.unresponsive", exchange: "card.protocol" }],
  [0x8010002e, { name: "SCARD_E_NO_READERS_AVAILABLE", connect: "link.unknown", exchange: "link.lost" }],
  [0x80100065, both("SCARD_W_UNSUPPORTED_CARD", "card.unresponsive")],
  [0x80100066, both("SCARD_W_UNRESPONSIVE_CARD", "card.unresponsive")],
  [0x80100067, { name: "SCARD_W_UNPOWERED_CARD", connect: "card.unresponsive", exchange: "card.reset" }],
  [0x80100068, both("SCARD_W_RESET_CARD", "card.reset")],
  [0x80100069, { name: "SCARD_W_REMOVED_CARD", connect: "card.absent", exchange: "card.removed" }],
  [0x8010006a, both("SCARD_W_SECURITY_VIOLATION", "link.denied")],
]);

/** The error for a result code; `detail.rv` keeps the number, `detail.pcsc` its name. */
export function pcscError(rv: number, phase: "connect" | "exchange", reader: string, cause?: unknown): GatewayError {
  if (rv === pcscResult.securityViolation)
    return accessDenied(
      `${reader}: SCARD_W_SECURITY_VIOLATION (0x8010006A)`,
      { rv, pcsc: "SCARD_W_SECURITY_VIOLATION", reader },
      cause,
    );
  const meaning = meanings.get(rv) ?? both("unknown result code", "card.protocol");
  const hex = `0x${rv.toString(16).toUpperCase().padStart(8, "0")}`;
  return new GatewayError(meaning[phase], `${reader}: ${meaning.name} (${hex})`, {
    detail: { rv, pcsc: meaning.name, reader },
    ...withoutUndefined({ cause }),
  });
}
