import { isIP } from "node:net";

/** An IP address, or a network of one: `192.0.2.0/24`, `2001:db8::/32`. */
export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || address.includes("%") || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** An IP address or a host name. RFC 1123 §2.1 */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  if (/^[\d.]*$/.test(text) || text.length > 253) return false;
  return text.split(".").every((label) => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));
}
