import { channelOf, FileAccess, isFileInstruction } from "./key-files.ts";
import type { Range } from "./login-secrets.ts";
import { StoredBlocks } from "./store-data-secrets.ts";

/** What kind of secret a command carries. */
export type SecretKind = "pin" | "key" | "login";

/** VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN. ETSI TS 102 221 §10.1.2 */
const pinInstructions = new Set([0x20, 0x24, 0x26, 0x28, 0x2c]);

/** PUT KEY. GP Card Specification §11.8 */
const putKey = 0xd8;

/** STORE DATA. GP Card Specification §11.11 */
const storeData = 0xe2;

const select = 0xa4;
const getResponse = 0xc0;

/** Whether a command with this instruction may carry a secret, or affects what is secret in later ones. */
export function concernsSecrets(ins: number): boolean {
  return pinInstructions.has(ins) || ins === putKey || ins === storeData || ins === select || isFileInstruction(ins);
}

/** Where the secrets of a command stand in it, and of what kind they are. */
interface CommandSecret {
  readonly kind: SecretKind;
  readonly ranges: readonly Range[];
}

export function isStoreData(apdu: Uint8Array): boolean {
  return apdu[1] === storeData;
}

/**
 * Whether a STORE DATA that holds a secret may continue with it in the next block: it is not marked as the last one.
 */
export function secretGoesOn(apdu: Uint8Array): boolean {
  return isStoreData(apdu) && ((apdu[2] ?? 0) & 0x80) === 0;
}

/** What of a logical channel matters for the commands that follow. */
interface ChannelState {
  readonly stored?: StoredBlocks;
}

/**
 * Finds the secrets of the commands to one card, in their order: STORE DATA continues in several blocks, in which keys
 * and passwords are cut anywhere, and a file is written to after it was selected. A block whose beginning was not seen
 * cannot be judged and loses all.
 */
export class CommandSecrets {
  readonly #channels = new Map<number, ChannelState>();
  readonly #files = new FileAccess();
  #answersKeys = false;

  /** What is secret in the next command. */
  next(apdu: Uint8Array): CommandSecret | undefined {
    const [cla = 0, ins = 0] = apdu;
    if (pinInstructions.has(ins)) return { kind: "pin", ranges: rest(apdu) };
    if (ins === putKey) return { kind: "key", ranges: rest(apdu) };
    const channel = channelOf(cla);
    const state = this.#channels.get(channel) ?? {};
    if (ins === storeData) {
      const { stored, secret } = storedSecret(apdu, state.stored);
      this.#channels.set(channel, { ...state, ...stored });
      return secret;
    }
    if (ins === select) this.#channels.delete(channel);
    this.#files.next(apdu);
    return this.#files.writesKeys(apdu) ? { kind: "key", ranges: rest(apdu) } : undefined;
  }

  /** Whether the answer to a command carries keys: session keys, or what is read from a file of keys. */
  answersWithKeys(apdu: Uint8Array): boolean {
    return answersWithKeys(apdu) || this.#files.readsKeys(apdu);
  }

  /** Keeps in mind whether the answer to the command, taken last, carries keys: GET RESPONSE asks for the same answer. */
  expectAnswer(apdu: Uint8Array): void {
    if (apdu[1] !== getResponse) this.#answersKeys = this.answersWithKeys(apdu);
  }

  /** As {@link expectAnswer}, where it is known without an APDU. */
  expectKeys(keys: boolean): void {
    this.#answersKeys = keys;
  }

  /** Whether the answer that comes next carries keys. */
  get answersKeys(): boolean {
    return this.#answersKeys;
  }
}

function rest(apdu: Uint8Array): readonly Range[] {
  return apdu.length > 5 ? [[5, apdu.length]] : [];
}

function storedSecret(
  apdu: Uint8Array,
  known: ChannelState["stored"],
): { stored: Pick<ChannelState, "stored">; secret?: CommandSecret } {
  const { start, end } = dataOf(apdu);
  const [, , p1 = 0, block = 0] = apdu;
  const blocks = block === 0 ? new StoredBlocks() : known;
  if (blocks === undefined || blocks.next !== block || !blocks.hasRoom(end - start))
    return { stored: {}, secret: { kind: "key", ranges: rest(apdu) } };
  const { keys, logins } = blocks.add(apdu.subarray(start, end), p1);
  blocks.next = (p1 & 0x80) === 0 ? (block + 1) & 0xff : undefined;
  const stored = { stored: blocks };
  const first = Math.min(...keys.map(([from]) => from));
  // From the first key on: a command that is cut shows as much of its head as the whole one.
  if (keys.length > 0) return { stored, secret: { kind: "key", ranges: [[start + first, apdu.length]] } };
  const ranges = logins.map(([from, to]): Range => [start + from, start + to]);
  return ranges.length === 0 ? { stored } : { stored, secret: { kind: "login", ranges } };
}

/** Where the data of a command stand, whether its length is short or extended. */
function dataOf(apdu: Uint8Array): { start: number; end: number } {
  const extended = apdu[4] === 0 && apdu.length > 7;
  const start = Math.min(extended ? 7 : 5, apdu.length);
  const length = extended ? ((apdu[5] ?? 0) << 8) | (apdu[6] ?? 0) : (apdu[4] ?? 0);
  // A length that does not fit states nothing of where the data end.
  const end = start + length;
  return { start, end: end > apdu.length || apdu.length - end > 3 ? apdu.length : end };
}

/**
 * What PIN or key the data of a command APDU hold by itself; undefined for none. Of PIN commands and PUT KEY only the header is looked
 * at, so that a malformed one is hidden just as well; STORE DATA is read as if it were the first block.
 */
export function secretOfCommand(apdu: Uint8Array): Exclude<SecretKind, "login"> | undefined {
  const first = apdu[1] === storeData && apdu[3] !== 0 ? Uint8Array.from(apdu).fill(0, 3, 4) : apdu;
  const kind = new CommandSecrets().next(first)?.kind;
  return kind === "login" ? undefined : kind;
}

/**
 * Where octets of which the structure is unknown, or is damaged, may hold the data of PUT KEY, of a PIN command or of a
 * STORE DATA with keys: behind each header of one, up to where its Lc ends or to the end. Errs towards yes.
 */
export function secretRanges(octets: Uint8Array): Range[] {
  const ranges: Range[] = [];
  for (let at = 0; at + 5 < octets.length; at++) {
    if (!startsSecret(octets, at)) continue;
    ranges.push([at + 5, Math.min(octets.length, at + 5 + secretLength(octets, at))]);
  }
  return ranges;
}

/** Octets of data of a command whose Lc may be wrong; without a useful Lc, all that is left. */
function secretLength(octets: Uint8Array, at: number): number {
  const lc = octets[at + 4] ?? 0;
  if (pinInstructions.has(octets[at + 1] ?? 0)) return lc === 8 ? 8 : 16;
  if (lc === 0) return octets.length;
  // Key version, type, length and the key itself.
  return octets[at + 1] === putKey ? Math.max(lc, 3 + (octets[at + 7] ?? 0)) : lc;
}

/** References of PINs, PUKs and administrative keys. ETSI TS 102 221 §9.5.1 */
function isPinReference(p2: number): boolean {
  const low = p2 & 0x7f;
  return (low >= 0x01 && low <= 0x08) || (low >= 0x0a && low <= 0x0e) || p2 === 0x11;
}

/** P1 of STORE DATA with data groups or without a format. GP Card Specification §11.11.2.1 */
const groupingP1 = new Set([0x00, 0x01, 0x08, 0x09, 0x80, 0x81, 0x88, 0x89]);

/** Whether a header of a command with a secret stands here; a STORE DATA counts where it is the first block. */
function startsSecret(octets: Uint8Array, at: number): boolean {
  const ins = octets[at + 1] ?? 0;
  if (ins !== putKey && ins !== storeData && !pinInstructions.has(ins)) return false;
  const cla = octets[at] ?? 0;
  const p1 = octets[at + 2] ?? 0;
  const p3 = octets[at + 4] ?? 0;
  if (pinInstructions.has(ins)) {
    const fits = p3 === 8 || p3 === 16 || (p3 !== 0 && isPinReference(octets[at + 3] ?? 0));
    return ((cla & 0x80) === 0 || cla === 0xa0) && p1 === 0 && fits;
  }
  if ((cla & 0x80) === 0) return false;
  if (ins === storeData) {
    const first = groupingP1.has(p1) && octets[at + 3] === 0;
    return first && secretOfCommand(octets.subarray(at, Math.min(octets.length, at + 5 + (p3 || 255)))) !== undefined;
  }
  const keyType = octets[at + 6] ?? 0x80;
  const keyLength = octets[at + 7] ?? 0x10;
  return p1 < 0x80 && (keyType >> 4 === 8 || keyType === 0xff) && keyLength <= 0x42;
}

/** Whether {@link secretRanges} finds any. */
export function mayHoldSecret(octets: Uint8Array): boolean {
  return secretRanges(octets).length > 0;
}

/** Whether the answer of a command carries session keys: AUTHENTICATE, RUN GSM ALGORITHM. 3GPP TS 31.102 §7.1.2 */
export function answersWithKeys(apdu: Uint8Array): boolean {
  const ins = apdu[1] ?? 0;
  return ins === 0x88 || ins === 0x89;
}

/** Octets with parts of them overwritten by zeros, lengths kept; the same octets without a part. */
export function withoutRanges(octets: Uint8Array, ranges: readonly Range[]): Uint8Array {
  if (ranges.length === 0) return octets;
  const shown = Uint8Array.from(octets);
  for (const [from, to] of ranges) shown.fill(0, from, to);
  return shown;
}
