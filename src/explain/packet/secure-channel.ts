import { keySetUse } from "../../codec/euicc/key-set.ts";
import { type Branch, branchOf, hex2, leafOf, type Node } from "../tree.ts";

/** A security level as text. GP Card Specification §E.5.2, Amendment D §7.1.2.1 */
export function securityLevelWords(level: number): string {
  const names = [
    [0x02, "C-DECRYPTION"],
    [0x01, "C-MAC"],
    [0x20, "R-ENCRYPTION"],
    [0x10, "R-MAC"],
  ] as const;
  const said: string[] = names.filter(([bit]) => (level & bit) !== 0).map(([, name]) => name);
  const rest = level & ~0x33;
  if (rest !== 0) said.push(hex2(rest));
  return said.length === 0 ? "no secure messaging" : said.join(", ");
}

/** A key version number as text: `key version 30, SCP03`. */
export function keyVersionWords(version: number): string {
  if (version === 0) return "any key version";
  const use = keySetUse(version);
  return `key version ${hex2(version)}${use === "unassigned" ? "" : `, ${use}`}`;
}

/** Lengths of the answer: key diversification data, key information, challenge and cryptogram; SCP03 may add a counter. */
const known = new Set([28, 29, 32, 45, 48]);

/** Whether octets of which the command is unknown have the form of an answer of INITIALIZE UPDATE. */
export function looksLikeInitializeUpdate(octets: Uint8Array): boolean {
  const kvn = octets[10] ?? 0;
  const scp = octets[11] ?? 0;
  const i = octets[12] ?? 0;
  if (!known.has(octets.length) || kvn === 0 || kvn > 0x7f) return false;
  if (octets.length === 28) return scp === 1 || scp === 2;
  return scp === 3 && (i & 0x8e) === 0 && octets.length > 32 === ((i & 0x01) !== 0);
}

/** Answer of INITIALIZE UPDATE, or of tag 84 of SCP03t. GP Card Specification §D.4.1, §E.5.1, Amendment D §7.1.1 */
export function initializeUpdateNode(label: string, octets: Uint8Array, base: number): Node {
  if (!known.has(octets.length)) return leafOf(label, octets, base, () => "of an unknown form");
  return branchOf(label, octets, base, readAnswer, { clause: "GP Amendment D §7.1.1" });
}

function readAnswer(branch: Branch): string {
  const { bytes } = branch.from;
  branch.field("key diversification data", 10);
  const version = branch.octet("key version number", keyVersionWords);
  const scp = bytes[11] ?? 0;
  const said = [keyVersionWords(version).replace(/,.*$/, "")];
  if (bytes.length === 28) {
    branch.octet("SCP", (number) => `SCP${hex2(number)}`);
    said.unshift(`SCP${hex2(scp)}`);
    if (scp === 2) said.push(`sequence ${branch.uint("sequence counter", 2)}`);
    branch.field("card challenge", scp === 2 ? 6 : 8);
    branch.field("card cryptogram", 8);
    return said.join(", ");
  }
  branch.field("SCP and i", 2, ([number = 0, i = 0]) => `SCP${hex2(number)}, i = ${hex2(i)}`);
  said.unshift(`SCP${hex2(scp)} i=${hex2(bytes[12] ?? 0)}`);
  const long = bytes.length > 32 ? 16 : 8;
  branch.field("card challenge", long);
  branch.field("card cryptogram", long);
  if (!branch.from.ended) said.push(`sequence ${branch.uint("sequence counter", 3)}`);
  return said.join(", ");
}

/** Data of EXTERNAL AUTHENTICATE: a cryptogram and a MAC of the same length. */
export function externalAuthenticateParts(branch: Branch): void {
  const half = Math.ceil(branch.from.remaining / 2);
  branch.field("host cryptogram", branch.from.remaining === 32 ? 16 : Math.min(8, half));
  branch.rest("MAC");
}
