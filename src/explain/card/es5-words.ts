import { fromHex } from "../../base/hex.ts";
import type { ClassifiedCommand } from "../../codec/euicc/es5/classify.ts";
import { es5Function, isEs5Function } from "../../codec/euicc/es5/functions.ts";
import type { Es5Names } from "../../codec/euicc/es5/record.ts";
import { applicationText } from "../names.ts";
import { hex4 } from "../tree.ts";

type Function = ClassifiedCommand["function"];

const names: Es5Names = { domain: (aid) => applicationText(fromHex(aid)) };

/** Commands that stand beside ES5 in scripts, by the names of their specification. */
const others: Readonly<Record<string, string>> = {
  putKey: "PUT KEY",
  initializeUpdate: "INITIALIZE UPDATE",
  externalAuthenticate: "EXTERNAL AUTHENTICATE",
  securedStoreData: "STORE DATA (secured)",
  storeData: "STORE DATA",
  select: "SELECT",
  install: "INSTALL",
  delete: "DELETE",
  getStatus: "GET STATUS",
  getData: "GET DATA",
};

/** Name of an ES5 function as SGP.02 writes it, with what it acts on; undefined for a command that is none. SGP.02 §4.1.1 */
export function es5Words(fn: Function): string | undefined {
  return isEs5Function(fn) ? es5Function(fn.name)?.words(fn, names) : undefined;
}

/** Name of a GlobalPlatform command that is no ES5 function; undefined when it is unknown. */
export function otherWords(fn: Function): string | undefined {
  if (fn.name === "getData" && "tag" in fn) return `GET DATA ${hex4(fn.tag)}`;
  return others[fn.name];
}

/** Where a function is defined. */
export function es5Clause(fn: Function): string | undefined {
  return es5Function(fn.name)?.clause;
}
