import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { Envelope } from "../../codec/cat/envelope.ts";
import { TerminalResponse } from "../../codec/cat/terminal-response.ts";
import { encode } from "../../codec/kit/codec.ts";

function withBody(ins: number, body: Uint8Array, what: string, le: boolean): Uint8Array {
  if (body.length > 255) throw codecError("codec.length", `${what} of ${body.length} octets`, 0, { field: what });
  const head = Uint8Array.of(0x80, ins, 0x00, 0x00, body.length);
  return concatBytes(head, body, le ? Uint8Array.of(0) : new Uint8Array(0));
}

/** TERMINAL PROFILE. ETSI TS 102 221 §11.2.1 */
export function terminalProfileApdu(profile: Uint8Array): Uint8Array {
  return withBody(0x10, profile, "TERMINAL PROFILE", false);
}

/** ENVELOPE; with Le when response data is expected. ETSI TS 102 221 §11.2.2 @throws codec.length */
export function envelopeApdu(envelope: Envelope, le: boolean): Uint8Array {
  return withBody(0xc2, encode(Envelope, envelope), "ENVELOPE", le);
}

/** FETCH of a command of this many octets (1 to 256). ETSI TS 102 221 §11.2.3 */
export function fetchApdu(length: number): Uint8Array {
  return Uint8Array.of(0x80, 0x12, 0x00, 0x00, length & 0xff);
}

/** TERMINAL RESPONSE. ETSI TS 102 221 §11.2.4 @throws codec.length */
export function terminalResponseApdu(response: TerminalResponse): Uint8Array {
  return withBody(0x14, encode(TerminalResponse, response), "TERMINAL RESPONSE", false);
}

/** STATUS without data, as proactive polling sends it. ETSI TS 102 221 §11.1.2, §14.5.2 */
export const statusApdu: Uint8Array = Uint8Array.of(0x80, 0xf2, 0x00, 0x0c);

/** Whether an APDU is a FETCH or a TERMINAL RESPONSE, on whatever channel. */
export function isFetchOrResponse(apdu: Uint8Array): boolean {
  return ((apdu[0] ?? 0) & 0x80) !== 0 && (apdu[1] === 0x12 || apdu[1] === 0x14);
}
