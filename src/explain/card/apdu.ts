import { codecError } from "../../base/gateway-error.ts";
import { parseClassByte } from "../../codec/apdu/class-byte.ts";
import { classifyCommand } from "../../codec/euicc/es5/classify.ts";
import { isStoreData, type SecretKind, secretOfCommand } from "../../codec/secrets/secret-data.ts";
import type { Context } from "../context.ts";
import { type Branch, branchOf, hex2, hex4, type Node } from "../tree.ts";
import { answerDataNode, statusWords } from "./answer-data.ts";
import { commandData, commandTitle } from "./command-data.ts";
import { es5Clause, es5Words } from "./es5-words.ts";
import { classWords, instructionOf } from "./instruction.ts";

/** Where the data of a command are, found without trusting its lengths. */
interface Lengths {
  readonly lcOctets: number;
  readonly lc: number;
  readonly leOctets: number;
}

function lengthsOf(octets: Uint8Array): Lengths {
  const rest = octets.length - 4;
  const p3 = octets[4] ?? 0;
  if (rest <= 0) return { lcOctets: 0, lc: 0, leOctets: 0 };
  if (rest === 1) return { lcOctets: 0, lc: 0, leOctets: 1 };
  if (p3 === 0 && rest >= 3) {
    const wide = (octets[5] ?? 0) * 256 + (octets[6] ?? 0);
    if (rest === 3) return { lcOctets: 0, lc: 0, leOctets: 3 };
    return { lcOctets: 3, lc: wide, leOctets: rest - 3 - wide >= 2 ? 2 : 0 };
  }
  return { lcOctets: 1, lc: p3, leOctets: rest - 1 > p3 ? 1 : 0 };
}

/** A command APDU, its data opened by what the instruction takes. ISO/IEC 7816-4 §5.1, ETSI TS 102 221 §10.1.1 */
export function commandNode(octets: Uint8Array, base: number, context: Context): Node {
  const [cla = 0, ins = 0, p1 = 0] = octets;
  const instruction = instructionOf(cla, ins, p1);
  const { function: fn } = classifyCommand(octets, base);
  const es5 = es5Words(fn);
  return branchOf(
    "C-APDU",
    octets,
    base,
    (branch) => {
      branch.octet("CLA", classWords);
      branch.octet("INS", () => instruction?.name ?? "unknown instruction", { clause: instruction?.clause });
      branch.value = instruction?.name ?? `INS ${hex2(ins)}`;
      branch.field("P1 P2", 2, () => commandTitle(octets)?.parameters);
      branch.value = es5 ?? commandTitle(octets)?.title ?? branch.value;
      const inner = dataAndLe(branch, octets, context);
      return es5 ?? (inner === undefined ? undefined : `${branch.value} ${inner}`);
    },
    { clause: es5Clause(fn) },
  );
}

/** Lc, data and Le. Returns the meaning of the data. */
function dataAndLe(branch: Branch, octets: Uint8Array, context: Context): string | undefined {
  const { lcOctets, lc, leOctets } = lengthsOf(octets);
  const { from } = branch;
  let words: string | undefined;
  if (lcOctets > 0) {
    const present = from.remaining - lcOctets;
    branch.field("Lc", lcOctets, (_, offset) => {
      if (lc <= present) return String(lc);
      throw codecError("codec.truncated", `${lc} octets announced, ${present} present`, offset);
    });
    words = data(branch, octets, Math.min(lc, from.remaining), context);
  }
  if (leOctets > 0) {
    branch.uint("Le", leOctets, (le) => (le === 0 ? (leOctets === 1 ? "256" : "65536") : String(le)));
  }
  if (!from.ended && secretIn(octets, context) !== undefined) {
    branch.secret("octets left over", from.remaining, context.secrets);
  }
  return words;
}

/** What secret a command holds: of its own, or as a block of a STORE DATA that began with keys. */
function secretIn(octets: Uint8Array, { storesKeys, keyFile }: Context): SecretKind | undefined {
  if (keyFile === true) return "key";
  return secretOfCommand(octets) ?? (storesKeys === true && isStoreData(octets) ? "key" : undefined);
}

/** Octets of the C-MAC that secure messaging of GlobalPlatform puts behind the data. GP Amendment D §6.2.4 */
const macLength = 8;

function data(branch: Branch, octets: Uint8Array, length: number, context: Context): string | undefined {
  if (length === 0) return undefined;
  const secret = secretIn(octets, context);
  if (secret !== undefined) {
    const mac = hasMac(octets) && length > macLength && length === octets[4] ? macLength : 0;
    branch.secret(secret === "pin" ? "PIN" : "key data", length - mac, context.secrets);
    if (mac > 0) branch.field("MAC", mac);
    return undefined;
  }
  const node = branch.part(length, (bytes, offset) => commandData(octets, bytes, offset, context));
  return summaryOf(octets, node);
}

/** Whether a C-MAC ends the data: secure messaging in a class of GlobalPlatform. */
function hasMac(octets: Uint8Array): boolean {
  const { kind, secureMessaging } = parseClassByte(octets[0] ?? 0);
  return kind === "proprietary" && secureMessaging !== 0;
}

/** Of which data the words belong into the line of the command itself. */
const summarized = new Set([0xc2, 0x14]);

function summaryOf(octets: Uint8Array, node: Node): string | undefined {
  const ins = octets[1] ?? 0;
  if (!summarized.has(ins)) return undefined;
  const name = ins === 0xc2 ? node.label : undefined;
  return [name, node.value].filter((part) => part !== undefined).join(", ") || undefined;
}

/** A response APDU; with the command it answers, its data are read as what that asked for. ISO/IEC 7816-4 §5.1 */
export function responseNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    octets.length === 2 ? "status word" : "R-APDU",
    octets,
    base,
    (branch) => {
      const sw = (octets.at(-2) ?? 0) * 256 + (octets.at(-1) ?? 0);
      const length = octets.length - 2;
      const inner = length > 0 ? answerData(branch, length, context) : undefined;
      const words = statusWords(sw, context.command);
      branch.uint("SW1 SW2", 2, () => words, { clause: "TS 102 221 §10.2" });
      const status = sw === 0x9000 && inner !== undefined ? "9000" : `${hex4(sw)} ${words}`;
      return inner === undefined ? status : `${inner}; ${status}`;
    },
    { clause: "ISO/IEC 7816-4 §5.1" },
  );
}

function answerData(branch: Branch, length: number, context: Context): string {
  const start = branch.from.offset - branch.from.base;
  const octets = branch.from.bytes.subarray(start, start + length);
  const found = answerDataNode(octets, branch.from.offset, context);
  if (found === undefined) {
    branch.field("data", length);
    return length === 1 ? "1 octet" : `${length} octets`;
  }
  branch.part(length, () => found);
  const hidden = found.value?.startsWith("[hidden") === true;
  const selfNamed = found.label === "proactive command" || found.label === "card data";
  return found.value === undefined || hidden ? found.label : selfNamed ? found.value : `${found.label} ${found.value}`;
}

/** A command and its answer in one run of octets. */
export function pairNode(octets: Uint8Array, base: number, context: Context): Node {
  const cut = pairCut(octets) ?? octets.length;
  return branchOf("APDU and its answer", octets, base, (branch) => {
    const command = octets.subarray(0, cut);
    const asked = branch.part(cut, (bytes, offset) => context.read("c-apdu", bytes, offset, context));
    if (branch.from.ended) return asked.value;
    const answer = branch.part(branch.from.remaining, (bytes, offset) =>
      context.read("r-apdu", bytes, offset, { ...context, command }),
    );
    return `${asked.value ?? "?"} -> ${answer.value ?? "?"}`;
  });
}

/** Where the command of a pair ends: by its Lc, and Le where one can follow. Undefined when nothing is left for an answer. */
export function pairCut(octets: Uint8Array): number | undefined {
  if (octets.length < 7) return undefined;
  const ins = octets[1] ?? 0;
  const outgoing = [0x12, 0xb0, 0xb2, 0xc0].includes(ins) || (ins === 0xf2 && (octets[2] ?? 0) < 0x10) || ins === 0xca;
  const end = outgoing ? 5 : 5 + (octets[4] ?? 0);
  const rest = octets.length - end;
  if (rest < 2) return undefined;
  // An answer never starts with 00; a command's Le mostly is.
  return !outgoing && rest > 2 && octets[end] === 0x00 ? end + 1 : end;
}
