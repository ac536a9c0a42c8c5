import type { Brand } from "../../base/brand.ts";
import { codecError } from "../../base/gateway-error.ts";
import { fromHex, toHex } from "../../base/hex.ts";

/** Application identifier: 5 to 16 octets as upper-case hexadecimal, made by its parsers. ISO/IEC 7816-5 */
export type Aid = Brand<string, "Aid">;

/** Toolkit application reference: 3 octets as upper-case hexadecimal, made by its parsers. ETSI TS 101 220 §7.2.1 */
export type Tar = Brand<string, "Tar">;

function isAid(text: string): text is Aid {
  return /^([0-9A-F]{2}){5,16}$/.test(text);
}

function isTar(text: string): text is Tar {
  return /^[0-9A-F]{6}$/.test(text);
}

/**
 * An AID as hexadecimal, or as URIs write it: `A000000559/1010…`, with or without `//aid/` before it (RID, slash,
 * PIX). @throws codec.text
 */
export function parseAid(text: string): Aid {
  const bare = text.trim().replace(/^(\/\/)?aid\//i, "");
  const slash = bare.indexOf("/");
  if (slash >= 0 && slash !== 10)
    throw codecError("codec.text", "AID: the RID has ten digits", slash, { field: "aid" });
  const hex = toHex(fromHex(slash < 0 ? bare : bare.slice(0, slash) + bare.slice(slash + 1)));
  if (!isAid(hex)) throw codecError("codec.text", `AID of ${hex.length / 2} octets`, 0, { field: "aid" });
  return hex;
}

/** @throws codec.length */
export function aidFromOctets(octets: Uint8Array, offset = 0): Aid {
  const hex = toHex(octets);
  if (!isAid(hex)) throw codecError("codec.length", `AID of ${octets.length} octets`, offset, { field: "aid" });
  return hex;
}

export function aidOctets(aid: Aid): Uint8Array {
  return fromHex(aid);
}

/** The form HTTP headers use: RID, slash, PIX. GP Amendment B §3.4.1, ETSI TS 102 226 */
export function aidNotation(aid: Aid): string {
  return `${aid.slice(0, 10)}/${aid.slice(10)}`;
}

/** @throws codec.text */
export function parseTar(text: string): Tar {
  const hex = toHex(fromHex(text));
  if (!isTar(hex)) throw codecError("codec.text", `TAR of ${hex.length / 2} octets`, 0, { field: "tar" });
  return hex;
}

/** @throws codec.length */
export function tarFromOctets(octets: Uint8Array, offset = 0): Tar {
  const hex = toHex(octets);
  if (!isTar(hex)) throw codecError("codec.length", `TAR of ${octets.length} octets`, offset, { field: "tar" });
  return hex;
}

export function tarOctets(tar: Tar): Uint8Array {
  return fromHex(tar);
}

const euiccPrefix = "A0000005591010FFFFFFFF89";

/** AID of an eUICC application of SGP.02 from its TAR. SGP.02 Annex H */
export function euiccAid(tar: Tar): Aid {
  return parseAid(`${euiccPrefix}${tar}00`);
}

/** TAR that is implied in an eUICC application's AID; undefined for any other AID. SGP.02 Annex H */
export function tarOfAid(aid: Aid): Tar | undefined {
  if (aid.length !== 32 || !aid.startsWith(euiccPrefix)) return undefined;
  return parseTar(aid.slice(24, 30));
}

/** The fixed AIDs of SGP.02. SGP.02 §2.2.3, Annex H */
export const isdRAid: Aid = parseAid(`${euiccPrefix}00000100`);
export const ecasdAid: Aid = parseAid(`${euiccPrefix}00000200`);
export const isdPLoadFileAid: Aid = parseAid(`${euiccPrefix}00000D00`);
export const isdPModuleAid: Aid = parseAid(`${euiccPrefix}00000E00`);
/** Stands for the ISD-P of the profile that is addressed. */
export const ownIsdPAid: Aid = parseAid(`${euiccPrefix}00000F00`);

/** Their TARs. */
export const isdRTar: Tar = parseTar("000001");

/** Whether an AID is in the range of ISD-P instances. SGP.02 Annex H */
export function isIsdPAid(aid: Aid): boolean {
  const tar = tarOfAid(aid);
  if (tar === undefined) return false;
  const number = Number.parseInt(tar, 16);
  return number >= 0x10 && number <= 0xffff;
}

/** Name of an AID of SGP.02; undefined for any other AID. */
export function aidName(aid: Aid): string | undefined {
  if (isIsdPAid(aid)) return `ISD-P ${tarOfAid(aid)}`;
  const names: Readonly<Record<string, string>> = {
    [isdRAid]: "ISD-R",
    [ecasdAid]: "ECASD",
    [isdPLoadFileAid]: "ISD-P executable load file",
    [isdPModuleAid]: "ISD-P executable module",
    [ownIsdPAid]: "own ISD-P of the profile",
  };
  return names[aid];
}
