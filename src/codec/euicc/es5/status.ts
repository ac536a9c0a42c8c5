import type { ClassifiedCommand } from "./classify.ts";
import { type Es5Name, es5Function } from "./functions.ts";

const general: Readonly<Record<number, string>> = {
  36864: "done",
  25360: "more data: repeat for the next match",
  25985: "memory failure",
  26368: "wrong length",
  27010: "security status not satisfied",
  27013: "conditions of use not satisfied",
  27105: "POL1 of the profile refuses",
  27264: "incorrect data",
  27266: "application not found",
  27268: "not enough memory",
  27270: "incorrect P1 P2",
  27272: "referenced data not found",
  27904: "instruction not supported, or the script was framed wrongly",
  28160: "class not supported, or the script was framed wrongly",
  38020: "algorithm not supported",
  38021: "wrong key check value",
};

/** What a status word states as the answer of a function; undefined when nothing specific is known. */
export function es5StatusText(name: Es5Name | undefined, sw: number): string | undefined {
  const specific = name === undefined ? undefined : es5Function(name)?.statusWords?.[sw];
  if (specific !== undefined) return specific;
  if (general[sw] !== undefined) return general[sw];
  if (sw >> 8 === 0x91) return "done; a proactive command waits";
  return sw >> 8 === 0x61 ? "done; data wait" : undefined;
}

/** What a status word states as the answer of a classified command; undefined for one that is no ES5 function. */
export function commandStatusText(command: ClassifiedCommand["function"], sw: number): string | undefined {
  const record = es5Function(command.name);
  return record === undefined ? undefined : es5StatusText(record.name, sw);
}
