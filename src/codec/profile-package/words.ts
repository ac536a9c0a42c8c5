/** Names of numbers in a package, as the standards give them. */

const algorithms: Readonly<Record<number, string>> = { 1: "Milenage", 2: "TUAK", 3: "USIM test algorithm" };

/** Name of an authentication algorithm; undefined for an unknown one. eUICC Profile Package §8.4.2 */
export function algorithmName(id: number): string | undefined {
  return algorithms[id];
}

/** Name of a reference of a PIN, PUK or administrative key. ETSI TS 102 221 §9.5.1 */
export function codeName(kind: "PIN" | "PUK", reference: number): string {
  if (reference >= 10 && reference <= 14) return `ADM${reference - 9}`;
  if (reference >= 138 && reference <= 142) return `ADM${reference - 132}`;
  return reference >= 129 ? `local ${kind} of application ${reference - 128}` : `${kind} of application ${reference}`;
}

/** Whether a reference is one of a PIN or administrative key that exists. eUICC Profile Package §8.5.1 */
export function isPinReference(reference: number): boolean {
  return isPukReference(reference) || (reference >= 10 && reference <= 14) || (reference >= 138 && reference <= 142);
}

/** Whether a reference is one of a PUK that exists. eUICC Profile Package §8.5.2 */
export function isPukReference(reference: number): boolean {
  return (reference >= 1 && reference <= 8) || (reference >= 129 && reference <= 136);
}

/** Whether a PIN is one of the whole card. ETSI TS 102 221 §9.5.1 */
export function isGlobalPin(reference: number): boolean {
  return reference < 0x80;
}

/** Maximum and left tries of a code, from an octet of two nibbles. eUICC Profile Package §8.5.1 */
export function triesOf(octet: number): { readonly max: number; readonly left: number } {
  return { max: (octet >> 4) & 0x0f, left: octet & 0x0f };
}

/** Rules of POL1 by bit. SGP.02 §3.6.2 */
const pol1Bits: readonly (readonly [number, string])[] = [
  [0x01, "disabling is not allowed"],
  [0x02, "deletion is not allowed"],
  [0x04, "the profile is deleted when it is disabled"],
];

/** Rules of a POL1 octet in words. */
export function pol1Words(octet: number): readonly string[] {
  return pol1Bits.filter(([bit]) => (octet & bit) !== 0).map(([, words]) => words);
}
