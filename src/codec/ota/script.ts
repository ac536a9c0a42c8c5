import { codecError, type GatewayError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { buildCommand, parseCommand } from "../apdu/command-apdu.ts";
import { hexTag, readLength, readTag, readTlv, type Tlv, tlvBytes } from "../kit/ber.ts";
import { Reader, Writer } from "../kit/codec.ts";

/** How a script is written. `hybrid` = tag AE with a definite length: seen, read, never built. ETSI TS 102 226 §5 */
type ScriptFormat = "compact" | "expanded-definite" | "expanded-indefinite" | "hybrid";

/** Tags inside a command scripting template; with the CR bit set they mean the same. ETSI TS 102 226 §5.2.1 */
export const scriptTag = {
  definite: 0xaa,
  indefinite: 0xae,
  capdu: 0x22,
  immediateAction: 0x81,
  errorAction: 0x82,
  chaining: 0x83,
} as const;

/** One object of an expanded script. */
export interface ScriptObject {
  readonly tag: number;
  readonly value: Uint8Array;
}

/** A script as read; a compact one has C-APDU objects only. */
export interface Script {
  readonly format: ScriptFormat;
  readonly objects: readonly (ScriptObject & {
    /** Offset of the value in the script. */
    readonly offset: number;
  })[];
}

/** A C-APDU as a script object. */
export function capduObject(apdu: Uint8Array): ScriptObject {
  return { tag: scriptTag.capdu, value: apdu };
}

/** C-APDUs of a script, in order. */
export function scriptApdus(script: Script): readonly Uint8Array[] {
  return script.objects.filter((object) => isCapdu(object.tag)).map((object) => object.value);
}

/** True for the C-APDU tag in either spelling. */
export function isCapdu(tag: number): boolean {
  return tag === 0x22 || tag === 0xa2;
}

/**
 * Builds an expanded script. ETSI TS 102 226 §5.2.1
 */
export function expandedScript(
  objects: readonly ScriptObject[],
  format: "expanded-definite" | "expanded-indefinite",
): Uint8Array {
  const inner = new Writer();
  for (const object of objects) inner.bytes(tlvBytes(object.tag, object.value));
  const body = inner.finish();
  if (format === "expanded-definite") return tlvBytes(scriptTag.definite, body);
  return concatBytes(Uint8Array.of(scriptTag.indefinite, 0x80), body, new Uint8Array(2));
}

/**
 * Builds a compact script: C-APDUs one behind the other. A command with data loses its Le, which this format cannot
 * carry; its answer has to be fetched by GET RESPONSE. ETSI TS 102 226 §5.1.1
 * @throws codec.length for extended lengths
 */
export function compactScript(apdus: readonly Uint8Array[]): Uint8Array {
  const to = new Writer();
  for (const [index, apdu] of apdus.entries()) to.bytes(compactApdu(apdu, index));
  return to.finish();
}

function compactApdu(apdu: Uint8Array, index: number): Uint8Array {
  const command = parseCommand(apdu);
  if (command.extended) {
    throw codecError("codec.length", `C-APDU ${index + 1}: no extended lengths in a compact script`, 4);
  }
  if (command.data.length === 0) return command.le === undefined ? concatBytes(apdu, Uint8Array.of(0)) : apdu;
  const { le: _, ...withoutLe } = command;
  return buildCommand(withoutLe);
}

/** True when octets start as an expanded script does. */
export function isExpandedScript(octets: Uint8Array): boolean {
  return octets[0] === scriptTag.definite || octets[0] === scriptTag.indefinite;
}

/**
 * Reads a script of any format by its first octet. ETSI TS 102 226 §5
 * @throws codec.* with the offset
 */
export function parseScript(octets: Uint8Array): Script {
  if (octets.length === 0) throw codecError("codec.truncated", "script: no octet", 0);
  return isExpandedScript(octets) ? parseExpanded(octets) : { format: "compact", objects: compactObjects(octets) };
}

function parseExpanded(octets: Uint8Array): Script {
  const from = new Reader(octets);
  const tag = readTag(from);
  if (from.peek() === 0x80) {
    from.u8();
    const objects = untilEnd(from).map(objectOf);
    from.end("script");
    return { format: "expanded-indefinite", objects };
  }
  const body = from.sub(readLength(from), "command scripting template");
  from.end("script");
  const objects: ReturnType<typeof objectOf>[] = [];
  while (!body.ended) objects.push(objectOf(readTlv(body)));
  return { format: tag === scriptTag.definite ? "expanded-definite" : "hybrid", objects };
}

function objectOf(tlv: Tlv): Script["objects"][number] {
  return { tag: tlv.tag, value: tlv.value, offset: tlv.valueOffset };
}

/** TLVs up to the end-of-contents octets. @throws codec.truncated when those are missing */
export function untilEnd(from: Reader): Tlv[] {
  const found: Tlv[] = [];
  for (;;) {
    if (from.ended) throw codecError("codec.truncated", "the end-of-contents octets 00 00 are missing", from.offset);
    if (from.peek() === 0x00 && from.peek(1) === 0x00) {
      from.take(2);
      return found;
    }
    found.push(readTlv(from));
  }
}

/** Instructions whose P3 in T=0 coding counts the answer: nothing follows. ISO/IEC 7816-4, ETSI TS 102 221 §10.1.2 */
const outgoing = new Set([0x12, 0x70, 0x84, 0xb0, 0xb2, 0xc0]);

/** GlobalPlatform gives GET STATUS and GET DATA their search criteria as data; STATUS and a plain GET DATA have none. */
function onlyReads(octets: Uint8Array, at: number): boolean {
  const ins = octets[at + 1] ?? 0;
  if (ins === 0xf2) return (octets[at + 2] ?? 0) < 0x10;
  if (ins === 0xca) return octets[at + 5] !== 0x5c;
  return outgoing.has(ins);
}

/** Octets of the C-APDU at an offset of a compact script, by its header alone: there may be fewer. ETSI TS 102 226 §5.1.1 */
export function compactCommandLength(octets: Uint8Array, at = 0): number {
  return onlyReads(octets, at) ? 5 : 5 + (octets[at + 4] ?? 0);
}

/** C-APDUs one behind the other. ETSI TS 102 226 §5.1.1 */
function compactObjects(octets: Uint8Array): Script["objects"] {
  const objects: Script["objects"][number][] = [];
  for (let offset = 0; offset < octets.length; ) {
    const length = compactCommandLength(octets, offset);
    const left = octets.length - offset;
    if (left < Math.max(length, 5)) throw cutCommand(objects.length + 1, length, left, offset);
    objects.push({ tag: scriptTag.capdu, offset, value: octets.subarray(offset, offset + length) });
    offset += length;
  }
  return objects;
}

/**
 * C-APDUs of a script of any format whose instruction is wanted: views are made of those only, as a compact script may
 * have 200,000 commands.
 * @throws codec.* with the offset
 */
export function scriptApdusWith(octets: Uint8Array, wanted: (ins: number) => boolean): readonly Uint8Array[] {
  if (octets.length === 0 || isExpandedScript(octets))
    return scriptApdus(parseScript(octets)).filter((apdu) => wanted(apdu[1] ?? 0));
  const found: Uint8Array[] = [];
  for (let at = 0, number = 1; at < octets.length; number++) {
    const length = compactCommandLength(octets, at);
    const left = octets.length - at;
    if (left < Math.max(length, 5)) throw cutCommand(number, length, left, at);
    if (wanted(octets[at + 1] ?? 0)) found.push(octets.subarray(at, at + length));
    at += length;
  }
  return found;
}

function cutCommand(number: number, length: number, left: number, offset: number): GatewayError {
  if (left < 5) return codecError("codec.truncated", `C-APDU ${number}: ${left} octets of 5`, offset);
  const field = `C-APDU ${number}`;
  return codecError("codec.truncated", `${field}: ${length} octets announced, ${left} present`, offset, { field });
}

const chainingNames: Readonly<Record<number, string>> = {
  1: "first script, forgotten on reset",
  17: "first script, kept over reset",
  2: "subsequent script, more follow",
  3: "last script",
};

/** What an object of a command script is for display. */
export function scriptObjectName(object: ScriptObject): string {
  const first = object.value[0];
  const single = object.value.length === 1 && first !== undefined ? first : undefined;
  switch (object.tag & ~0x80 & 0xff) {
    case 0x22:
      return "C-APDU";
    case 0x01:
      return `immediate action${single === undefined ? "" : `: ${immediateName(single)}`}`;
    case 0x02:
      return `error action${object.value.length === 0 ? ": none" : single === undefined ? "" : `: record ${single}`}`;
    case 0x03:
      return `script chaining: ${single === undefined ? "malformed" : (chainingNames[single] ?? "reserved")}`;
    case 0x04:
      return "SCP03t INITIALIZE UPDATE";
    case 0x05:
      return "SCP03t EXTERNAL AUTHENTICATE";
    case 0x06:
      return "SCP03t protected data";
    default:
      return `unknown object ${hexTag(object.tag)}`;
  }
}

function immediateName(value: number): string {
  if (value === 0x81) return "proactive session indication";
  if (value === 0x82) return "early response";
  return value >= 0x01 && value <= 0x7f ? `record ${value}` : "reserved";
}
