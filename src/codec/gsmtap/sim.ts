import { concatBytes } from "../../base/hex.ts";
import { type Gsmtap, gsmtapType, simSubType } from "./header.ts";

/**
 * A command and its answer as one frame, in the form that dissectors expect: header with P3, command data, answer data,
 * status word. Le behind command data has no place in it. A command that got no answer stands alone.
 */
export function apduFrame(command: Uint8Array, answer: Uint8Array = new Uint8Array(0)): Gsmtap {
  return { type: gsmtapType.sim, subType: simSubType.apdu, payload: concatBytes(tpduOf(command), answer) };
}

/** The T=0 form of a command. ISO/IEC 7816-3 §12.2 */
function tpduOf(command: Uint8Array): Uint8Array {
  if (command.length === 4) return concatBytes(command, Uint8Array.of(0));
  const lc = command[4] ?? 0;
  const extended = lc === 0 && command.length > 5;
  return extended || command.length <= 5 ? command : command.subarray(0, 5 + lc);
}

/** An answer to reset. */
export function atrFrame(atr: Uint8Array): Gsmtap {
  return { type: gsmtapType.sim, subType: simSubType.atr, payload: atr };
}
