import { codecError, GatewayError } from "../../base/gateway-error.ts";
import { commandName } from "../../codec/cat/command-type.ts";
import { type CatTlv, readCatTlv } from "../../codec/cat/comprehension.ts";
import { type EnvelopeName, envelopeTags } from "../../codec/cat/envelope.ts";
import { missingObjects } from "../../codec/cat/mandatory-objects.ts";
import { type CatObjectName, catObjectName, catObjects, findObject, findTlv } from "../../codec/cat/object.ts";
import { resultText } from "../../codec/cat/result.ts";
import { profileChannels, profileFacilities } from "../../codec/cat/terminal-profile.ts";
import { readLength } from "../../codec/kit/ber.ts";
import { Reader } from "../../codec/kit/codec.ts";
import type { Collected, Context } from "../context.ts";
import { octetCount } from "../octet-count.ts";
import { type Branch, branchOf, hex2, leafOf, type Node } from "../tree.ts";
import { commandWords, objectWords, openChannelWords, summaryWords, wordsOf } from "./cat-words.ts";

const clause = "TS 102 223 §8";

/** Objects whose octets are of a kind of their own. */
const inside = { smsTpdu: "sms-tpdu", cApdu: "c-apdu", rApdu: "r-apdu", cardAtr: "atr" } as const;

function isInside(name: CatObjectName): name is keyof typeof inside {
  return name in inside;
}

/** One object, its value as text or opened further. `loginHidden`: text strings hold a bearer's login. */
function objectNode(tlv: CatTlv, whole: Uint8Array, context: Context, loginHidden: boolean): Node {
  const { offset = 0, valueOffset = 0, value } = tlv;
  const name = catObjectName(tlv.tag);
  const spelled = hex2(whole[0] ?? 0);
  const label = `${name === undefined ? "unknown object" : wordsOf(name)} (${spelled})`;
  const place = { offset, length: whole.length };
  const vendor = context.vendorObjects?.get(whole[0] ?? 0);
  if (vendor !== undefined) {
    return { ...leafOf(`${vendor.name} (${spelled})`, value, valueOffset, vendor.render), ...place };
  }
  if (name === "textString" && loginHidden && value.length > 0) {
    return {
      label,
      value: `[hidden, ${octetCount(value.length)}]`,
      note: "login of the bearer",
      ...place,
      children: [],
    };
  }
  if (name !== undefined && isInside(name) && value.length > 0) {
    const node = context.read(inside[name], value, valueOffset, context);
    return { ...node, label: `${label}: ${node.label}`, ...place };
  }
  if (name === "channelData" && value.length > 0) {
    const found = context.guess(["tls", "http"], value, valueOffset, context);
    if (found !== undefined) return { ...found, label: `${label}: ${found.label}`, ...place };
  }
  const render = name === undefined ? undefined : () => objectWords(name, tlv);
  return { ...leafOf(label, value, valueOffset, render), ...place };
}

/** Reads objects to the end of the branch. Returns those that could be read. */
function readObjects(branch: Branch, context: Context): CatTlv[] {
  const { from } = branch;
  const objects: CatTlv[] = [];
  const watch = new ObjectWatch();
  while (!from.ended) {
    const start = from.offset - from.base;
    const tlv = readCatTlv(new Reader(from.bytes.subarray(start), from.offset));
    const length = (tlv.valueOffset ?? 0) - (tlv.offset ?? 0) + tlv.value.length;
    objects.push(tlv);
    watch.see(tlv, context.collected);
    branch.add(objectNode(tlv, from.take(length), context, watch.loginHidden && context.secrets !== true));
  }
  return objects;
}

/** What objects imply for the objects after them. */
class ObjectWatch {
  #type: number | undefined;
  #bearer = false;
  #devices: Uint8Array | undefined;

  see({ tag, value }: CatTlv, collected: Collected | undefined): void {
    if (tag === 0x01) this.#type ??= value[1];
    else if (tag === 0x02) this.#devices ??= value;
    else if (tag === 0x35 || tag === 0x39 || tag === 0x47) this.#bearer = true;
    else if (tag === catObjects.channelData.tag) this.#collect(value, collected);
  }

  /** Data go from the card in SEND DATA, to it in the answer of RECEIVE DATA. ETSI TS 102 223 §6.4.29, §6.4.30 */
  #collect(octets: Uint8Array, collected: Collected | undefined): void {
    const [source = 0, destination = 0] = this.#devices ?? [];
    const from = source === 0x81 ? "card" : "terminal";
    const channel = destination >> 4 === 2 ? destination & 0x07 : undefined;
    collected?.channelData.push({ from, channel, octets });
  }

  /** OPEN CHANNEL carries user and password as text strings; so do bearer parameters without details. TS 102 223 §6.6.27 */
  get loginHidden(): boolean {
    return this.#type === undefined ? this.#bearer : commandName(this.#type) === "openChannel";
  }
}

/** A run of COMPREHENSION-TLV objects. */
export function catObjectsNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    "COMPREHENSION-TLV objects",
    octets,
    base,
    (branch) => {
      readObjects(branch, context);
      return undefined;
    },
    { clause },
  );
}

/** Reads objects into a branch that something else heads (bearer parameters of other structures). */
export function catObjectsInto(branch: Branch, context: Context): void {
  readObjects(branch, context);
}

function openTemplate(branch: Branch): number {
  const tag = branch.octet("tag");
  const { from } = branch;
  const start = from.offset - from.base;
  const head = new Reader(from.bytes.subarray(start), from.offset);
  const length = readLength(head);
  branch.field("length", head.offset - from.offset, (_, offset) => {
    if (length > head.remaining)
      throw codecError("codec.truncated", `${length} octets announced, ${head.remaining} present`, offset);
    return `${length} octets${wrongLength(length, head.remaining)}`;
  });
  return tag;
}

function wrongLength(length: number, present: number): string {
  return length === present ? "" : `, but ${present} follow`;
}

/** What follows the SMS of a node of objects: the short message as text. */
function smsWords(branch: Branch): string | undefined {
  return branch.children.find((node) => node.label.startsWith("SMS TPDU"))?.value;
}

/** What the channel data among objects hold. */
function streamWords(branch: Branch): string | undefined {
  return branch.children.find((node) => node.label.startsWith("channel data") && node.children.length > 0)?.value;
}

/** Words that may fail on malformed objects, whose own nodes carry the error. */
function attempt(words: () => string | undefined): string | undefined {
  try {
    return words();
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/** A proactive command `D0`. ETSI TS 102 223 §6.6, §9.4 */
export function proactiveNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    "proactive command",
    octets,
    base,
    (branch) => {
      openTemplate(branch);
      const objects = readObjects(branch, context);
      attempt(() => {
        branch.note = missingWords(objects);
        return undefined;
      });
      return attempt(() => proactiveWords(objects, smsWords(branch), streamWords(branch)));
    },
    { clause: "TS 102 223 §6.6" },
  );
}

/** What a proactive command lacks. ETSI TS 102 223 §6.6 */
function missingWords(objects: readonly CatTlv[]): string | undefined {
  const details = findObject(objects, "commandDetails");
  if (details === undefined) return "without its mandatory command details";
  const missing = missingObjects(details.type, objects).map(wordsOf);
  return missing.length === 0 ? undefined : `without its mandatory ${missing.join(" and ")}`;
}

function proactiveWords(
  objects: readonly CatTlv[],
  sms: string | undefined,
  stream: string | undefined,
): string | undefined {
  const details = findObject(objects, "commandDetails");
  if (details === undefined) return undefined;
  const head = commandWords(details.type, details.qualifier);
  if (sms !== undefined) return `${head}: ${sms}`;
  const name = commandName(details.type);
  const data = findTlv(objects, "channelData");
  const more =
    name === "openChannel"
      ? openChannelWords(objects)
      : data !== undefined
        ? (stream ?? octetCount(data.value.length))
        : summaryWords(objects);
  return more === "" ? head : `${head}: ${more}`;
}

/** Objects of a TERMINAL RESPONSE. ETSI TS 102 223 §6.8 */
export function terminalResponseNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    "TERMINAL RESPONSE",
    octets,
    base,
    (branch) => {
      const objects = readObjects(branch, context);
      return attempt(() => terminalResponseWords(objects, streamWords(branch)));
    },
    { clause: "TS 102 223 §6.8" },
  );
}

function terminalResponseWords(objects: readonly CatTlv[], stream: string | undefined): string | undefined {
  const details = findObject(objects, "commandDetails");
  const result = findObject(objects, "result");
  if (details === undefined || result === undefined) return undefined;
  const outcome = result.general === 0 ? "ok" : resultText(result.general, result.additional);
  const data = findTlv(objects, "channelData");
  const more = data === undefined ? "" : `, ${stream ?? octetCount(data.value.length)}`;
  return `${outcome}, to ${commandWords(details.type, details.qualifier)}${more}`;
}

const envelopeNames = new Map<number, EnvelopeName>();
for (const name of Object.keys(envelopeTags)) {
  if (isEnvelopeName(name)) envelopeNames.set(envelopeTags[name], name);
}
function isEnvelopeName(name: string): name is EnvelopeName {
  return name in envelopeTags;
}

/** Whether a template tag is one of ENVELOPE. */
export function isEnvelopeTag(tag: number | undefined): boolean {
  return tag !== undefined && envelopeNames.has(tag);
}

function envelopeTitle(tag: number): string {
  const name = envelopeNames.get(tag);
  if (name === undefined) return `envelope ${hex2(tag)}`;
  return name === "smsPpDownload" ? "SMS-PP download" : wordsOf(name);
}

/** What ENVELOPE carries. ETSI TS 102 223 §7, 3GPP TS 31.111 §7 */
export function envelopeNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    envelopeTitle(octets[0] ?? 0),
    octets,
    base,
    (branch) => {
      openTemplate(branch);
      const objects = readObjects(branch, context);
      return smsWords(branch) ?? attempt(() => eventWords(objects));
    },
    { clause: (octets[0] ?? 0) === 0xd1 ? "TS 31.111 §7.1.1" : "TS 102 223 §7" },
  );
}

function eventWords(objects: readonly CatTlv[]): string | undefined {
  const events = findTlv(objects, "eventList");
  const parts: string[] = events === undefined ? [] : [objectWords("eventList", events) ?? ""];
  for (const name of [
    "locationStatus",
    "channelStatus",
    "channelDataLength",
    "timerIdentifier",
    "timerValue",
  ] as const) {
    const found = findTlv(objects, name);
    if (found !== undefined) parts.push(objectWords(name, found) ?? "");
  }
  return parts.length === 0 ? undefined : parts.join(", ");
}

/** Octets of a profile that have a meaning, with room to spare. */
const maxProfile = 64;

/** What a terminal can do. ETSI TS 102 223 §5.2 */
export function terminalProfileNode(octets: Uint8Array, base: number): Node {
  return branchOf(
    "TERMINAL PROFILE",
    octets,
    base,
    (branch) => {
      for (let at = 0; at < Math.min(octets.length, maxProfile); at++) {
        const alone = new Uint8Array(at + 1);
        alone[at] = octets[at] ?? 0;
        branch.field(`octet ${at + 1}`, 1, () => {
          const names = profileFacilities(alone);
          if (at === 12) names.push(`${profileChannels(alone)} BIP channels`);
          return names.length === 0 ? undefined : names.join(", ");
        });
      }
      branch.rest("further octets");
      const many = profileFacilities(octets.subarray(0, maxProfile)).length;
      return `${many} facilities, ${profileChannels(octets)} BIP channels`;
    },
    { clause: "TS 102 223 §5.2" },
  );
}
