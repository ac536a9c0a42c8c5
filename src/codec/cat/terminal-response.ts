import { codecError } from "../../base/gateway-error.ts";
import type { Codec } from "../kit/codec.ts";
import { type CommandName, commandName } from "./command-type.ts";
import { type CatTlv, readCatTlvs, writeCatTlv } from "./comprehension.ts";
import { device } from "./device.ts";
import { type CommandDetails, catObject, type DeviceIdentities, findTlv, objectValue, type Result } from "./object.ts";
import { type GeneralResult, generalResult } from "./result.ts";

/** A terminal's answer to a proactive command; it has no outer template. ETSI TS 102 223 §6.8 */
export interface TerminalResponse {
  readonly name: CommandName | undefined;
  readonly details: CommandDetails;
  readonly devices: DeviceIdentities;
  readonly result: Result;
  /** All objects in their order, the three above among them. */
  readonly objects: readonly CatTlv[];
}

export const TerminalResponse: Codec<TerminalResponse> = {
  read: (from) => {
    const offset = from.offset;
    const objects = readCatTlvs(from.rest(), offset);
    const need = (name: "commandDetails" | "deviceIdentities" | "result") => {
      const found = findTlv(objects, name);
      if (found === undefined) throw codecError("codec.tag", `${name} is missing`, offset, { field: name });
      return found;
    };
    const details = objectValue("commandDetails", need("commandDetails"));
    return {
      name: commandName(details.type),
      details,
      devices: objectValue("deviceIdentities", need("deviceIdentities")),
      result: objectValue("result", need("result")),
      objects,
    };
  },
  write: (to, value) => {
    for (const object of value.objects) writeCatTlv(to, object);
  },
};

/** The answer to a command: its details echoed, terminal to UICC, result, then `objects`. */
export function terminalResponse(
  details: CommandDetails,
  result: GeneralResult,
  options: { readonly additional?: readonly number[]; readonly objects?: readonly CatTlv[] } = {},
): TerminalResponse {
  const devices = { source: device.terminal, destination: device.uicc };
  const outcome = { general: generalResult[result], additional: Uint8Array.from(options.additional ?? []) };
  return {
    name: commandName(details.type),
    details,
    devices,
    result: outcome,
    objects: [
      catObject("commandDetails", details, true),
      catObject("deviceIdentities", devices, true),
      catObject("result", outcome, true),
      ...(options.objects ?? []),
    ],
  };
}
