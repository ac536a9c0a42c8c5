import { isGatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { statusWordName } from "../../codec/apdu/status-word.ts";
import { cipherAlgorithm, crcAlgorithm, keySetNumber, macAlgorithm } from "../../codec/ota/key-identifier.ts";
import { porStatusName } from "../../codec/ota/por-status.ts";
import { parseSpi, type Spi, showSpi } from "../../codec/ota/spi.ts";
import { openCommand } from "../../crypto/command-packet.ts";
import { openResponse } from "../../crypto/response-packet.ts";
import type { Context } from "./context.ts";
import { tarName } from "./names.ts";
import { type Branch, grow, hex2, hex4, type Node } from "./tree.ts";

const clause = "TS 102 225 §5.1";
const answerClause = "TS 102 225 §5.2";

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

const tarWords = (octets: Uint8Array): string | undefined => tarName(octets);

function tarText(octets: Uint8Array): string {
  const name = tarName(octets);
  return name === undefined || name.includes(toHex(octets)) ? `TAR ${toHex(octets)}` : `TAR ${toHex(octets)} (${name})`;
}

/** What the length fields say of the octets that are there. */
function lengthNote(announced: number, present: number, ciphered: boolean, field: string): string | undefined {
  const excess = present - announced;
  if (excess === 0) return undefined;
  if (excess < 0) return `${present} of ${announced} octets are here: the first segment of several, or cut off`;
  if (excess === 8 && ciphered && field === "CPL") {
    return "CPL leaves out 8 octets of cipher padding, as one fielded SM-SR writes it; cards take it";
  }
  return `${present} octets follow ${field}, ${excess} more than it counts`;
}

/** A command packet from CPL on, opened as far as keys allow. ETSI TS 102 225 §5.1, 3GPP TS 31.115 §4.2 */
export function commandPacketNode(octets: Uint8Array, base: number, context: Context): Node {
  return grow("command packet", octets, base, (branch) => commandPacket(branch, octets, base, context), {
    clause,
  });
}

function commandPacket(branch: Branch, octets: Uint8Array, base: number, context: Context): string {
  const present = octets.length - 2;
  const spi = spiOf(octets.subarray(3, 5));
  const ciphered = spi?.command.ciphered ?? false;
  const announced = (octets[0] ?? 0) * 256 + (octets[1] ?? 0);
  const cplNote = lengthNote(announced, present, ciphered, "CPL");
  branch.uint("CPL", 2, (value) => `${value} octets`, { note: cplNote });
  const chl = branch.octet("CHL", (value) => `${value}: ${value - 13} octets of RC/CC/DS`);
  branch.field("SPI", 2, (bytes, offset) => showSpi(parseSpi(bytes, offset)), { clause: "TS 102 225 §5.1.1" });
  branch.octet("KIc", (octet) => kicWords(octet, spi), { clause: "TS 102 225 §5.1.2" });
  branch.octet("KID", (octet) => kidWords(octet, spi), { clause: "TS 102 225 §5.1.3" });
  const tar = branch.field("TAR", 3, tarWords, { clause: "TS 101 220 annex D" });
  branch.value = tarText(tar);
  const check = Math.max(0, chl - 13);
  const whole = present >= announced;
  if (whole && context.keys !== undefined && spi !== undefined)
    return openedCommand(branch, octets, base, check, context);
  if (!ciphered) return clearCommand(branch, check, octets, tar, context);
  const opens = whole ? "the keys open it" : "opens when all segments are given";
  branch.rest("ciphered", (bytes) => `${bytes.length} octets: CNTR, PCNTR, RC/CC/DS and data; ${opens}`);
  return `${tarText(tar)}, ciphered`;
}

const oddities = {
  "cpl-short": "CPL, PCNTR and CC leave out 8 octets of cipher padding",
  "cpl-raised": "CPL was raised by 8 after the CC was made",
} as const;

function openedCommand(branch: Branch, octets: Uint8Array, base: number, check: number, context: Context): string {
  const { keys } = context;
  const tar = octets.subarray(7, 10);
  if (keys === undefined) return tarText(tar);
  let opened: ReturnType<typeof openCommand>;
  try {
    opened = openCommand(octets, keys, { lenient: true, base });
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (spiOf(octets.subarray(3, 5))?.command.ciphered === true) {
      branch.fail(error);
      return `${tarText(tar)}, not opened: ${error.message}`;
    }
    branch.note = error.message;
    return clearCommand(branch, check, octets, tar, context);
  }
  const notes = opened.oddities.map((oddity) => oddities[oddity]);
  if (notes.length > 0) branch.note = notes.join("; ");
  const clear = concatClear(
    opened.cntr,
    opened.pcntr,
    opened.check,
    opened.data,
    opened.padding,
    branch.from.remaining,
  );
  const proof = opened.integrity === "none" ? "no check" : `${opened.integrity.toUpperCase()} verifies`;
  const label = opened.packet.spi.command.ciphered ? "deciphered" : "secured part";
  const inner = branch.part(branch.from.remaining, (_, offset) =>
    grow(label, clear, offset, (part) => securedBody(part, check, opened.padding.length, tar, proof, context)),
  );
  return inner.value ?? tarText(tar);
}

/** The clear octets at the places of the ciphered ones. */
function concatClear(
  cntr: number,
  pcntr: number,
  check: Uint8Array,
  data: Uint8Array,
  padding: Uint8Array,
  total: number,
): Uint8Array {
  const clear = new Uint8Array(total);
  for (let i = 0, left = cntr; i < 5; i++, left = Math.floor(left / 256)) clear[4 - i] = left % 256;
  clear[5] = pcntr;
  clear.set(check, 6);
  clear.set(data, 6 + check.length);
  clear.set(padding.subarray(0, Math.max(0, total - 6 - check.length - data.length)), 6 + check.length + data.length);
  return clear;
}

function clearCommand(branch: Branch, check: number, octets: Uint8Array, tar: Uint8Array, context: Context): string {
  const pcntr = octets[15] ?? 0;
  return securedBody(
    branch,
    check,
    Math.min(pcntr, Math.max(0, branch.from.remaining - 6 - check)),
    tar,
    undefined,
    context,
  );
}

/** CNTR, PCNTR, RC/CC/DS, data and padding of a command packet in clear. */
function securedBody(
  branch: Branch,
  check: number,
  padding: number,
  tar: Uint8Array,
  proof: string | undefined,
  context: Context,
): string {
  const cntr = toHex(branch.field("CNTR", 5, counterWords, { clause: "TS 102 225 §5.1.4" }));
  branch.value = `${tarText(tar)}, CNTR ${cntr}`;
  branch.octet("PCNTR", (value) => `${value} octets of padding`);
  if (check > 0) branch.field("RC/CC/DS", check, () => proof);
  const words = data(branch, branch.from.remaining - padding, context);
  branch.rest("padding");
  return `${tarText(tar)}, CNTR ${cntr}${words === undefined ? "" : `: ${words}`}`;
}

const counterWords = (octets: Uint8Array): string => String(octets.reduce((value, octet) => value * 256 + octet, 0));

/** Secured data: a script, an answer, a notification, a session trigger. */
function data(branch: Branch, length: number, context: Context, answer = false): string | undefined {
  if (length <= 0) return undefined;
  const types = answer ? (["script-response"] as const) : (["notification", "session-trigger", "script"] as const);
  const node = branch.part(length, (bytes, offset) => {
    const found = context.guess(types, bytes, offset, context);
    return (
      found ?? grow("secured data", bytes, offset, (inner) => void inner.rest("data", (all) => `${all.length} octets`))
    );
  });
  return node.value === undefined ? node.label : `${node.label}: ${node.value}`;
}

/** A response packet (PoR) from RPL on. It does not say how it is secured: that is known from its command. */
export function responsePacketNode(octets: Uint8Array, base: number, context: Context): Node {
  return grow("response packet", octets, base, (branch) => responsePacket(branch, octets, base, context), {
    clause: answerClause,
  });
}

function responsePacket(branch: Branch, octets: Uint8Array, base: number, context: Context): string {
  const present = octets.length - 2;
  const announced = (octets[0] ?? 0) * 256 + (octets[1] ?? 0);
  const trailing = trailingStatus(octets.subarray(2 + announced));
  const note = trailing === undefined ? lengthNote(announced, present, false, "RPL") : undefined;
  branch.uint("RPL", 2, (value) => `${value} octets`, { note });
  const rhl = branch.octet("RHL", (value) => `${value}: ${value - 10} octets of RC/CC/DS`);
  const tar = branch.field("TAR", 3, tarWords, { clause: "TS 101 220 annex D" });
  branch.value = tarText(tar);
  const packet = octets.subarray(0, Math.min(octets.length, 2 + announced));
  const words = responseBody(branch, packet, base, { tar, check: Math.max(0, rhl - 10), context, present, announced });
  if (trailing !== undefined) {
    branch.field("status word", 2, () => statusWordName(trailing), {
      note: "outside RPL: the status of the ENVELOPE that brought the packet",
    });
  }
  return words;
}

function trailingStatus(octets: Uint8Array): number | undefined {
  const [sw1 = 0, sw2 = 0] = octets;
  return octets.length === 2 && (sw1 === 0x91 || (sw1 === 0x90 && sw2 === 0)) ? sw1 * 256 + sw2 : undefined;
}

interface Response {
  readonly tar: Uint8Array;
  readonly check: number;
  readonly context: Context;
  readonly present: number;
  readonly announced: number;
}

function responseBody(branch: Branch, packet: Uint8Array, base: number, response: Response): string {
  const { tar, check, context, present, announced } = response;
  const secured = packet.subarray(6);
  if (present < announced) {
    branch.rest("secured part", (bytes) => `${bytes.length} octets; opens when all segments are given`);
    return tarText(tar);
  }
  const { answered, keys } = context;
  if (answered !== undefined && keys !== undefined) {
    const opened = tryOpen(branch, packet, base, response);
    if (opened !== undefined) return opened;
    return `${tarText(tar)}, not opened`;
  }
  if (looksClear(secured, check)) {
    const inner = branch.part(secured.length, (bytes, offset) =>
      grow("secured part in clear", bytes, offset, (part) =>
        answerBody(part, check, bytes[5] ?? 0, tar, undefined, context),
      ),
    );
    return inner.value ?? tarText(tar);
  }
  branch.part(secured.length, (bytes, offset) =>
    grow("secured part", bytes, offset, (part) => {
      part.rest(
        "ciphered",
        (all) => `${all.length} octets: CNTR, PCNTR, status, RC/CC/DS and data; the keys and its command's SPI open it`,
      );
      return undefined;
    }),
  );
  return `${tarText(tar)}, ciphered`;
}

/** PCNTR is 0 and the status one that exists: chance gives that to one ciphered packet in five thousand. */
function looksClear(secured: Uint8Array, check: number): boolean {
  return secured.length >= 7 + check && secured[5] === 0 && (secured[6] ?? 0xff) <= 0x0c;
}

function tryOpen(branch: Branch, packet: Uint8Array, base: number, response: Response): string | undefined {
  const { context, tar, check } = response;
  const { answered, keys } = context;
  if (answered === undefined || keys === undefined) return undefined;
  const pending = { ...answered, kic: answered.kic ?? 0x12, kid: answered.kid ?? 0x12 };
  try {
    const opened = openResponse(packet, pending, keys, { base, lenient: true });
    const length = packet.length - 6;
    const clear = new Uint8Array(length);
    clear.set(concatClear(opened.cntr, opened.pcntr, new Uint8Array(0), new Uint8Array(0), new Uint8Array(0), 6));
    clear[6] = opened.status;
    clear.set(opened.check, 7);
    clear.set(opened.data, 7 + opened.check.length);
    clear.set(opened.padding, 7 + opened.check.length + opened.data.length);
    if (opened.ccVariant !== "standard") branch.note = `the CC verifies ${ccVariants[opened.ccVariant]}`;
    const proof = opened.integrity === "none" ? "no check" : `${opened.integrity.toUpperCase()} verifies`;
    const label = answered.spi.response.porCiphered ? "deciphered" : "secured part";
    const inner = branch.part(length, (_, offset) =>
      grow(label, clear, offset, (part) => answerBody(part, check, opened.padding.length, tar, proof, context)),
    );
    return inner.value;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    branch.note = error.message;
    const secured = packet.subarray(6);
    if (looksClear(secured, check)) {
      const inner = branch.part(secured.length, (bytes, offset) =>
        grow("secured part in clear, not authenticated", bytes, offset, (part) =>
          answerBody(part, check, bytes[5] ?? 0, tar, undefined, context),
        ),
      );
      return inner.value === undefined ? undefined : `${inner.value} (not authenticated)`;
    }
    branch.part(secured.length, (bytes, offset) =>
      grow("secured part", bytes, offset, (part) => {
        part.fail(error);
        return undefined;
      }),
    );
    return undefined;
  }
}

const ccVariants = {
  "literal-udh": "with the header as it came instead of 02 71 00",
  "without-udh": "without the user data header, as one applet computes it",
} as const;

/** CNTR, PCNTR, status, RC/CC/DS, data and padding of a response packet in clear. */
function answerBody(
  branch: Branch,
  check: number,
  padding: number,
  tar: Uint8Array,
  proof: string | undefined,
  context: Context,
): string {
  const cntr = toHex(branch.field("CNTR", 5, counterWords));
  branch.octet("PCNTR", (value) => `${value} octets of padding`);
  const status = branch.octet("status", porStatusName, { clause: "TS 102 225 §5.2, TS 31.115 §7" });
  const head = `${tarText(tar)}, CNTR ${cntr}, status ${hex2(status)} ${porStatusName(status)}`;
  branch.value = head;
  if (check > 0) branch.field("RC/CC/DS", check, () => proof);
  const words = data(branch, branch.from.remaining - padding, context, true);
  branch.rest("padding");
  return words === undefined ? head : `${head}; ${words}`;
}

/** A status word in words, with its number. */
export function statusText(sw: number): string {
  return `${hex4(sw)} ${statusWordName(sw)}`;
}
