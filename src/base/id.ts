import { randomBytes } from "node:crypto";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
let lastMs = 0;
let lastTail = 0n;

/**
 * A sortable identifier: prefix, 48 bits of time, 80 random bits, in Crockford's base 32 (`job_01k…`).
 * Identifiers of one process never go backwards, so ordering by id is ordering by creation.
 */
export function newId(prefix: string, nowMs: number = Date.now()): string {
  const ms = Math.max(nowMs, lastMs);
  const tail = ms === lastMs ? lastTail + 1n : BigInt(`0x${randomBytes(10).toString("hex")}`) >> 1n;
  lastMs = ms;
  lastTail = tail;
  let value = (BigInt(ms) << 80n) | tail;
  let text = "";
  for (let i = 0; i < 26; i++) {
    text = alphabet[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return `${prefix}_${text}`;
}
