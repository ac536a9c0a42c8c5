import { isGatewayError } from "../../base/gateway-error.ts";
import { concatBytes, toHex } from "../../base/hex.ts";
import { isSuccess, statusWordName } from "../../codec/apdu/status-word.ts";
import { porStatusName } from "../../codec/ota/por-status.ts";
import { type OpenedResponse, openResponse } from "../../crypto/response-packet.ts";
import type { Context } from "../context.ts";
import { type Branch, branchOf, decimal, hex2, type Node } from "../tree.ts";
import { segmentNote } from "./packet.ts";
import { checkWords, countedWords, counterHead, joinNotes, securedData, tarText, tarWords } from "./packet-parts.ts";

/** RHL to status: what RPL counts at least. */
const minRpl = 11;

/** TAR to status: what RHL counts at least. */
const minRhl = 10;

/** A response packet (PoR) from RPL on. It does not specify how it is secured: that is known from its command. */
export function responsePacketNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf("response packet", octets, base, (branch) => responsePacket(branch, octets, base, context), {
    clause: "TS 102 225 §5.2",
  });
}

function responsePacket(branch: Branch, octets: Uint8Array, base: number, context: Context): string {
  const present = octets.length - 2;
  const announced = (octets[0] ?? 0) * 256 + (octets[1] ?? 0);
  const counted = { field: "RPL", announced, present, segmented: context.segmented === true, least: minRpl } as const;
  const behind = octets.subarray(2 + announced);
  const trailing = trailingStatus(behind);
  branch.field("RPL", 2, (_, offset) => countedWords(counted, offset), {
    note:
      present < announced && context.segmented
        ? segmentNote(present, announced)
        : behind.length > 0 && trailing === undefined
          ? `${behind.length} octets more than it counts follow`
          : undefined,
  });
  const [rhl = 0] = branch.field("RHL", 1, ([value = 0], offset) => checkWords("RHL", value, minRhl, offset));
  const tar = branch.field("TAR", 3, tarWords, { clause: "TS 101 220 annex D" });
  branch.value = tarText(tar);
  const packet = octets.subarray(0, Math.min(octets.length, 2 + announced));
  const whole = present >= announced;
  const words = responseBody(branch, packet, base, { tar, check: Math.max(0, rhl - minRhl), context, whole });
  if (trailing === undefined) branch.rest("octets behind the packet");
  else {
    branch.field("status word", 2, () => statusWordName(trailing), {
      note: "outside RPL: the status of the ENVELOPE that brought the packet",
    });
  }
  return words;
}

/** A status word behind the packet. */
function trailingStatus(octets: Uint8Array): number | undefined {
  const [sw1 = 0, sw2 = 0] = octets;
  const sw = sw1 * 256 + sw2;
  if (octets.length !== 2 || (sw1 >> 4 !== 0x9 && sw1 >> 4 !== 0x6)) return undefined;
  return isSuccess(sw) || statusWordName(sw) !== "unknown" ? sw : undefined;
}

interface Response {
  readonly tar: Uint8Array;
  readonly check: number;
  readonly context: Context;
  /** All octets that RPL counts are here. */
  readonly whole: boolean;
}

function responseBody(branch: Branch, packet: Uint8Array, base: number, response: Response): string {
  const { tar, check, context, whole } = response;
  const secured = packet.subarray(6);
  if (!whole && secured.length === 0) return tarText(tar);
  if (!whole) {
    branch.rest("secured part", (bytes) => `${bytes.length} octets; opens when all segments are given`);
    return tarText(tar);
  }
  if (context.answered !== undefined && context.keys !== undefined) {
    return tryOpen(branch, packet, base, response) ?? `${tarText(tar)}, not opened`;
  }
  if (looksClear(secured, check))
    return clearPart(branch, secured, response, check === 0 ? unproven : "CC not checked");
  branch.part(secured.length, (bytes, offset) =>
    branchOf("secured part", bytes, offset, (part) => {
      part.rest(
        "ciphered",
        (all) => `${all.length} octets: CNTR, PCNTR, status, RC/CC/DS and data; the keys and its command's SPI open it`,
      );
      return undefined;
    }),
  );
  return `${tarText(tar)}, ciphered`;
}

/** Without a CC that verifies, any sender can have written a status. */
const unproven = "not authenticated";

/** The secured part as it stands in clear; `how` specifies what nothing proves. */
function clearPart(branch: Branch, secured: Uint8Array, { tar, check, context }: Response, how: string): string {
  const inner = branch.part(secured.length, (bytes, offset) =>
    branchOf(`secured part in clear, ${how}`, bytes, offset, (part) =>
      answerBody(part, { check, padding: bytes[5] ?? 0, tar, proof: undefined, how, context }),
    ),
  );
  return inner.value ?? tarText(tar);
}

/** The status is one that exists: with PCNTR 0 chance gives that to one ciphered packet in five thousand. */
function looksClear(secured: Uint8Array, check: number): boolean {
  return secured.length >= 7 + check && secured[5] === 0 && (secured[6] ?? 0xff) <= 0x0c;
}

function tryOpen(branch: Branch, packet: Uint8Array, base: number, response: Response): string | undefined {
  const { context, tar, check } = response;
  const { answered, keys } = context;
  if (answered === undefined || keys === undefined) return undefined;
  const pending = { ...answered, kic: answered.kic ?? 0x12, kid: answered.kid ?? 0x12 };
  let opened: OpenedResponse;
  try {
    opened = openResponse(packet, pending, keys, { base, lenient: true });
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return notOpened(branch, packet.subarray(6), response, error);
  }
  const { cntr, pcntr, status, data, padding, integrity } = opened;
  const clear = concatBytes(counterHead(cntr, pcntr), Uint8Array.of(status), opened.check, data, padding);
  branch.note = joinNotes(
    opened.ccVariant === "standard" ? undefined : `the CC verifies ${ccVariants[opened.ccVariant]}`,
    opened.oddities.length === 0 ? undefined : "PCNTR counts padding although nothing is ciphered, and there is none",
  );
  const proven = integrity === "cc" || integrity === "ds";
  const proof = integrity === "none" ? undefined : `${integrity.toUpperCase()} verifies`;
  const label = answered.spi.response.porCiphered ? "deciphered" : "secured part";
  const facts = { check, padding: padding.length, tar, proof, how: proven ? undefined : unproven, context };
  const inner = branch.part(packet.length - 6, (_, offset) =>
    branchOf(proven ? label : `${label}, ${unproven}`, clear, offset, (part) => answerBody(part, facts)),
  );
  return inner.value;
}

function notOpened(
  branch: Branch,
  secured: Uint8Array,
  response: Response,
  error: Parameters<Branch["fail"]>[0],
): string | undefined {
  branch.note = error.message;
  if (looksClear(secured, response.check)) return clearPart(branch, secured, response, unproven);
  branch.part(secured.length, (bytes, offset) =>
    branchOf("secured part", bytes, offset, (part) => {
      part.fail(error);
      return undefined;
    }),
  );
  return undefined;
}

const ccVariants = {
  "literal-udh": "with the header as it came instead of 02 71 00",
  "without-udh": "without the user data header, as one applet computes it",
  "without-padding": "without the padding",
} as const;

interface Answer {
  /** Octets of RC/CC/DS. */
  readonly check: number;
  readonly padding: number;
  readonly tar: Uint8Array;
  readonly proof: string | undefined;
  /** What is missing to a proof. */
  readonly how: string | undefined;
  readonly context: Context;
}

/** CNTR, PCNTR, status, RC/CC/DS, data and padding of a response packet in clear. */
function answerBody(branch: Branch, { check, padding, tar, proof, how, context }: Answer): string {
  const cntr = toHex(branch.field("CNTR", 5, decimal));
  branch.octet("PCNTR", (value) => `${value} octets of padding`);
  const status = branch.octet("status", porStatusName, { clause: "TS 102 225 §5.2, TS 31.115 §7" });
  const state = `${tarText(tar)}, CNTR ${cntr}, status ${hex2(status)} ${porStatusName(status)}`;
  const head = how === undefined ? state : `${state} (${how})`;
  branch.value = head;
  if (check > 0) branch.field("RC/CC/DS", check, () => proof);
  const words = securedData(branch, branch.from.remaining - padding, context, true);
  branch.rest("padding");
  return words === undefined ? head : `${head}; ${words}`;
}
