import { isGatewayError } from "../../base/gateway-error.ts";
import { concatBytes, toHex } from "../../base/hex.ts";
import { cipherAlgorithm, crcAlgorithm, keySetNumber, macAlgorithm } from "../../codec/ota/key-identifier.ts";
import { parseSpi, type Spi, showSpi } from "../../codec/ota/spi.ts";
import { type OpenedCommand, openCommand } from "../../crypto/command-packet.ts";
import type { Context } from "../context.ts";
import { maskSecrets } from "../secrets/mask.ts";
import { type Branch, branchOf, decimal, type Node } from "../tree.ts";
import { checkWords, countedWords, counterHead, joinNotes, securedData, tarText, tarWords } from "./packet-parts.ts";

const clause = "TS 102 225 §5.1";

/** CHL to PCNTR: what CPL counts at least. */
const minCpl = 14;

/** SPI to PCNTR: what CHL counts at least. */
const minChl = 13;

function spiOf(octets: Uint8Array): Spi | undefined {
  try {
    return parseSpi(octets);
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

function keySetText(octet: number): string {
  const number = keySetNumber(octet);
  return number === 0 ? "key set implicit" : `key set ${number}`;
}

function kicWords(octet: number, spi: Spi | undefined): string {
  const used = spi === undefined || spi.command.ciphered || spi.response.porCiphered;
  if (!used) return `${keySetText(octet)}, not used: nothing is ciphered`;
  return `${keySetText(octet)}, cipher ${cipherAlgorithm(octet)}`;
}

function kidWords(octet: number, spi: Spi | undefined): string {
  const kinds = [spi?.command.integrity, spi?.response.porIntegrity];
  if (kinds.includes("cc") || spi === undefined) return `${keySetText(octet)}, CC ${macAlgorithm(octet)}`;
  if (kinds.includes("rc")) return `${keySetText(octet)}, RC ${crcAlgorithm(octet)}`;
  return `${keySetText(octet)}, not used: nothing is checked`;
}

/** What octets behind CPL are. */
function excessNote(excess: number, ciphered: boolean): string | undefined {
  if (excess <= 0) return undefined;
  if (excess === 8 && ciphered) {
    return "CPL leaves out 8 octets of cipher padding, as one fielded SM-SR writes it; cards take it";
  }
  return `${excess} octets more than it counts follow`;
}

/** A command packet from CPL on, opened as far as keys allow. ETSI TS 102 225 §5.1, 3GPP TS 31.115 §4.2 */
export function commandPacketNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf("command packet", octets, base, (branch) => commandPacket(branch, octets, base, context), { clause });
}

function commandPacket(branch: Branch, octets: Uint8Array, base: number, context: Context): string {
  const present = octets.length - 2;
  const spi = spiOf(octets.subarray(3, 5));
  const ciphered = spi?.command.ciphered ?? false;
  const announced = (octets[0] ?? 0) * 256 + (octets[1] ?? 0);
  const counted = { field: "CPL", announced, present, segmented: context.segmented === true, least: minCpl } as const;
  const note = present < announced && context.segmented ? segmentNote(present, announced) : undefined;
  branch.field("CPL", 2, (_, offset) => countedWords(counted, offset), {
    note: note ?? excessNote(present - announced, ciphered),
  });
  const [chl = 0] = branch.field("CHL", 1, ([value = 0], offset) => checkWords("CHL", value, minChl, offset));
  branch.field("SPI", 2, (bytes, offset) => showSpi(parseSpi(bytes, offset)), { clause: "TS 102 225 §5.1.1" });
  branch.octet("KIc", (octet) => kicWords(octet, spi), { clause: "TS 102 225 §5.1.2" });
  branch.octet("KID", (octet) => kidWords(octet, spi), { clause: "TS 102 225 §5.1.3" });
  const tar = branch.field("TAR", 3, tarWords, { clause: "TS 101 220 annex D" });
  branch.value = tarText(tar);
  if (context.collected !== undefined && spi !== undefined && present >= announced) {
    context.collected.answered = { spi, kic: octets[5], kid: octets[6], tar };
  }
  const facts = { check: Math.max(0, chl - minChl), tar, spi, context };
  const whole = present >= announced;
  if (whole && context.keys !== undefined && spi !== undefined) return openedCommand(branch, octets, base, facts);
  if (!ciphered) return clearCommand(branch, whole ? present - announced : 0, facts);
  const opens = whole ? "the keys open it" : "opens when all segments are given";
  branch.rest("ciphered", (bytes) => `${bytes.length} octets: CNTR, PCNTR, RC/CC/DS and data; ${opens}`);
  return `${tarText(tar)}, ciphered`;
}

/** Meaning of the length of a packet in several messages. */
export function segmentNote(present: number, announced: number): string {
  return `${present} of ${announced} octets are here: the rest is in the next messages`;
}

interface Facts {
  /** Octets of RC/CC/DS. */
  readonly check: number;
  readonly tar: Uint8Array;
  readonly spi: Spi | undefined;
  readonly context: Context;
}

const oddities = {
  "cpl-short": "CPL, PCNTR and CC leave out 8 octets of cipher padding",
  "cpl-raised": "CPL was raised by 8 after the CC was made",
} as const;

function openedCommand(branch: Branch, octets: Uint8Array, base: number, facts: Facts): string {
  const { tar, context } = facts;
  const { keys } = context;
  if (keys === undefined) return tarText(tar);
  let opened: OpenedCommand;
  try {
    opened = openCommand(octets, keys, { lenient: true, base });
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (facts.spi?.command.ciphered === true) {
      branch.fail(error);
      return `${tarText(tar)}, not opened: ${error.message}`;
    }
    branch.note = error.message;
    const announced = (octets[0] ?? 0) * 256 + (octets[1] ?? 0);
    return clearCommand(branch, Math.max(0, octets.length - 2 - announced), facts);
  }
  const { cntr, pcntr, check, data, padding, uncounted, integrity } = opened;
  if (context.collected?.answered !== undefined) context.collected.answered = { ...context.collected.answered, cntr };
  branch.note = joinNotes(...opened.oddities.map((oddity) => oddities[oddity]));
  const clear = concatBytes(counterHead(cntr, pcntr), check, data, padding, uncounted);
  const label = opened.packet.spi.command.ciphered ? "deciphered" : "secured part";
  const body = {
    ...facts,
    padding: padding.length,
    uncounted: uncounted.length,
    proof: integrity === "none" ? undefined : `${integrity.toUpperCase()} verifies`,
  };
  const inner = branch.part(branch.from.remaining, (_, offset) => {
    const node = branchOf(label, clear, offset, (part) => securedBody(part, body));
    return context.secrets === true ? node : maskSecrets(node, clear, offset);
  });
  return inner.value ?? tarText(tar);
}

/** `behind`: octets that CPL does not count. */
function clearCommand(branch: Branch, behind: number, facts: Facts): string {
  const { from } = branch;
  const pcntr = from.peek(5) ?? 0;
  const room = Math.max(0, from.remaining - 6 - facts.check - behind);
  return securedBody(branch, { ...facts, padding: Math.min(pcntr, room), uncounted: behind, proof: undefined });
}

interface Body extends Facts {
  readonly padding: number;
  readonly uncounted: number;
  /** What the RC/CC proved. */
  readonly proof: string | undefined;
}

/** Facts about who sent a command: nothing, without a CC that verifies. */
function authenticity({ proof, spi }: Body): string | undefined {
  const integrity = spi?.command.integrity;
  if (integrity === "none") return "not authenticated: SPI requires no CC, any sender is possible";
  if (integrity === "rc") return "not authenticated: a RC finds accidents only";
  return proof === undefined ? "CC not checked: no key" : undefined;
}

/** CNTR, PCNTR, RC/CC/DS, data and padding of a command packet in clear. */
function securedBody(branch: Branch, body: Body): string {
  const { check, tar, context, padding, uncounted, proof } = body;
  branch.note = joinNotes(branch.note, authenticity(body));
  const cntr = toHex(branch.field("CNTR", 5, decimal, { clause: "TS 102 225 §5.1.4" }));
  branch.value = `${tarText(tar)}, CNTR ${cntr}`;
  branch.octet("PCNTR", (value) => `${value} octets of padding`);
  if (check > 0) branch.field("RC/CC/DS", check, () => proof);
  const words = securedData(branch, branch.from.remaining - padding - uncounted, context);
  if (padding > 0) branch.field("padding", padding);
  const ciphered = body.spi?.command.ciphered === true;
  branch.rest(ciphered ? "padding that CPL does not count" : "octets behind the packet");
  return `${tarText(tar)}, CNTR ${cntr}${words === undefined ? "" : `: ${words}`}`;
}
