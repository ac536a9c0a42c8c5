/** A number of octets in words. */
export function octetCount(count: number): string {
  return count === 1 ? "1 octet" : `${count} octets`;
}
