import { isIP } from "node:net";

/**
 * The network that a rule such as `10.0.0.7/8` is in, written with its first address (`10.0.0.0/8`); undefined for a
 * rule whose address is the first one, and for other texts. A rule with another address may have been intended for that
 * address alone, or for a smaller network.
 */
export function networkOf(rule: string): string | undefined {
  const [address = "", bits = ""] = rule.split("/");
  const family = isIP(address);
  if (family === 0 || address.includes("%") || !/^\d{1,3}$/.test(bits)) return undefined;
  const parts = family === 4 ? partsOf4(address) : partsOf6(address);
  const size = family === 4 ? 8 : 16;
  const first = parts.map((part, at) => {
    const taken = Math.min(Math.max(Number(bits) - at * size, 0), size);
    return part & ~((1 << (size - taken)) - 1);
  });
  if (first.every((part, at) => part === parts[at])) return undefined;
  if (family === 4) return `${first.join(".")}/${bits}`;
  return `${new URL(`http://[${first.map((part) => part.toString(16)).join(":")}]`).hostname.slice(1, -1)}/${bits}`;
}

function partsOf4(address: string): number[] {
  return address.split(".").map(Number);
}

/** The eight numbers of an IPv6 address in any of its spellings. RFC 4291 §2.2 */
function partsOf6(address: string): number[] {
  const [left = "", right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const numbers = (text: string) => (text === "" ? [] : text.split(":").map((part) => Number.parseInt(part, 16)));
  const [head, tail] = [numbers(left), numbers(right ?? "")];
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}
