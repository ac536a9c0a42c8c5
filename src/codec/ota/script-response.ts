import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { readLength, readTag, readTlv, type Tlv, tlvBytes } from "../kit/ber.ts";
import { Reader, Writer } from "../kit/codec.ts";
import { untilEnd } from "./script.ts";

/** One R-APDU of an answer. */
interface ScriptAnswer {
  readonly data: Uint8Array;
  readonly sw: number;
}

/** Answer to a compact script: how many commands ran, and the last one's answer. ETSI TS 102 226 §5.1.2 */
interface CompactResponse {
  readonly format: "compact";
  readonly count: number;
  readonly last: ScriptAnswer;
}

/** Answer to an expanded script. ETSI TS 102 226 §5.2.2 */
export interface ExpandedResponse {
  readonly format: "expanded-definite" | "expanded-indefinite" | "hybrid";
  /** Number of executed commands according to the card; an indefinite answer usually does not. */
  readonly count?: number;
  readonly answers: readonly ScriptAnswer[];
  /** The card could not read the rest of the script; names in {@link badFormatName}. */
  readonly badFormat?: number;
  /** Script chaining result; names in {@link chainingResultName}. */
  readonly chaining?: number;
  /** Immediate action result: 1 = suspension error. */
  readonly immediateAction?: number;
  /** Some answer states (`62F1`) that its data was cut and that the commands after it did not run. */
  readonly truncated: boolean;
  /** Objects of other tags, such as the SCP03t answers 84, 85, 86. */
  readonly others: readonly Pick<Tlv, "tag" | "value">[];
}

/** Any answer to a script. */
export type ScriptResponse = CompactResponse | ExpandedResponse;

const badFormats: Readonly<Record<number, string>> = { 1: "unknown tag", 2: "wrong length", 3: "length not found" };
const chainingResults: Readonly<Record<number, string>> = {
  1: "no previous script",
  2: "script chaining not supported by the receiver",
  3: "unable to process script chaining",
};

/** Name of a bad format value. ETSI TS 102 226 §5.2.2 */
export function badFormatName(value: number): string {
  return badFormats[value] ?? "reserved";
}

/** Name of a script chaining result. ETSI TS 102 226 §5.2.2 */
export function chainingResultName(value: number): string {
  return chainingResults[value] ?? "reserved";
}

/** True when octets start as the answer to an expanded script does. */
export function isExpandedResponse(octets: Uint8Array): boolean {
  return octets[0] === 0xab || octets[0] === 0xaf;
}

/**
 * Reads an answer by its first octet; whatever starts with neither AB nor AF must have the shape of a compact answer.
 * @throws codec.* with the offset
 */
export function parseScriptResponse(octets: Uint8Array): ScriptResponse {
  const from = new Reader(octets);
  if (!isExpandedResponse(octets)) return compactResponse(from);
  const { format, objects } = expandedObjects(from);
  return expandedResponse(format, objects);
}

/** The objects of an expanded answer; some cards write `AB 80` for `AF 80`. */
function expandedObjects(from: Reader): {
  readonly format: ExpandedResponse["format"];
  readonly objects: readonly Tlv[];
} {
  const tag = readTag(from);
  if (from.peek() === 0x80) {
    from.u8();
    const objects = untilEnd(from);
    from.end("response script");
    return { format: "expanded-indefinite", objects };
  }
  const body = from.sub(readLength(from), "response scripting template");
  from.end("response script");
  const objects: Tlv[] = [];
  while (!body.ended) objects.push(readTlv(body));
  return { format: tag === 0xab ? "expanded-definite" : "hybrid", objects };
}

/**
 * The answers to the parts of a script that was sent in parts, each as it came. ETSI TS 102 226 §5.2.2
 * @throws codec.* with the offset
 */
export function splitResponses(octets: Uint8Array): Uint8Array[] {
  const from = new Reader(octets);
  const found: Uint8Array[] = [];
  while (!from.ended) {
    const start = from.offset;
    readTag(from);
    if (from.peek() === 0x80) {
      from.u8();
      untilEnd(from);
    } else from.take(readLength(from), "response scripting template");
    found.push(octets.subarray(start, from.offset));
  }
  return found;
}

/** One answer to one command, in its place among the others. */
export interface ScriptItem {
  readonly tag: number;
  readonly value: Uint8Array;
  /** Status word of an R-APDU. */
  readonly sw?: number;
}

/** What an expanded answer states about the script as a whole: count, immediate action, chaining, bad format. */
const scriptWide: ReadonlySet<number> = new Set([0x80, 0x81, 0x83, 0x90, 0x10]);

/**
 * The answers of an expanded answer to one command each, R-APDUs and objects of other tags, in order.
 * @throws codec.* with the offset
 */
export function scriptItems(octets: Uint8Array): ScriptItem[] {
  return scriptAnswerTlvs(octets).map((object) => {
    const { tag, value } = object;
    return tag === 0x23 || tag === 0xa3 ? { tag, value, sw: answerOf(object).sw } : { tag, value };
  });
}

/**
 * The same answers as TLVs with their places in the octets, for checksums over a TLV as it was sent.
 * @throws codec.* with the offset
 */
export function scriptAnswerTlvs(octets: Uint8Array): Tlv[] {
  return expandedObjects(new Reader(octets)).objects.filter(({ tag }) => !scriptWide.has(tag));
}

function compactResponse(from: Reader): CompactResponse {
  const count = from.u8("number of executed commands");
  const offset = from.offset;
  const sw = from.uint(2, "status word");
  if (!isStatusWord(sw)) throw codecError("codec.value", "no status word where a compact answer has it", offset);
  return { format: "compact", count, last: { data: from.rest(), sw } };
}

function isStatusWord(sw: number): boolean {
  const high = sw >> 12;
  return high === 0x6 || high === 0x9;
}

function expandedResponse(format: ExpandedResponse["format"], objects: readonly Tlv[]): ExpandedResponse {
  const answers: ScriptAnswer[] = [];
  const others: Pick<Tlv, "tag" | "value">[] = [];
  const found: { count?: number; badFormat?: number; chaining?: number; immediateAction?: number } = {};
  for (const object of objects) {
    switch (object.tag) {
      case 0x23:
      case 0xa3:
        answers.push(answerOf(object));
        break;
      case 0x80:
        found.count = numberOf(object);
        break;
      case 0x81:
        found.immediateAction = numberOf(object);
        break;
      case 0x83:
        found.chaining = numberOf(object);
        break;
      case 0x90:
      case 0x10:
        found.badFormat = numberOf(object);
        break;
      default:
        others.push({ tag: object.tag, value: object.value });
    }
  }
  return { format, ...found, answers, truncated: answers.some((answer) => answer.sw === 0x62f1), others };
}

function answerOf(object: Tlv): ScriptAnswer {
  const { value } = object;
  if (value.length < 2) throw codecError("codec.length", "R-APDU shorter than a status word", object.offset);
  const end = value.length - 2;
  return { data: value.subarray(0, end), sw: ((value[end] ?? 0) << 8) | (value[end + 1] ?? 0) };
}

function numberOf(object: Tlv): number {
  if (object.value.length > 4) throw codecError("codec.length", "integer of more than 4 octets", object.offset);
  return object.value.reduce((value, octet) => value * 256 + octet, 0);
}

/** Octets of an answer, as a card builds them; absent counts stay absent. `hybrid` cannot be built. */
export function scriptResponseBytes(response: ScriptResponse): Uint8Array {
  if (response.format === "compact") {
    const { count, last } = response;
    return concatBytes(Uint8Array.of(count & 0xff, last.sw >> 8, last.sw & 0xff), last.data);
  }
  if (response.format === "hybrid") throw codecError("codec.value", "a hybrid answer is only read", 0);
  const body = new Writer();
  if (response.count !== undefined) body.bytes(tlvBytes(0x80, integer(response.count)));
  for (const octets of single(0x81, response.immediateAction)) body.bytes(octets);
  for (const octets of single(0x83, response.chaining)) body.bytes(octets);
  for (const answer of response.answers) body.bytes(tlvBytes(0x23, answerBytes(answer)));
  for (const other of response.others) body.bytes(tlvBytes(other.tag, other.value));
  for (const octets of single(0x90, response.badFormat)) body.bytes(octets);
  if (response.format === "expanded-definite") return tlvBytes(0xab, body.finish());
  return concatBytes(Uint8Array.of(0xaf, 0x80), body.finish(), new Uint8Array(2));
}

function answerBytes(answer: ScriptAnswer): Uint8Array {
  return concatBytes(answer.data, Uint8Array.of(answer.sw >> 8, answer.sw & 0xff));
}

function single(tag: number, value: number | undefined): Uint8Array[] {
  return value === undefined ? [] : [tlvBytes(tag, integer(value))];
}

function integer(value: number): Uint8Array {
  let octets = 1;
  while (octets < 4 && value >= 256 ** octets) octets += 1;
  return new Writer().uint(value, octets).finish();
}
