import { withoutUndefined } from "../../base/defined.ts";
import { statusWordName, swOf } from "../../codec/apdu/status-word.ts";
import { type ClassifiedCommand, classifyCommand } from "../../codec/euicc/es5/classify.ts";
import { commandStatusText } from "../../codec/euicc/es5/status.ts";

/** The meaning of a status word as the answer of a command, in the words of the ES5 function if it is one. */
export function statusMeaning(fn: ClassifiedCommand["function"] | undefined, sw: string): string {
  const value = swOf(sw);
  return (fn === undefined ? undefined : commandStatusText(fn, value)) ?? statusWordName(value);
}

/** A failed command as text: its number, its function and the meaning of its status word. */
export function commandWords(
  number: number,
  apdu: Uint8Array | undefined,
  sw: string,
): { readonly words: string; readonly meaning: string; readonly name?: string } {
  const fn = apdu === undefined ? undefined : classifyCommand(apdu).function;
  const name = fn === undefined || fn.name === "unknown" ? undefined : fn.name;
  const meaning = statusMeaning(fn, sw);
  const words = `command ${number}${name === undefined ? "" : ` (${name})`} ended with ${sw}: ${meaning}`;
  return { words, meaning, ...withoutUndefined({ name }) };
}

/**
 * Whether a card may have changed something although it returned this status word: 65xx, and 6Fxx, which gives no
 * reason. ISO/IEC 7816-4 §5.6
 */
export function mayHaveActed(sw: string): boolean {
  return /^(65|6F)/i.test(sw);
}
