import { isGatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { commandName, decodePdu, headerOctets, isResponseId, readHeader } from "./pdu.ts";
import { statusName } from "./status.ts";
import { type RawTlv, tlvName } from "./tlv.ts";

/** A PDU for display and JSON: names as the specification spells them, octets as hexadecimal. Never a password. */
interface DescribedPdu {
  readonly command: string;
  readonly sequence: number;
  readonly status?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Why the body could not be read. */
  readonly problem?: string;
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [snake(name), plainField(name, one)]));
  }
  return value;
}

function plainField(name: string, value: unknown): unknown {
  if (name === "password") return "********";
  if (name === "unknown" && Array.isArray(value)) {
    return value.map(({ tag, value: octets }: RawTlv) => ({
      tag: tlvName(tag) ?? tag.toString(16).toUpperCase().padStart(4, "0"),
      value: toHex(octets),
    }));
  }
  return plain(value);
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Decodes a PDU for display; malformed ones as far as they go. Never throws for a whole header. @throws codec.truncated */
export function describePdu(bytes: Uint8Array): DescribedPdu {
  const header = readHeader(bytes);
  const command = commandName(header.id) ?? `command ${header.id.toString(16).toUpperCase().padStart(8, "0")}`;
  const head = {
    command,
    sequence: header.sequence,
    ...(isResponseId(header.id) || header.status !== 0 ? { status: statusName(header.status) } : {}),
  };
  if (commandName(header.id) === undefined) return head;
  try {
    const { body } = decodePdu(bytes);
    if (body === undefined) return head;
    const described = plain(body);
    return typeof described === "object" && described !== null ? { ...head, body: { ...described } } : head;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { ...head, problem: error.message };
  }
}

const masked = new Set(["bind_receiver", "bind_transmitter", "bind_transceiver", "outbind"]);
const stars = new Uint8Array(8).fill(0x2a);

/**
 * The PDU as it may be shown: the password of a bind or outbind is eight stars (and the length fits them); any other
 * PDU is returned as it is. A bind whose password cannot be distinguished from the rest keeps only its header.
 */
export function withoutPassword(bytes: Uint8Array): Uint8Array {
  if (bytes.length < headerOctets) return bytes;
  const name = commandName(readHeader(bytes).id);
  if (name === undefined || !masked.has(name)) return bytes;
  const start = bytes.indexOf(0, headerOctets) + 1;
  const end = start === 0 ? -1 : bytes.indexOf(0, start);
  if (end < 0) return bytes.slice(0, headerOctets);
  const shown = new Uint8Array(start + stars.length + bytes.length - end);
  shown.set(bytes.subarray(0, start));
  shown.set(stars, start);
  shown.set(bytes.subarray(end), start + stars.length);
  new DataView(shown.buffer).setUint32(0, shown.length);
  return shown;
}
