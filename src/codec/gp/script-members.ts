import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { hexTag, readLength, readTag, readTlv, type Tlv, writeLength } from "../kit/ber.ts";
import { Reader, Writer } from "../kit/codec.ts";

/** A script body taken apart one level deep. */
export interface ScriptMembers {
  /** `AA`/`AE` commands, `AB`/`AF` responses. */
  readonly direction: "command" | "response";
  readonly definite: boolean;
  readonly members: readonly Tlv[];
}

/**
 * The TLVs directly inside an expanded script of either direction and length form, whatever their tags: R-APDUs,
 * bad-format answers and the opaque TLVs of SCP03t alike. TS 102 226 §5.2.1, §5.2.2
 * @throws codec.tag, codec.length, codec.truncated, codec.trailing
 */
export function scriptMembers(body: Uint8Array): ScriptMembers {
  const from = new Reader(body);
  const tag = readTag(from);
  const direction = tag === 0xaa || tag === 0xae ? "command" : tag === 0xab || tag === 0xaf ? "response" : undefined;
  if (direction === undefined) throw codecError("codec.tag", `${hexTag(tag)} does not begin a script`, 0);
  if (from.peek() !== 0x80) {
    const inner = from.sub(readLength(from), "script");
    from.end("script");
    const members: Tlv[] = [];
    while (!inner.ended) members.push(readTlv(inner));
    return { direction, definite: true, members };
  }
  if (tag === 0xaa || tag === 0xab) throw codecError("codec.length", "this template has a definite length", 1);
  from.u8();
  const members: Tlv[] = [];
  while (!(from.peek() === 0 && from.peek(1) === 0)) members.push(readTlv(from));
  from.take(2, "end of contents");
  from.end("script");
  return { direction, definite: false, members };
}

/** Whether a response body can be read at all; R-APDUs need their two status octets. */
export function isResponseScript(body: Uint8Array): boolean {
  try {
    const script = scriptMembers(body);
    return script.direction === "response" && script.members.every((tlv) => tlv.tag !== 0x23 || tlv.value.length >= 2);
  } catch {
    return false;
  }
}

/**
 * Cuts a command script at command boundaries so that no part is larger than the card's buffer. The form stays as it
 * was. A script with a chaining TLV is not cut: its parts would no longer belong together.
 * @throws codec.length when one command alone is larger
 */
export function splitScript(body: Uint8Array, mostOctets: number): Uint8Array[] {
  if (body.length <= mostOctets) return [body];
  const { direction, definite, members } = scriptMembers(body);
  if (direction !== "command" || members.some((tlv) => tlv.tag === 0x83)) {
    throw codecError("codec.length", `the script has ${body.length} octets and cannot be cut`, 0);
  }
  const parts: Uint8Array[][] = [];
  let size = Number.POSITIVE_INFINITY;
  const overhead = 4;
  for (const [i, tlv] of members.entries()) {
    const end = members[i + 1]?.offset ?? tlv.valueOffset + tlv.value.length;
    const octets = body.subarray(tlv.offset, end);
    if (octets.length + overhead > mostOctets) {
      throw codecError("codec.length", `command ${i + 1} alone has ${octets.length} octets`, tlv.offset);
    }
    if (size + octets.length > mostOctets) {
      parts.push([]);
      size = overhead;
    }
    parts.at(-1)?.push(octets);
    size += octets.length;
  }
  return parts.map((commands) => join(body[0] ?? 0xae, definite, concatBytes(...commands)));
}

function join(tag: number, definite: boolean, commands: Uint8Array): Uint8Array {
  const to = new Writer().u8(tag);
  if (definite) writeLength(to, commands.length);
  else to.u8(0x80);
  to.bytes(commands);
  if (!definite) to.u8(0).u8(0);
  return to.finish();
}
