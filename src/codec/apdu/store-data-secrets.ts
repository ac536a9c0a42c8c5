import { loginRanges, type Range } from "../cat/login-secrets.ts";

/** Data groups and where their secrets stand. */
export interface StoredSecrets {
  readonly keys: readonly Range[];
  readonly logins: readonly Range[];
}

/** SM-SR addressing and connectivity parameters. SGP.02 §4.1.1.10 */
const addressing = 0x3a07;
/** Tags of stored session and name resolution parameters. GP Amendment B §3.8, §3.11 */
const storedSets = new Set([0x85, 0xa5, 0xf4, 0xf5]);

/**
 * Where the secrets of STORE DATA stand, in the data of all its blocks so far, one after the other. Groups 8000 to 8FFF are those whose content is
 * confidential (PINs, keys, private keys); connectivity parameters hold a login. What goes on in blocks to come is read as far as it goes.
 * EMV Card Personalization Specification §2.2, GP Card Specification §11.11, Amendment A §4
 * @param p1 of the blocks: b5 and b4 say how the data are built
 */
export function storedSecrets(data: Uint8Array, p1: number): StoredSecrets {
  const form = p1 & 0x18;
  if (form === 0x10) return { keys: [], logins: loginRanges(data) };
  // Some senders write the length of a group as BER has it: both readings count.
  const both = [groups(data, false), groups(data, true)];
  const tlvs = form === 0x00 && storedSets.has(data[0] ?? 0) ? loginRanges(data) : [];
  return { keys: both.flatMap(({ keys }) => keys), logins: [...both.flatMap(({ logins }) => logins), ...tlvs] };
}

function groups(data: Uint8Array, ber: boolean): { keys: Range[]; logins: Range[] } {
  const keys: Range[] = [];
  const logins: Range[] = [];
  for (let at = 0; at + 2 < data.length; ) {
    const group = ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
    const { start, length } = lengthAt(data, at + 2, ber);
    const end = Math.min(start + length, data.length);
    if (group >> 12 === 0x8 && end > start) keys.push([start, end]);
    else if (group === addressing) logins.push(...loginRanges(data, start, end));
    at = Math.max(end, at + 3);
  }
  return { keys, logins };
}

function lengthAt(data: Uint8Array, at: number, ber: boolean): { start: number; length: number } {
  const [first = 0, second = 0, third = 0] = data.subarray(at, at + 3);
  if (first === 0xff || (ber && first === 0x82)) return { start: at + 3, length: (second << 8) | third };
  return ber && first === 0x81 ? { start: at + 2, length: second } : { start: at + 1, length: first };
}
