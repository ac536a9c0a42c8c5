import { isStoreData, secretGoesOn, secretOfCommand } from "../apdu/secret-data.ts";
import { readLength, readTag } from "../kit/ber.ts";
import { Reader } from "../kit/codec.ts";
import { compactCommandLength, isCapdu, isExpandedScript } from "./script.ts";

/** A script as it may be shown. */
export interface ShownScript {
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
  const ranges = isExpandedScript(script) ? expandedSecrets(script) : compactSecrets(script);
  if (ranges.length === 0) return { bytes: script, hidden: false };
  const bytes = Uint8Array.from(script);
  for (const [from, to] of ranges) bytes.fill(0, from, to);
  return { bytes, hidden: true };
}

type Range = readonly [from: number, to: number];

/** Finds the secrets of the commands of a script, one after the other: STORE DATA may go on in several blocks. */
function secretFinder(): (apdu: Uint8Array, at: number) => Range[] {
  let goesOn = false;
  return (apdu, at) => {
    const secret = secretOfCommand(apdu) !== undefined || (goesOn && isStoreData(apdu));
    goesOn = secret && secretGoesOn(apdu);
    return !secret || apdu.length <= 5 ? [] : [[at + 5, at + apdu.length]];
  };
}

function expandedSecrets(script: Uint8Array): Range[] {
  const from = new Reader(script);
  const secretsOf = secretFinder();
  const ranges: Range[] = [];
  try {
    readTag(from);
    if (from.peek() === 0x80) from.u8();
    else readLength(from);
    while (!from.ended && !(from.peek() === 0 && from.peek(1) === 0)) {
      const tag = readTag(from);
      const length = readLength(from);
      const at = from.offset;
      const value = from.take(Math.min(length, from.remaining));
      if (isCapdu(tag)) ranges.push(...secretsOf(value, at));
    }
  } catch {
    return ranges;
  }
  return ranges;
}

function compactSecrets(script: Uint8Array): Range[] {
  const secretsOf = secretFinder();
  const ranges: Range[] = [];
  for (let at = 0; at < script.length; ) {
    const rest = script.subarray(at);
    const length = Math.min(compactCommandLength(rest), rest.length);
    ranges.push(...secretsOf(rest.subarray(0, length), at));
    at += length;
  }
  return ranges;
}
