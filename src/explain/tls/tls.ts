import type { Context } from "../context.ts";
import { type Branch, branchOf, type Node, numberOf } from "../tree.ts";
import { handshake, startsHandshake } from "./tls-handshake.ts";
import { alertText, recordNames, versionText } from "./tls-names.ts";

/** Octets in front of a record's content. */
const recordHead = 5;

/** Most octets a record may carry, with room for what a cipher adds. RFC 5246 §6.2.3 */
const maxRecord = 16_384 + 2048;

const version = (octets: Uint8Array, offset: number) => versionText(numberOf(octets, offset));

/** Octets of the record at the front as its head announces them; undefined where there is no head of a record. */
export function tlsRecordLength(octets: Uint8Array): number | undefined {
  const [type = 0, major, minor = 9, high = 0, low = 0] = octets;
  if (octets.length < recordHead || recordNames[type] === undefined || major !== 3 || minor > 4) return undefined;
  const length = high * 256 + low;
  return length > maxRecord ? undefined : recordHead + length;
}

/** How sure it is that octets start with a record of TLS. */
export function tlsScore(octets: Uint8Array): number {
  const length = tlsRecordLength(octets);
  if (length === undefined) return 0;
  if (length > octets.length) return octets.length > 5 ? 82 : 60;
  const next = octets.subarray(length);
  return next.length === 0 ? 97 : tlsRecordLength(next) === undefined ? 60 : 96;
}

/** Records of TLS one behind the other, as a card or a server sends them. RFC 5246 §6.2 */
export function tlsNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    "TLS",
    octets,
    base,
    (branch) => {
      let ciphered = false;
      while (!branch.from.ended) {
        const [type = 0, , , high = 0, low = 0] = [0, 1, 2, 3, 4].map((at) => branch.from.peek(at));
        const announced = recordHead + high * 256 + low;
        const length = Math.min(announced, branch.from.remaining);
        const node = branch.part(length, (bytes, offset) =>
          recordNode(bytes, offset, { ciphered, announced, context }),
        );
        branch.addWords(node.value ?? node.label);
        ciphered ||= type === 20;
      }
      return branch.words;
    },
    { clause: "RFC 5246 §6.2" },
  );
}

interface RecordFacts {
  /** A ChangeCipherSpec came before it. */
  readonly ciphered: boolean;
  /** Octets with its head. */
  readonly announced: number;
  readonly context: Context;
}

function recordNode(octets: Uint8Array, base: number, facts: RecordFacts): Node {
  const { announced } = facts;
  const cut = octets.length < announced;
  return branchOf(
    "TLS record",
    octets,
    base,
    (branch) => {
      const type = branch.octet("type", (octet) => recordNames[octet] ?? "unknown");
      branch.field("version", 2, version);
      branch.uint("length", 2, (length) => `${length} octets`);
      const present = branch.from.remaining;
      const words = content(branch, type, facts, cut);
      return cut ? `${words}, the first ${present} of ${announced - recordHead} octets` : words;
    },
    cut
      ? { note: `${octets.length} of ${announced} octets are here: the rest comes in the next data, or is cut off` }
      : {},
  );
}

function content(branch: Branch, type: number, { ciphered, context }: RecordFacts, cut: boolean): string {
  const name = recordNames[type] ?? "record";
  const { from } = branch;
  if (from.ended) return name;
  if (type === 21 && !ciphered && from.remaining === 2) {
    const level = branch.octet("level");
    const description = branch.octet("description", (octet) => alertText(level, octet));
    return `alert: ${alertText(level, description)}`;
  }
  if (type === 22 && !ciphered) {
    const octets = from.bytes.subarray(from.offset - from.base);
    if (startsHandshake(octets, cut)) return handshake(branch);
  }
  if (type === 23 && !ciphered) {
    // A suite without encryption leaves the data in clear.
    const octets = from.bytes.subarray(from.offset - from.base);
    const found = context.guess(["http"], octets, from.offset, context);
    if (found !== undefined) {
      branch.part(octets.length, () => found);
      return `${name}: ${found.value ?? found.label}`;
    }
  }
  const what = type === 20 ? "message" : "ciphered";
  branch.rest(what, (octets) => (type === 20 ? undefined : `${octets.length} octets`));
  return type === 20 ? name : `${name}, ciphered`;
}
