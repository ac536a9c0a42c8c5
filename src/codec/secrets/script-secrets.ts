import { readLength, readTag } from "../kit/ber.ts";
import { Reader } from "../kit/codec.ts";
import { compactCommandLength, isCapdu, isExpandedScript } from "../ota/script.ts";
import { loginRanges, type Range } from "./login-secrets.ts";
import { CommandSecrets, concernsSecrets, withoutRanges } from "./secret-data.ts";

/** A script as it may be shown. */
interface ShownScript {
  readonly bytes: Uint8Array;
  /** Something was overwritten by zeros. */
  readonly hidden: boolean;
}

/**
 * A script in which the data of PUT KEY, of the PIN commands and of STORE DATA with keys are overwritten by zeros, lengths
 * kept. A script that cannot be read to its end loses, from the command that cannot be read on, what might be a secret.
 * ETSI TS 102 226 §5, GP Card Specification §11.8, §11.11
 */
export function showScript(script: Uint8Array): ShownScript {
  const ranges = isTrigger(script)
    ? loginRanges(script)
    : isExpandedScript(script)
      ? expandedSecrets(script, headerLength(script))
      : isBareObjects(script)
        ? expandedSecrets(script, 0)
        : compactSecrets(script);
  return { bytes: withoutRanges(script, ranges), hidden: ranges.length > 0 };
}

/** Whether secured data are a session trigger, which is one TLV with session or name resolution parameters. GP Amendment B §3.7 */
function isTrigger(octets: Uint8Array): boolean {
  if (octets[0] !== 0x81) return false;
  const at = octets[1] === 0x81 ? 3 : octets[1] === 0x82 ? 4 : 2;
  return octets[at] === 0x83 || octets[at] === 0xb3;
}

/**
 * Finds the secrets of the commands of a script, one after the other, and adds where they stand. Views are only made of
 * commands that matter: a script may have 200,000.
 */
function secretFinder(script: Uint8Array, ranges: Range[]): (at: number, end: number) => void {
  const secrets = new CommandSecrets();
  return (at, end) => {
    if (end - at < 2 || !concernsSecrets(script[at + 1] ?? 0)) return;
    const found = secrets.next(script.subarray(at, end));
    for (const [from, to] of found?.ranges ?? []) ranges.push([at + from, at + to]);
  };
}

/** Commands of SCP03t that carry a part of a profile package or its keys. SGP.02 §4.1.3.3 */
const packageParts = new Set([0x86, 0x87]);

/**
 * Whether a part of a profile package travels in clear, with a MAC alone: it does not have the length of ciphered data (whole blocks and a MAC
 * of 8 or 16 octets), or begins as a profile does.
 */
function isClear(script: Uint8Array, at: number, end: number): boolean {
  if ((end - at) % 8 !== 0) return true;
  const third = at + 2 < end ? (script[at + 2] ?? 0) : 0;
  if (script[at] !== 0xa0 || third < 0x80) return false;
  return third === 0x80 || (at + 3 < end && script[at + 3] === 0x80);
}

/** Octets of the tag and length around the objects of a script. */
function headerLength(script: Uint8Array): number {
  const first = script[1] ?? 0;
  return first > 0x80 && first <= 0x83 ? 2 + first - 0x80 : 2;
}

/** Whether a body is C-APDU and SCP03t objects without a script around them, one after the other up to its end. */
function isBareObjects(body: Uint8Array): boolean {
  const from = new Reader(body);
  try {
    while (!from.ended) {
      const tag = readTag(from);
      if (!isCapdu(tag) && (tag < 0x84 || tag > 0x88)) return false;
      const length = readLength(from);
      if (length > from.remaining) return false;
      from.skip(length);
    }
    return body.length > 0;
  } catch {
    return false;
  }
}

function expandedSecrets(script: Uint8Array, start: number): Range[] {
  const from = new Reader(script.subarray(start), start);
  const ranges: Range[] = [];
  const find = secretFinder(script, ranges);
  let clear = false;
  try {
    while (!from.ended && !(from.peek() === 0 && from.peek(1) === 0)) {
      const tag = readTag(from);
      const length = readLength(from);
      const at = from.offset;
      const end = Math.min(at + length, script.length);
      from.skip(length);
      if (isCapdu(tag)) find(at, end);
      if (!packageParts.has(tag) || end === at) continue;
      clear ||= isClear(script, at, end);
      if (clear) ranges.push([at, end]);
    }
  } catch {
    return ranges;
  }
  return ranges;
}

function compactSecrets(script: Uint8Array): Range[] {
  const ranges: Range[] = [];
  const find = secretFinder(script, ranges);
  for (let at = 0; at < script.length; ) {
    const end = Math.min(at + compactCommandLength(script, at), script.length);
    find(at, end);
    at = end;
  }
  return ranges;
}
