import { isIP } from "node:net";

/** The /64 network of an IPv6 address, in full notation: usually that of one subscriber. RFC 4291 §2.5.4 */
function network64(address: string): string {
  const [head = "", tail] = address.split("%")[0]?.split("::") ?? [];
  const left = head === "" ? [] : head.split(":");
  if (tail === undefined) return left.slice(0, 4).join(":");
  const right = tail === "" ? [] : tail.split(":");
  const zeros = Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: zeros }, () => "0"), ...right].slice(0, 4).join(":");
}

/** The unit of limits per address: an IPv4 address, or a /64 network of IPv6. */
export function addressGroup(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(plain) === 6 ? `${network64(plain.toLowerCase())}::/64` : plain;
}
