/**
 * What is wrong with an answer to reset, as text; nothing when its structure holds: convention octet, interface octets
 * and historical octets as T0 and the TDi announce them. The check octet is not judged: readers accept cards that get
 * it wrong. ISO 7816-3 §8.2
 */
export function atrProblem(atr: Uint8Array): string | undefined {
  const [ts, t0] = atr;
  if (ts === undefined) return "the card sends no answer to reset";
  if (ts !== 0x3b && ts !== 0x3f)
    return `the answer to reset starts with ${hex(ts)}, which is not a valid initial octet`;
  if (t0 === undefined) return "the answer to reset ends after its first octet";
  let at = 2;
  let announced = t0 >> 4;
  while (announced !== 0) {
    at += countBits(announced);
    if (at > atr.length) return "the answer to reset ends inside its interface octets";
    announced = (announced & 0x8) === 0 ? 0 : (atr[at - 1] ?? 0) >> 4;
  }
  if (at + (t0 & 0x0f) > atr.length) return "the answer to reset ends inside its historical octets";
  return undefined;
}

function countBits(nibble: number): number {
  return (nibble & 1) + ((nibble >> 1) & 1) + ((nibble >> 2) & 1) + (nibble >> 3);
}

function hex(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, "0");
}
