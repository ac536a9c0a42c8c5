/** r and s of ECDSA over a curve of 256 bits: 64 octets, leading zeros kept. */
export function signatureWords(octets: Uint8Array): string {
  if (octets.length === 64) return "r and s of ECDSA";
  const odd =
    octets.length < 64 ? "cut: a leading zero is missing, or octets are" : "longer than a signature of 256 bits";
  return `${octets.length} octets in place of 64 (${odd}); a card refuses it with 6982`;
}
