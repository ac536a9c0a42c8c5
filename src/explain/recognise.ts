import { isGatewayError } from "../base/gateway-error.ts";
import { parseCommand } from "../codec/apdu/command-apdu.ts";
import { isSuccess, statusWordName } from "../codec/apdu/status-word.ts";
import { readCatTlvs } from "../codec/cat/comprehension.ts";
import { catObjectName } from "../codec/cat/object.ts";
import { readPskIdentity } from "../codec/gp/psk-identity.ts";
import { readLength, readTag } from "../codec/kit/ber.ts";
import { Reader } from "../codec/kit/codec.ts";
import { compactCommandLength } from "../codec/ota/script.ts";
import { guessTpdu, type SmsTpdu } from "../codec/sms/tpdu.ts";
import { concatenationOf, readUserDataHeader, securityHeaderOf } from "../codec/sms/user-data-header.ts";
import { isBer } from "./ber-tree.ts";
import { pairCut } from "./card/apdu.ts";
import { isEnvelopeTag } from "./card/cat.ts";
import { instructionOf } from "./card/instruction.ts";
import type { ExplainType } from "./context.ts";
import { atrSureness } from "./identity.ts";
import { applicationName, tarName } from "./names.ts";
import { euiccResponseScore, profilePackageScore } from "./profile/profile-package.ts";
import { privateKeyScore } from "./secrets/private-key.ts";
import { textScore } from "./text.ts";
import { httpScore } from "./tls/http.ts";
import { tlsScore } from "./tls/tls.ts";

/** How sure it is that octets are of a type: 0 (not at all) to 100. */
type Score = (octets: Uint8Array) => number;

/** Readings below this are not listed as alternatives. */
export const minAlternativeScore = 40;

/** The result, or the other where the octets do not allow the work. */
function orElse<T>(work: () => T, other: T): T {
  try {
    return work();
  } catch {
    return other;
  }
}

/** How many octets a TLV at the start announces in all; undefined when its head is malformed. */
function announced(octets: Uint8Array): number | undefined {
  return orElse<number | undefined>(() => {
    const from = new Reader(octets);
    readTag(from);
    const length = readLength(from);
    return from.offset + length;
  }, undefined);
}

/** A template by its tag: sure when it fills the octets, likely when it is cut or followed by something. */
function template(octets: Uint8Array, sure: number, likely: number): number {
  const length = announced(octets);
  if (length === octets.length) return sure;
  return length !== undefined && isPadding(octets.subarray(length)) ? Math.max(likely, sure - 5) : likely;
}

/** Zeros that fill the last block of a cipher. */
function isPadding(octets: Uint8Array): boolean {
  return octets.length > 0 && octets.length < 16 && octets.every((octet) => octet === 0);
}

const commandScore: Score = (octets) => {
  const [cla = 0, ins = 0, p1 = 0] = octets;
  if (octets.length < 4) return 0;
  const known = instructionOf(cla, ins, p1) !== undefined;
  const fits = orElse(() => {
    parseCommand(octets);
    return true;
  }, false);
  if (!known) return fits && (cla & 0x70) === 0 ? 25 : 0;
  return fits ? (octets.length === 4 ? 60 : 92) : 45;
};

function plausibleStatus(octets: Uint8Array): number {
  const sw = (octets.at(-2) ?? 0) * 256 + (octets.at(-1) ?? 0);
  const high = sw >> 12;
  if (high !== 0x6 && high !== 0x9) return 0;
  if (isSuccess(sw)) return 2;
  return statusWordName(sw) === "unknown" ? 0 : 1;
}

const responseScore: Score = (octets) => {
  if (octets.length < 2) return 0;
  const status = plausibleStatus(octets);
  if (status === 0) return 0;
  if (octets.length === 2) return 90;
  const data = octets.subarray(0, -2);
  const best = Math.max(
    ...(
      [
        "proactive-command",
        "fcp",
        "card-data",
        "certificate",
        "notification",
        "script-response",
        "euicc-response",
        "terminal-response",
      ] as const
    ).map((type) => scores[type](data)),
  );
  if (best >= 85) return Math.min(best, 94) + 2;
  return status === 2 ? 55 : 42;
};

const pairScore: Score = (octets) => {
  const cut = pairCut(octets);
  if (cut === undefined) return 0;
  const command = commandScore(octets.subarray(0, cut));
  const answer = octets.subarray(cut);
  if (command < 60 || plausibleStatus(answer) === 0) return 0;
  return answer.length === 2 ? 93 : 80;
};

/** A message of (U)SIM data download is surely one; of the rest, what fits all octets is likely. */
function tpduScore(wanted?: SmsTpdu["type"]): Score {
  return (octets) =>
    orElse(() => {
      const { tpdu, behind } = tpduAndRest(octets);
      if (behind > 0) return wanted === undefined ? trailingScore(tpdu, behind) : 0;
      if (wanted !== undefined && tpdu.type !== wanted) return 0;
      const pid = "pid" in tpdu ? tpdu.pid : undefined;
      if (pid === 0x7f && "userData" in tpdu && tpdu.userData !== undefined) return 98;
      const report = tpdu.type.endsWith("DELIVER-REPORT") || tpdu.type.endsWith("SUBMIT-REPORT");
      return octets.length < 8 || report ? 35 : 75;
    }, 0);
}

/** A TPDU, and how many octets follow it: modems and records of EF.SMS carry more than the TPDU has. */
function tpduAndRest(octets: Uint8Array): { readonly tpdu: SmsTpdu; readonly behind: number } {
  try {
    return { tpdu: guessTpdu(octets), behind: 0 };
  } catch (error) {
    const end = isGatewayError(error, "codec.trailing") ? error.detail.offset : undefined;
    if (typeof end !== "number" || end < 8) throw error;
    return { tpdu: guessTpdu(octets.subarray(0, end)), behind: octets.length - end };
  }
}

/** Almost any octets are a TPDU with something behind it: what it states must be what a network states. */
function trailingScore(tpdu: SmsTpdu, behind: number): number {
  if (tpdu.type !== "SMS-DELIVER" && tpdu.type !== "SMS-SUBMIT") return 0;
  if (tpdu.type === "SMS-DELIVER" && !/^20\d\d-\d\d-\d\dT/.test(tpdu.scts)) return 0;
  const address = tpdu.type === "SMS-DELIVER" ? tpdu.originator : tpdu.destination;
  if (address.number === "" || tpdu.userData.octets.length === 0 || behind > 176) return 0;
  return tpdu.pid === 0x7f ? 94 : tpdu.pid === 0 && tpdu.type === "SMS-DELIVER" ? 72 : 42;
}

const pduScore: Score = (octets) => {
  const length = octets[0] ?? 255;
  if (length > 12 || octets.length < length + 9) return 0;
  if (length > 0 && ((octets[1] ?? 0) & 0x80) === 0) return 0;
  const inner = tpduScore()(octets.subarray(1 + length));
  return inner < 60 ? 0 : length === 0 ? inner - 12 : inner - 2;
};

const userDataScore: Score = (octets) =>
  orElse(() => {
    const { elements } = readUserDataHeader(octets);
    if (elements.length === 0) return 0;
    const security = securityHeaderOf(elements) !== undefined && elements.length <= 3;
    const concatenation = concatenationOf(elements);
    if (security) return 97;
    return concatenation === undefined || concatenation === "ignored" ? 10 : octets.length > 20 ? 88 : 50;
  }, 0);

function packetScore(octets: Uint8Array, fixed: number): number {
  const counted = (octets[0] ?? 0) * 256 + (octets[1] ?? 0);
  const check = (octets[2] ?? 0) - fixed;
  if (octets.length < 3 + fixed || ![0, 2, 4, 8].includes(check)) return 0;
  const excess = octets.length - 2 - counted;
  if (excess === 0) return 94;
  return excess === 8 || (excess === 2 && fixed === 10) ? 85 : 0;
}

const commandPacketScore: Score = (octets) => {
  const reserved = ((octets[3] ?? 0) & 0xe0) | ((octets[4] ?? 0) & 0xc0);
  return reserved === 0 ? packetScore(octets, 13) : 0;
};

const scriptScore: Score = (octets) => {
  const [first, second] = octets;
  if (first === 0xaa) return startsObject(octets) ? template(octets, 97, 80) : template(octets, 60, 30);
  if (first === 0xae) return second === 0x80 ? 97 : template(octets, startsObject(octets) ? 90 : 60, 40);
  if (first === 0x22 || first === 0xad) return framed(octets) ? 75 : 0;
  return compactScore(octets);
};

/** Objects that stand in a command scripting template, with and without their first bit. */
const scriptObjects = new Set([0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x22]);

/** Whether a template begins with an object of a script. */
function startsObject(octets: Uint8Array): boolean {
  const second = octets[1] ?? 0;
  const at = second > 0x80 ? 2 + (second & 0x7f) : 2;
  const tag = octets[at];
  return tag === undefined || tag === 0x80 || scriptObjects.has(tag & 0x7f);
}

/** A C-APDU object without its template. */
function framed(octets: Uint8Array): boolean {
  const inner = octets[0] === 0xad ? 0x22 : octets[2];
  return (
    announced(octets) === octets.length &&
    inner !== undefined &&
    (octets[0] === 0xad || inner === 0x80 || inner === 0x00)
  );
}

/** Two known commands or more that fill the octets. */
function compactScore(octets: Uint8Array): number {
  let commands = 0;
  for (let at = 0; at < octets.length; commands++) {
    const rest = octets.subarray(at);
    const [cla = 0, ins = 0, p1 = 0] = rest;
    const length = compactCommandLength(rest);
    if (rest.length < 5 || length > rest.length || instructionOf(cla, ins, p1) === undefined) return 0;
    at += length;
  }
  return commands > 1 ? 90 : commands === 1 ? 46 : 0;
}

const scriptResponseScore: Score = (octets) => {
  const [first, second] = octets;
  if (first === 0xab) return template(octets, 97, octets[2] === 0x80 ? 80 : 20);
  if (first === 0xaf) return second === 0x80 ? 96 : template(octets, 85, 20);
  const count = octets[0] ?? 0;
  if (octets.length < 3 || count === 0 || count > 40) return 0;
  return plausibleStatus(octets.subarray(1, 3)) > 0 ? (octets.length === 3 ? 70 : 50) : 0;
};

/** Device identities of a terminal's answer. */
const terminalResponseScore: Score = (octets) => {
  const [tag = 0, length = 0] = octets;
  if ((tag & 0x7f) !== 1 || length !== 3) return 0;
  const device = (octets[5] ?? 0) & 0x7f;
  const devices = device === 2 && octets[6] === 2 && octets[7] === 0x82;
  const objects = orElse(() => readCatTlvs(octets).length, 0);
  return devices ? (objects > 2 ? 96 : 70) : objects > 2 ? 55 : 0;
};

const objectsScore: Score = (octets) =>
  orElse(() => {
    // A SEQUENCE of DER, and no browser identity, which is one octet.
    if (octets[0] === 0x30 && octets[1] !== 1) return 0;
    const objects = readCatTlvs(octets);
    const known = objects.filter(({ tag }) => catObjectName(tag) !== undefined).length;
    return objects.length > 1 && known === objects.length ? 52 : known === objects.length && known > 0 ? 32 : 0;
  }, 0);

const digitsOnly = (octets: Uint8Array) => octets.every((octet) => octet >> 4 < 10 && (octet & 0x0f) < 10);

const eidScore: Score = (octets) => {
  if (octets.length === 32 && octets.every((octet) => octet >= 0x30 && octet <= 0x39)) return 90;
  if (octets.length !== 16 || !digitsOnly(octets)) return 0;
  return octets[0] === 0x89 ? 96 : 65;
};

const iccidScore: Score = (octets) => {
  if (octets.length !== 10) return 0;
  const digits = octets.every((octet, at) => (octet & 0x0f) < 10 && (octet >> 4 < 10 || at >= 8));
  return digits ? (octets[0] === 0x98 ? 95 : 45) : 0;
};

const imsiScore: Score = (octets) => {
  if (octets.length !== 9 || (octets[0] ?? 0) < 6 || (octets[0] ?? 0) > 8) return 0;
  return [1, 9].includes((octets[1] ?? 0) & 0x0f) && digitsOnly(octets.subarray(1, octets[0])) ? 90 : 0;
};

const aidScore: Score = (octets) => {
  if (octets.length < 5 || octets.length > 16) return 0;
  if (applicationName(octets) !== undefined) return 97;
  return octets[0] === 0xa0 && octets[1] === 0 ? 70 : 0;
};

const triggerScore: Score = (octets) => {
  if (octets[0] !== 0x81) return 0;
  if (octets.length === 2 && octets[1] === 0) return 80;
  const from = new Reader(octets);
  return orElse(() => {
    from.u8();
    readLength(from);
    return [0x83, 0xb3].includes(from.peek() ?? 0) ? template(octets, 95, 60) : 0;
  }, 0);
};

const identityScore: Score = (octets) => {
  const spelled = Buffer.from(octets.subarray(0, 96)).toString("latin1");
  if (octets.length === 90 && readPskIdentity(spelled) !== undefined) return 98;
  return octets.length === 45 && readPskIdentity(Buffer.from(octets).toString("hex")) !== undefined ? 98 : 0;
};

const cardDataTags = new Set([0xe3, 0xe0, 0x66]);

const cardDataScore: Score = (octets) => {
  const [first = 0, second = 0] = octets;
  if (first === 0xff && second === 0x21) return template(octets, 95, 60);
  if (first === 0xbf && second === 0x30) return template(octets, 95, 60);
  if (first === 0x5a && second === 0x10) return template(octets, 92, 0);
  if (first === 0x80 && octets[2] === 0x4f && octets[3] === 0x10) return template(octets, 90, 0);
  if (first === 0x86 && second === 0x10 && octets.length === 18) return 88;
  if (first === 0x85 && second >= 0x10 && second <= 0x20) return isBer(octets) ? 86 : 0;
  if (first === 0xc1 && (second === 3 || second === 5)) return template(octets, 86, 0);
  return cardDataTags.has(first) ? (isBer(octets) ? 93 : 45) : 0;
};

/** One SEQUENCE of parts that fills the octets: its last two are no status word, whatever they look like. */
function isDerSequence(octets: Uint8Array): boolean {
  if (octets[0] !== 0x30 || octets.length < 8) return false;
  const from = new Reader(octets);
  try {
    readTag(from);
    const length = readLength(from);
    return length === from.remaining && isBer(octets.subarray(from.offset));
  } catch {
    return false;
  }
}

/** An FCP is never empty: two octets of that look are a status word. */
function isFcp(octets: Uint8Array): boolean {
  return (octets[0] === 0x62 || octets[0] === 0x6f) && octets.length > 2 && octets[1] !== 0;
}

/** Sureness per type; types that only `--as` reaches score 0. */
export const scores: Readonly<Record<ExplainType, Score>> = {
  "c-apdu": commandScore,
  "r-apdu": responseScore,
  "apdu-pair": pairScore,
  "status-word": () => 0,
  "sms-tpdu": tpduScore(),
  "sms-deliver": () => 0,
  "sms-submit": () => 0,
  "sms-deliver-report": () => 0,
  "sms-submit-report": () => 0,
  "sms-deliver-report-error": () => 0,
  "sms-submit-report-error": () => 0,
  "sms-status-report": () => 0,
  "sms-pdu": pduScore,
  "tp-ud": userDataScore,
  "command-packet": commandPacketScore,
  "response-packet": (octets) => packetScore(octets, 10),
  script: scriptScore,
  "script-response": scriptResponseScore,
  "proactive-command": (octets) =>
    octets[0] === 0xd0 ? template(octets, 98, octets[2] === 0x81 || octets[2] === 1 ? 70 : 20) : 0,
  envelope: (octets) => (isEnvelopeTag(octets[0]) ? template(octets, 96, 50) : 0),
  "terminal-response": terminalResponseScore,
  "terminal-profile": (octets) => (octets.length >= 4 && octets.length <= 40 ? 15 : 0),
  "cat-objects": objectsScore,
  notification: (octets) => (octets[0] === 0xe1 && octets[2] === 0x4c ? template(octets, 98, 80) : 0),
  eid: eidScore,
  aid: aidScore,
  tar: (octets) => (octets.length === 3 ? (tarName(octets) === undefined ? 20 : 60) : 0),
  iccid: iccidScore,
  imsi: imsiScore,
  atr: atrSureness,
  certificate: (octets) => (octets[0] === 0x7f && octets[1] === 0x21 ? template(octets, 98, 80) : 0),
  "card-data": cardDataScore,
  "session-trigger": triggerScore,
  "psk-identity": identityScore,
  "profile-package": profilePackageScore,
  "euicc-response": euiccResponseScore,
  tls: tlsScore,
  http: httpScore,
  "private-key": privateKeyScore,
  text: textScore,
  fcp: (octets) => (isFcp(octets) ? template(octets, 92, 30) : 0),
  tlv: (octets) => (isDerSequence(octets) ? 60 : isBer(octets) ? 31 : 0),
};
