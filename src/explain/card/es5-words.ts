import { fromHex } from "../../base/hex.ts";
import type { ClassifiedCommand } from "../../codec/euicc/es5/classify.ts";
import { es5Function, isEs5Function } from "../../codec/euicc/es5/functions.ts";
import type { Es5Names } from "../../codec/euicc/es5/record.ts";
import { applicationText } from "../names.ts";

type Function = ClassifiedCommand["function"];

const names: Es5Names = { domain: (aid) => applicationText(fromHex(aid)) };

/** Name of an ES5 function as SGP.02 writes it, with what it acts on; undefined for a command that is none. SGP.02 §4.1.1 */
export function es5Words(fn: Function): string | undefined {
  return isEs5Function(fn) ? es5Function(fn.name)?.words(fn, names) : undefined;
}

/** Where a function is defined. */
export function es5Clause(fn: Function): string | undefined {
  return es5Function(fn.name)?.clause;
}
