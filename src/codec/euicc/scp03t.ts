import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { hexTag, tlvBytes } from "../kit/ber.ts";
import { scriptTag } from "../ota/script.ts";

/** Tags of the commands of SCP03t; their answers have the same. SGP.02 §4.1.3.3 */
export const scp03tTag = { initializeUpdate: 0x84, externalAuthenticate: 0x85, data: 0x86 } as const;

/** Octets of a package in one block: a block of 1000 and its script fill one TLS fragment of 1024. SGP.02 §4.1.3.3 */
export const defaultBlockOctets = 1000;
/** The most octets whose block is no longer than the 1024 that every card must take. SGP.02 §4.1.3.3 */
export const maxBlockOctets = 1007;

/**
 * Cuts a profile package into blocks, which need not end where its elements do. Blocks beyond the limit are accepted by
 * some cards only and must be allowed explicitly. SGP.02 §4.1.3.3
 * @throws codec.length for another size, and for an empty package
 */
export function cutPackage(
  octets: Uint8Array,
  blockOctets: number = defaultBlockOctets,
  { allowLarge = false }: { readonly allowLarge?: boolean } = {},
): Uint8Array[] {
  const most = allowLarge ? 65_000 : maxBlockOctets;
  if (!Number.isInteger(blockOctets) || blockOctets < 1 || blockOctets > most)
    throw codecError("codec.length", `a block must have 1 to ${most} octets, not ${blockOctets}`, 0, {
      field: "block",
    });
  if (octets.length === 0) throw codecError("codec.length", "the profile package is empty", 0, { field: "package" });
  const count = Math.ceil(octets.length / blockOctets);
  return Array.from({ length: count }, (_, index) => octets.subarray(index * blockOctets, (index + 1) * blockOctets));
}

/** INITIALIZE UPDATE of SCP03t with the keys of a version. SGP.02 §4.1.3.3 */
export function initializeUpdateBlock(kvn: number, hostChallenge: Uint8Array): Uint8Array {
  return tlvBytes(scp03tTag.initializeUpdate, Uint8Array.of(kvn, 0x00), hostChallenge);
}

/** The whole script of SCP03t blocks, which stand in it without the tag of a C-APDU. SGP.02 §4.1.3.3, TS 102 226 §5.2.1 */
export function scp03tScript(...blocks: readonly Uint8Array[]): Uint8Array {
  return concatBytes(Uint8Array.of(scriptTag.indefinite, 0x80), ...blocks, new Uint8Array(2));
}

/** A command or an answer of SCP03t by its tag; undefined for other tags. SGP.02 §4.1.3.3, SGP.22 §2.5 (87, 88) */
export function scp03tCommandName(tag: number): string | undefined {
  return commands[tag];
}

const commands: Readonly<Record<number, string>> = {
  132: "SCP03t INITIALIZE UPDATE",
  133: "SCP03t EXTERNAL AUTHENTICATE",
  134: "SCP03t protected data",
  135: "SCP03t session keys",
  136: "SCP03t metadata",
};

/** Meaning of the value of an SCP03t error answer. SGP.02 §4.1.3.3 */
const reasons: Readonly<Record<number, string>> = {
  1: "length or structure",
  2: "security",
  3: "referenced data not found",
};

/** Whether a tag is that of an SCP03t error answer: `9F44` to `84`, `9F45` to `85` and so on. SGP.02 §4.1.3.3 */
export function isScp03tError(tag: number): boolean {
  return tag >= 0x9f44 && tag <= 0x9f48;
}

/** Tag of the command that an SCP03t error answer belongs to. SGP.02 §4.1.3.3 */
export function scp03tErrorCommand(tag: number): number {
  return (tag & 0xff) + 0x40;
}

/** Meaning of an SCP03t error answer; undefined for other tags. SGP.02 §4.1.3.3 */
export function scp03tErrorText(tag: number, value: Uint8Array): string | undefined {
  if (!isScp03tError(tag)) return undefined;
  const name = commands[scp03tErrorCommand(tag)] ?? `SCP03t ${hexTag(tag)}`;
  const [reason] = value;
  return `${name} error: ${reason === undefined ? "no reason given" : (reasons[reason] ?? `reserved value ${reason}`)}`;
}
