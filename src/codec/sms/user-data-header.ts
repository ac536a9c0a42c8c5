import { codecError } from "../../base/gateway-error.ts";
import { Reader, Writer } from "../kit/codec.ts";

/** One information element as found; `value` is a view. 3GPP TS 23.040 §9.2.3.24 */
interface InformationElement {
  readonly id: number;
  readonly value: Uint8Array;
}

/** Information elements that otagate can name. 3GPP TS 23.040 §9.2.3.24, TS 31.115 §4 */
export const elementId = {
  concat8: 0x00,
  port8: 0x04,
  port16: 0x05,
  smscControl: 0x06,
  concat16: 0x08,
  command: 0x70,
  response: 0x71,
} as const;

const elementNames = new Map<number, string>([
  [elementId.concat8, "concatenated short messages, 8-bit reference"],
  [0x01, "special SMS message indication"],
  [elementId.port8, "application port addressing, 8-bit"],
  [elementId.port16, "application port addressing, 16-bit"],
  [elementId.smscControl, "SMSC control parameters"],
  [0x07, "UDH source indicator"],
  [elementId.concat16, "concatenated short messages, 16-bit reference"],
  [0x09, "wireless control message protocol"],
  [0x20, "RFC 822 e-mail header"],
  [0x24, "national language single shift"],
  [0x25, "national language locking shift"],
  [elementId.command, "command packet"],
  [elementId.response, "response packet"],
]);

/** Name of an information element identifier. */
export function elementName(id: number): string {
  return elementNames.get(id) ?? (id >= 0x72 && id <= 0x7f ? "(U)SIM toolkit security header" : "unknown element");
}

/** TP-UD cut into its header and what follows. */
export interface UserDataParts {
  readonly elements: readonly InformationElement[];
  /** Octets after the header: a view. */
  readonly body: Uint8Array;
  /** Octets of the header, UDHL included. */
  readonly headerLength: number;
}

/**
 * Cuts TP-UD that starts with a header (TP-UDHI = 1).
 * @throws codec.truncated, codec.length with the offset in `userData` plus `base`
 */
export function readUserDataHeader(userData: Uint8Array, base = 0): UserDataParts {
  const from = new Reader(userData, base);
  const header = from.sub(from.u8("UDHL"), "user data header");
  const elements: InformationElement[] = [];
  while (!header.ended) {
    const id = header.u8("information element identifier");
    elements.push({ id, value: header.take(header.u8("information element length"), "information element") });
  }
  const headerLength = from.offset - base;
  return { elements, body: from.rest(), headerLength };
}

/** UDHL and the elements. @throws codec.length above 255 octets */
export function userDataHeaderBytes(elements: readonly InformationElement[]): Uint8Array {
  const to = new Writer().u8(0);
  for (const element of elements) {
    if (element.value.length > 255) throw codecError("codec.length", "information element too long", to.length);
    to.u8(element.id).u8(element.value.length).bytes(element.value);
  }
  const bytes = to.finish();
  if (bytes.length > 256) throw codecError("codec.length", "user data header too long", 0);
  bytes[0] = bytes.length - 1;
  return bytes;
}

/** What a header states about concatenation. */
export interface Concatenation {
  readonly reference: number;
  readonly referenceBits: 8 | 16;
  readonly total: number;
  /** From 1. */
  readonly sequence: number;
}

/**
 * The concatenation element, wherever it stands; the last one counts when there are several. `"ignored"` for one that
 * the standard asks to ignore (0, or beyond the total, or of a wrong length). 3GPP TS 23.040 §9.2.3.24.1, §9.2.3.24.8
 */
export function concatenationOf(elements: readonly InformationElement[]): Concatenation | "ignored" | undefined {
  let found: Concatenation | "ignored" | undefined;
  for (const { id, value } of elements) {
    if (id !== elementId.concat8 && id !== elementId.concat16) continue;
    const wide = id === elementId.concat16;
    const at = wide ? 2 : 1;
    const total = value[at] ?? 0;
    const sequence = value[at + 1] ?? 0;
    if (value.length !== at + 2 || total === 0 || sequence === 0 || sequence > total) {
      found ??= "ignored";
      continue;
    }
    const high = value[0] ?? 0;
    const reference = wide ? high * 256 + (value[1] ?? 0) : high;
    found = { reference, referenceBits: wide ? 16 : 8, total, sequence };
  }
  return found;
}

/** True for (U)SIM toolkit security headers. 3GPP TS 23.040 §9.2.3.24, TS 31.115 §4 */
export function isToolkitHeader(id: number): boolean {
  return id >= 0x70 && id <= 0x7f;
}

/** Which security header an UDH names: `70` a command packet, `71` a response packet. 3GPP TS 31.115 §4 */
export function securityHeaderOf(elements: readonly InformationElement[]): "command" | "response" | undefined {
  for (const { id } of elements) {
    if (id === elementId.command) return "command";
    if (id === elementId.response) return "response";
  }
  return undefined;
}
