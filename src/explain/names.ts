import { toHex } from "../base/hex.ts";
import { type Aid, aidFromOctets, aidName, tarOfAid } from "../codec/euicc/aid.ts";
import { hex4 } from "./tree.ts";

const files = new Map<number, string>([
  [0x3f00, "MF"],
  [0x7fff, "ADF of the current application"],
  [0x2f00, "EF.DIR"],
  [0x2f05, "EF.PL"],
  [0x2f06, "EF.ARR"],
  [0x2f08, "EF.UMPC"],
  [0x2fe2, "EF.ICCID"],
  [0x7f10, "DF.TELECOM"],
  [0x7f20, "DF.GSM"],
  [0x5f3b, "DF.GSM-ACCESS"],
  [0x5fc0, "DF.5GS"],
  [0x6f05, "EF.LI"],
  [0x6f06, "EF.ARR"],
  [0x6f07, "EF.IMSI"],
  [0x6f08, "EF.Keys"],
  [0x6f09, "EF.KeysPS"],
  [0x6f31, "EF.HPPLMN"],
  [0x6f38, "EF.UST"],
  [0x6f3a, "EF.ADN"],
  [0x6f3b, "EF.FDN"],
  [0x6f3c, "EF.SMS"],
  [0x6f40, "EF.MSISDN"],
  [0x6f42, "EF.SMSP"],
  [0x6f43, "EF.SMSS"],
  [0x6f46, "EF.SPN"],
  [0x6f56, "EF.EST"],
  [0x6f5b, "EF.START-HFN"],
  [0x6f60, "EF.PLMNwAcT"],
  [0x6f61, "EF.OPLMNwAcT"],
  [0x6f62, "EF.HPLMNwAcT"],
  [0x6f73, "EF.PSLOCI"],
  [0x6f78, "EF.ACC"],
  [0x6f7b, "EF.FPLMN"],
  [0x6f7e, "EF.LOCI"],
  [0x6fad, "EF.AD"],
  [0x6fae, "EF.Phase"],
  [0x6fb7, "EF.ECC"],
  [0x6fe3, "EF.EPSLOCI"],
  [0x6fe4, "EF.EPSNSC"],
]);

/** Name of a file of the UICC or the USIM; undefined when it is unknown. ETSI TS 102 221 §13, 3GPP TS 31.102 §4 */
export function fileName(identifier: number): string | undefined {
  return files.get(identifier);
}

/** Words behind a file identifier of two octets in a tree. */
export function fileWords(octets: Uint8Array): string | undefined {
  const [high = 0, low = 0] = octets;
  return octets.length === 2 ? fileName(high * 256 + low) : undefined;
}

/** A path of file identifiers as text: `MF / EF.ICCID`; identifiers without a name as they are. */
export function pathText(octets: Uint8Array): string {
  const names: string[] = [];
  for (let at = 0; at + 1 < octets.length; at += 2) {
    const identifier = (octets[at] ?? 0) * 256 + (octets[at + 1] ?? 0);
    names.push(fileName(identifier) ?? hex4(identifier));
  }
  return names.join(" / ");
}

/** Starts of AIDs that others have registered. */
const aidPrefixes: readonly (readonly [string, string])[] = [
  ["A0000000871002", "ADF.USIM"],
  ["A0000000871004", "ADF.ISIM"],
  ["A0000000871005", "ADF.SSIM"],
  ["A0000000090001", "SIM"],
  ["A0000000090005", "UICC toolkit"],
  ["A000000151000000", "issuer security domain"],
  ["A0000001515350", "GlobalPlatform SD package"],
  ["A000000003000000", "issuer security domain (Visa)"],
  ["A0000005591010", "eUICC application"],
  ["A000000063", "PKCS #15"],
  ["A0000003431002", "ADF.CSIM"],
];

/** What an AID stands for; undefined for an unknown one. */
export function applicationName(octets: Uint8Array): string | undefined {
  if (octets.length < 5 || octets.length > 16) return undefined;
  const aid: Aid = aidFromOctets(octets);
  return aidName(aid) ?? aidPrefixes.find(([prefix]) => aid.startsWith(prefix))?.[1];
}

/** An AID for a line of text: its name, otherwise its digits. */
export function applicationText(octets: Uint8Array): string {
  return applicationName(octets) ?? `AID ${toHex(octets)}`;
}

/** Words behind an AID in a tree: name, and the TAR that it implies. */
export function aidWords(octets: Uint8Array): string | undefined {
  const name = applicationName(octets);
  const tar = octets.length === 16 ? tarOfAid(aidFromOctets(octets)) : undefined;
  if (tar === undefined || name?.includes(tar)) return name;
  return name === undefined ? `TAR ${tar}` : `${name}, TAR ${tar}`;
}

/** What a TAR addresses; undefined for an unknown one. ETSI TS 101 220 annex D, SGP.02 Annex H */
export function tarName(octets: Uint8Array): string | undefined {
  const number = (octets[0] ?? 0) * 65536 + (octets[1] ?? 0) * 256 + (octets[2] ?? 0);
  if (octets.length !== 3) return undefined;
  if (number === 0x000000) return "issuer security domain";
  if (number === 0x000001) return "ISD-R";
  if (number === 0x000002) return "ECASD";
  if (number >= 0x000010 && number <= 0x00ffff) return `ISD-P ${toHex(octets)}`;
  if (number === 0xb20100) return "administration agent, or MNO-SD";
  if (number >= 0xb00000 && number <= 0xb0000f) return "UICC shared file system (RFM)";
  if (number >= 0xb00010 && number <= 0xb0001f) return "ADF file system (RFM)";
  if (number === 0xb00120) return "several ADFs (RFM)";
  return number >= 0xbfff00 ? "toolkit application" : undefined;
}
