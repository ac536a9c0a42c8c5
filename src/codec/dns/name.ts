import { codecError } from "../../base/gateway-error.ts";
import type { Writer } from "../kit/codec.ts";

/** A domain name found in a message, and where the octets after it start. */
interface FoundName {
  /** Labels joined by dots, lower case; empty for the root. */
  readonly name: string;
  readonly next: number;
}

/** Pointers that one name may follow; a name has at most 127 labels. */
const maxJumps = 127;

function octetAt(message: Uint8Array, at: number): number {
  const octet = message[at];
  if (octet === undefined) throw codecError("codec.truncated", "domain name ends early", at, { field: "name" });
  return octet;
}

/** Reads a name with its compression pointers, which must point backwards. RFC 1035 §4.1.4 */
export function readName(message: Uint8Array, offset: number): FoundName {
  const labels: string[] = [];
  let at = offset;
  let next: number | undefined;
  let length = 0;
  let jumps = 0;
  for (;;) {
    const octet = octetAt(message, at);
    if (octet === 0) return { name: labels.join("."), next: next ?? at + 1 };
    if ((octet & 0xc0) === 0xc0) {
      const target = ((octet & 0x3f) << 8) | octetAt(message, at + 1);
      next ??= at + 2;
      if (target >= at || ++jumps > maxJumps) {
        throw codecError("codec.value", "name pointer does not point backwards", at, { field: "name" });
      }
      at = target;
      continue;
    }
    if (octet & 0xc0) throw codecError("codec.value", "reserved label type", at, { field: "name" });
    const label = message.subarray(at + 1, at + 1 + octet);
    if (label.length < octet) throw codecError("codec.truncated", "label ends early", at, { field: "name" });
    length += octet + 1;
    if (length > 254)
      throw codecError("codec.length", "domain name of more than 254 octets", offset, { field: "name" });
    labels.push(Buffer.from(label).toString("latin1").toLowerCase());
    at += octet + 1;
  }
}

/** Writes a name without compression. @throws codec.length */
export function writeName(to: Writer, name: string): void {
  for (const label of name === "" ? [] : name.split(".")) {
    const octets = Buffer.from(label, "latin1");
    if (octets.length === 0 || octets.length > 63) {
      throw codecError("codec.length", `label '${label}' of a domain name`, to.length, { field: "name" });
    }
    to.u8(octets.length).bytes(octets);
  }
  to.u8(0);
}
