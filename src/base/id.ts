import { randomFillSync } from "node:crypto";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const timeDigits = 10;
const tailDigits = 16;
/** A pool of random octets: a system call for each ten of them would cost more than everything else. */
const pool = new Uint8Array(64 * tailDigits);
let pooled = pool.length;
let lastMs = 0;
/** The last tail, one base-32 digit per entry. */
const tail = new Uint8Array(tailDigits);

/**
 * A sortable identifier: prefix, 48 bits of time, 80 random bits, in Crockford's base 32 (`job_01k…`).
 * Identifiers of one process never go backwards, so ordering by id is ordering by creation.
 */
export function newId<P extends string>(prefix: P, nowMs: number = Date.now()): `${P}_${string}` {
  const ms = Math.max(nowMs, lastMs);
  if (ms === lastMs) nextTail();
  else freshTail();
  lastMs = ms;
  let text = "";
  for (let i = 0, rest = ms; i < timeDigits; i++, rest = Math.floor(rest / 32))
    text = alphabet.charAt(rest % 32) + text;
  for (const digit of tail) text += alphabet.charAt(digit);
  return `${prefix}_${text}`;
}

function freshTail(): void {
  if (pooled === pool.length) {
    randomFillSync(pool);
    pooled = 0;
  }
  for (let i = 0; i < tailDigits; i++) tail[i] = (pool[pooled++] ?? 0) & 31;
  // Room to count upwards within the same millisecond.
  tail[0] = (tail[0] ?? 0) & 15;
}

function nextTail(): void {
  for (let i = tailDigits - 1; i >= 0; i--) {
    const digit = ((tail[i] ?? 0) + 1) & 31;
    tail[i] = digit;
    if (digit !== 0) return;
  }
}

/** Identifiers of stored records, as `newId` makes them: the prefix is the kind of the record. */
export type JobId = `job_${string}`;
export type TargetId = `tgt_${string}`;
export type PacketId = `pkt_${string}`;
export type NotificationId = `ntf_${string}`;
export type SwitchId = `prc_${string}`;
export type CampaignId = `cmp_${string}`;
export type DownloadId = `dld_${string}`;

/** Whether text that comes from outside has the form of an identifier with this prefix. */
export function isRecordId<P extends string>(prefix: P, text: string): text is `${P}_${string}` {
  return text.startsWith(`${prefix}_`);
}
