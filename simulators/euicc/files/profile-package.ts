import { isGatewayError } from "../../../src/base/gateway-error.ts";
import { toHex } from "../../../src/base/hex.ts";
import { readTlv, readTlvs, type Tlv, tlvBytes } from "../../../src/codec/kit/ber.ts";
import { Reader } from "../../../src/codec/kit/codec.ts";
import { imsiDigits } from "./profile-files.ts";

/** Profile elements by tag: header [0], end [10]. TCA eUICC Profile Package §8 */
const element = { header: 0xa0, end: 0xaa } as const;

/** What the card reads out of a profile package. */
export interface PackageFacts {
  readonly iccid?: string;
  readonly imsi?: string;
  readonly pol1?: number;
  readonly connectivity?: Uint8Array;
  readonly profileType?: string;
}

/** How far a package is: more to come, complete, or not a package. */
type PackageProgress =
  | { readonly at: "incomplete" }
  | { readonly at: "malformed" }
  | { readonly at: "complete"; readonly facts: PackageFacts };

/** Looks at the octets received so far. */
export function inspectPackage(bytes: Uint8Array): PackageProgress {
  const from = new Reader(bytes);
  const elements: Tlv[] = [];
  try {
    while (!from.ended) {
      const next = readTlv(from);
      if (elements.length === 0 && next.tag !== element.header) return { at: "malformed" };
      elements.push(next);
      if (next.tag === element.end) return { at: "complete", facts: factsOf(elements) };
    }
  } catch (error) {
    if (!isGatewayError(error, "codec.truncated")) return { at: "malformed" };
  }
  return { at: "incomplete" };
}

function factsOf(elements: readonly Tlv[]): PackageFacts {
  const header = fields(elements[0]?.value ?? new Uint8Array(0));
  const iccid = header.get(0x83);
  const policy = header.get(0x84);
  const connectivity = header.get(0x87);
  const type = header.get(0x82);
  const imsi = elements
    .slice(1)
    .map(({ value }) => imsiIn(value))
    .find((found) => found !== undefined);
  return {
    ...(iccid && { iccid: toHex(iccid).replace(/F+$/, "") }),
    ...(imsi && { imsi }),
    ...(policy && { pol1: policyOctet(policy) }),
    ...(connectivity && { connectivity }),
    ...(type && { profileType: new TextDecoder().decode(type) }),
  };
}

/** POL1 as one octet, or as a two-octet BIT STRING content. */
function policyOctet(policy: Uint8Array): number {
  return (policy.at(-1) ?? 0) & 0x07;
}

function fields(value: Uint8Array): Map<number, Uint8Array> {
  try {
    return new Map(readTlvs(value).map((tlv) => [tlv.tag, tlv.value]));
  } catch {
    return new Map();
  }
}

/**
 * An IMSI file's fill content inside a profile element: 83 (template) or 81 (generic file management), length 09, then
 * 08 and the parity nibble 1 or 9.
 */
function imsiIn(value: Uint8Array): string | undefined {
  for (let at = 0; at + 11 <= value.length; at++) {
    if ((value[at] !== 0x81 && value[at] !== 0x83) || value[at + 1] !== 0x09 || value[at + 2] !== 0x08) continue;
    if (((value[at + 3] ?? 0) & 0x07) !== 0x01) continue;
    const digits = imsiDigits(value.subarray(at + 2, at + 11));
    if (digits.length >= 14) return digits;
  }
  return undefined;
}

/** EUICCResponse with one status for the last element; 0 = ok. TCA eUICC Profile Package §8.11 */
export function euiccResponse(status: number): Uint8Array {
  return tlvBytes(0x30, tlvBytes(0xa0, tlvBytes(0x30, tlvBytes(0x80, Uint8Array.of(status)))));
}
