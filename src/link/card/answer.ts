import { withoutUndefined } from "../../base/defined.ts";
import type { CatTlv } from "../../codec/cat/comprehension.ts";
import type { CommandDetails } from "../../codec/cat/object.ts";
import { type GeneralResult, generalResult } from "../../codec/cat/result.ts";
import { type TerminalResponse, terminalResponse } from "../../codec/cat/terminal-response.ts";

/** The terminal's answer to a command, not yet encoded as a TERMINAL RESPONSE. */
export interface Answer {
  readonly result: GeneralResult;
  /** Additional information after the general result. */
  readonly additional?: readonly number[];
  readonly objects?: readonly CatTlv[];
}

export const success: Answer = { result: "success" };
export const beyondCapabilities: Answer = { result: "beyondCapabilities" };

/** An answer with objects. */
export function answer(result: GeneralResult, objects: readonly CatTlv[], additional?: readonly number[]): Answer {
  return additional === undefined ? { result, objects } : { result, objects, additional };
}

/** The TERMINAL RESPONSE of an answer. ETSI TS 102 223 §6.8 */
export function responseOf(details: CommandDetails, { result, additional, objects }: Answer): TerminalResponse {
  return terminalResponse(details, result, withoutUndefined({ additional, objects }));
}

/** A successful answer when some of the command was ignored. ETSI TS 102 223 §6.10 */
export function partially(given: Answer): Answer {
  return generalResult[given.result] === 0 ? { ...given, result: "partialComprehension" } : given;
}
