import { isGatewayError } from "../../base/gateway-error.ts";
import { decodePdu, headerOctets, isResponse, type Pdu, type ResponseCommand } from "../../codec/smpp/pdu.ts";

/** A response, as far as it can be decoded. */
interface ReadResponse {
  readonly pdu: Pdu<ResponseCommand>;
  /** Why its body cannot be decoded: then only its status counts. */
  readonly problem?: string;
}

/**
 * Reads a response of the peer, given its header; the given status takes precedence. Never throws, whatever the peer
 * sends.
 */
export function readResponse(
  bytes: Uint8Array,
  header: { readonly command: ResponseCommand; readonly status: number; readonly sequence: number },
): ReadResponse {
  const bare = { ...header, body: undefined };
  if (bytes.length === headerOctets) return { pdu: bare };
  try {
    const pdu = decodePdu(bytes);
    return { pdu: isResponse(pdu) && pdu.status === header.status ? pdu : bare };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { pdu: bare, problem: error.message };
  }
}
