import { codecError } from "../../base/gateway-error.ts";

/** A response APDU: data and status word. ISO/IEC 7816-4 §5.1 */
interface ResponseApdu {
  /** A view of the octets before SW1 SW2. */
  readonly data: Uint8Array;
  /** SW1 × 256 + SW2. */
  readonly sw: number;
}

/** Reads a response. @throws codec.truncated below two octets */
export function parseResponse(octets: Uint8Array): ResponseApdu {
  const end = octets.length - 2;
  const sw1 = octets[end];
  const sw2 = octets[end + 1];
  if (sw1 === undefined || sw2 === undefined) {
    throw codecError("codec.truncated", `R-APDU: ${octets.length} octets, at least 2`, 0, { field: "R-APDU" });
  }
  return { data: octets.subarray(0, end), sw: sw1 * 256 + sw2 };
}
