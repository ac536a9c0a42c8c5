const select = 0xa4;
const binaryReads = new Set([0xb0, 0xb1]);
const recordReads = new Set([0xb2, 0xb3]);
const binaryWrites = new Set([0xd0, 0xd1, 0xd6, 0xd7]);
const recordWrites = new Set([0xa2, 0xd2, 0xdc, 0xdd]);
/** RETRIEVE DATA and SET DATA. ETSI TS 102 221 §11.3 */
const retrieveData = 0xcb;
const setData = 0xdb;

/**
 * Files that hold keys: EF.Keys, KeysPS, EPSNSC, Kc, KcGPRS, MSK, MUK and GBABP, and the Ki and OPc of common test cards. Identifiers 4Fxx
 * mean something only below their folder. 3GPP TS 31.102 §4.2, §4.4
 */
const keyFiles = new Set([0x6f08, 0x6f09, 0x6fe4, 0x6f20, 0x6f52, 0x6fd6, 0x6fd7, 0x6fd8, 0xaf20]);
const gsmAccess = 0x5f3b;
const fiveG = 0x5fc0;
const keyFilesBelow: ReadonlyMap<number, ReadonlySet<number>> = new Map([
  [gsmAccess, new Set([0x4f20, 0x4f52])],
  [fiveG, new Set([0x4f03, 0x4f04, 0x4f05, 0x4f0b])],
]);

const mainFolder = 0x3f00;
const application = 0x7fff;
/** Where the card is before anything was seen. */
const unknown = 0;

/**
 * Short identifiers of files of keys by folder; where the folder is unknown, those of a USIM. 3GPP TS 31.102 Annex H
 */
const usimShort: ReadonlySet<number> = new Set([0x08, 0x09, 0x18]);
const shortBelow: ReadonlyMap<number, ReadonlySet<number>> = new Map([
  [unknown, usimShort],
  [application, usimShort],
  [gsmAccess, new Set([0x01, 0x02])],
  [fiveG, new Set([0x03, 0x04, 0x05, 0x0b])],
]);

/** Files that every USIM and every folder of GSM has beside its keys: SELECT does not fail there. 3GPP TS 31.102 §4.2, 51.011 §10.3 */
const everyUsim = new Set([0x6f05, 0x6f07, 0x6f31, 0x6f38, 0x6f78, 0x6f7b, 0x6f7e, 0x6fad]);
/** Files that every card has below its root. ETSI TS 102 221 §13 */
const everyCard = new Set([0x2f00, 0x2f05, 0x2f06, 0x2fe2]);

/** Where a logical channel may be: a SELECT that may have failed leaves it where it was as well. */
interface Place {
  readonly folders: ReadonlySet<number>;
  readonly holdsKeys: boolean;
}

const start: Place = { folders: new Set([unknown]), holdsKeys: false };

/**
 * Follows which files the commands to one card address, on each logical channel: by SELECT, by short identifier, or by
 * the identifier in P1 and P2 (odd instructions). Whether a SELECT succeeded is unknown here, so that one that may fail
 * takes nothing back.
 */
export class FileAccess {
  readonly #places = new Map<number, Place>();

  /** Takes the next command. */
  next(apdu: Uint8Array): void {
    const channel = channelOf(apdu[0] ?? 0);
    const place = this.#places.get(channel) ?? start;
    if (apdu[1] === select) this.#places.set(channel, selected(apdu, place));
    // What a short identifier names is selected from then on.
    else if (isFileCommand(apdu) && !place.holdsKeys && holdsKeys(apdu, place))
      this.#places.set(channel, { ...place, holdsKeys: true });
  }

  /** Whether the command, taken last, writes to a file of keys. */
  writesKeys(apdu: Uint8Array): boolean {
    const [cla = 0, ins = 0] = apdu;
    const writes = binaryWrites.has(ins) || recordWrites.has(ins) || ins === setData;
    return writes && holdsKeys(apdu, this.#places.get(channelOf(cla)) ?? start);
  }

  /** Whether the answer to the command, taken last, is what a file of keys holds. */
  readsKeys(apdu: Uint8Array): boolean {
    const [cla = 0, ins = 0] = apdu;
    const reads = binaryReads.has(ins) || recordReads.has(ins) || ins === retrieveData;
    return reads && holdsKeys(apdu, this.#places.get(channelOf(cla)) ?? start);
  }
}

/** ETSI TS 102 221 §10.1.1 */
export function channelOf(cla: number): number {
  return (cla & 0x40) !== 0 ? 4 + (cla & 0x0f) : cla & 0x03;
}

function isFileCommand(apdu: Uint8Array): boolean {
  return isFileInstruction(apdu[1] ?? 0);
}

/** Whether commands with this instruction, other than SELECT, address a file. */
export function isFileInstruction(ins: number): boolean {
  const binary = binaryReads.has(ins) || binaryWrites.has(ins);
  return binary || recordReads.has(ins) || recordWrites.has(ins) || ins === retrieveData || ins === setData;
}

/** Whether the file that a command addresses may hold keys. */
function holdsKeys(apdu: Uint8Array, place: Place): boolean {
  const [, ins = 0, p1 = 0, p2 = 0] = apdu;
  const named = (p1 << 8) | p2;
  const odd = ins === 0xb1 || ins === 0xd1 || ins === 0xd7;
  if (odd && named > 0x1e) return place.holdsKeys || isKeyFile(named, place.folders);
  const short = odd ? p2 : shortIdentifier(ins, p1, p2);
  if (short === 0) return place.holdsKeys;
  return [...place.folders].some((folder) => shortBelow.get(folder)?.has(short) === true);
}

/** Short identifier in P1 or P2; 0 for the file that is selected. ETSI TS 102 221 §11.1.3, §11.1.5, §11.3.1 */
function shortIdentifier(ins: number, p1: number, p2: number): number {
  if (binaryReads.has(ins) || binaryWrites.has(ins)) return (p1 & 0x80) === 0 ? 0 : p1 & 0x1f;
  return ins === retrieveData || ins === setData ? p2 & 0x1f : p2 >> 3;
}

/** Whether a file of this identifier holds keys, in one of the folders. 3GPP TS 31.102 §4.2, §4.4 */
export function isKeyFile(file: number, folders: Iterable<number>): boolean {
  return keyFiles.has(file) || [...folders].some((folder) => keyFilesBelow.get(folder)?.has(file) === true);
}

/**
 * Whether a file may hold keys, wherever it is unless its path indicates it: identifiers, the path in hexadecimal from
 * the root.
 */
export function mayNameKeys(file: number, path: string): boolean {
  const folder = Number.parseInt(path.slice(-4), 16);
  const known = keyFilesBelow.has(folder) || Number.isNaN(folder) ? [...keyFilesBelow.keys()] : [folder];
  return !Number.isInteger(file) || isKeyFile(file, known);
}

/** Identifiers of folders begin with 3F, 5F or 7F. ETSI TS 102 221 §8.6 */
const isFolder = (file: number) => [0x3f, 0x5f, 0x7f].includes(file >> 8);

/** Where SELECT leads to from where the card is. ETSI TS 102 221 §11.1.1 */
function selected(apdu: Uint8Array, before: Place): Place {
  const [, , p1 = 0, p2 = 0] = apdu;
  const extended = apdu[4] === 0 && apdu.length > 7;
  const from = extended ? 7 : 5;
  const length = extended ? ((apdu[5] ?? 0) << 8) | (apdu[6] ?? 0) : (apdu[4] ?? 0);
  if (p1 === 0x04) return merged(before, { folders: new Set([application]), holdsKeys: false });
  const rest = Math.min(length, apdu.length - from) >> 1;
  const path = Array.from({ length: Math.max(0, rest) }, (_, at) => {
    return ((apdu[from + 2 * at] ?? 0) << 8) | (apdu[from + 1 + 2 * at] ?? 0);
  });
  const file = path.at(-1);
  // The parent folder, or a malformed command.
  if (file === undefined) return merged(before, start);
  const folder = path.findLast(isFolder) ?? (p1 === 0x08 ? mainFolder : undefined);
  const folders = folder === undefined ? before.folders : new Set([folder]);
  const now = { folders, holdsKeys: isKeyFile(file, folders) };
  const sound = length === 2 * path.length && apdu.length - from - length <= 3 && (p2 === 0x00 || (p2 & 0xf3) === 0);
  return sound && cannotFail(p1, path, before.folders) ? now : merged(before, now);
}

/** Whether the file is there on every card, seen from a file of keys. */
function cannotFail(p1: number, path: readonly number[], folders: ReadonlySet<number>): boolean {
  const [first = 0, second = 0] = path;
  if (path.length === 1 && p1 === 0x00) {
    const beside = !folders.has(gsmAccess) && !folders.has(fiveG);
    return first === mainFolder || first === application || (beside && everyUsim.has(first));
  }
  if (p1 !== 0x08) return false;
  if (path.length === 1) return everyCard.has(first);
  return path.length === 2 && first === application && everyUsim.has(second);
}

function merged(before: Place, now: Place): Place {
  return { folders: new Set([...before.folders, ...now.folders]), holdsKeys: before.holdsKeys || now.holdsKeys };
}
