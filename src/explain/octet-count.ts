/** A number of octets as text. */
export function octetCount(count: number): string {
  return count === 1 ? "1 octet" : `${count} octets`;
}
