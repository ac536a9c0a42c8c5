/** Octets of a number that a double always holds exactly. */
const maxOctets = 6;

/**
 * A big-endian unsigned number of any length, leading zeros allowed; undefined for one without octets and one of more
 * than six that count, which would not be exact.
 */
export function unsignedOf(octets: Uint8Array): number | undefined {
  if (octets.length === 0) return undefined;
  const first = octets.findIndex((octet) => octet !== 0);
  if (first < 0) return 0;
  if (octets.length - first > maxOctets) return undefined;
  return octets.subarray(first).reduce((value, octet) => value * 256 + octet, 0);
}
