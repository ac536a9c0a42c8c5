import { codecError } from "../../base/gateway-error.ts";
import { readLength, tlvBytes } from "../kit/ber.ts";
import type { Codec } from "../kit/codec.ts";
import { type CommandName, commandName, commandTypes } from "./command-type.ts";
import { type CatTlv, catTlvBytes, readCatTlvs } from "./comprehension.ts";
import { device } from "./device.ts";
import { type CommandDetails, catObject, catObjects, type DeviceIdentities, objectValue } from "./object.ts";

/** A command that a card gives the terminal. ETSI TS 102 223 §6.6 */
export interface ProactiveCommand {
  /** Undefined for an unknown type. */
  readonly name: CommandName | undefined;
  readonly details: CommandDetails;
  readonly devices: DeviceIdentities;
  /** All objects in their order, details and devices among them: written back unchanged. */
  readonly objects: readonly CatTlv[];
}

const proactiveTag = 0xd0;

function required(objects: readonly CatTlv[], name: "commandDetails" | "deviceIdentities", end: number): CatTlv {
  const found = objects.find((object) => object.tag === catObjects[name].tag);
  if (found === undefined) throw codecError("codec.tag", `${name} is missing`, end, { field: name });
  return found;
}

/** A proactive command in its template `D0`. @throws codec.* */
export const ProactiveCommand: Codec<ProactiveCommand> = {
  read: (from) => {
    const offset = from.offset;
    const tag = from.u8("template tag");
    if (tag !== proactiveTag) throw codecError("codec.tag", "no proactive command template (D0)", offset, { tag });
    const body = from.sub(readLength(from), "proactive command");
    const objects = readCatTlvs(body.bytes, body.base);
    const details = objectValue("commandDetails", required(objects, "commandDetails", body.base));
    const devices = objectValue("deviceIdentities", required(objects, "deviceIdentities", body.base));
    return { name: commandName(details.type), details, devices, objects };
  },
  write: (to, value) => void to.bytes(tlvBytes(proactiveTag, catTlvBytes(value.objects))),
};

/** Builds a command as a card sends it: details and devices first, then `objects`. */
export function proactiveCommand(
  command: {
    readonly name: CommandName;
    readonly number?: number;
    readonly qualifier?: number;
    readonly destination?: number;
  },
  objects: readonly CatTlv[] = [],
): ProactiveCommand {
  const { type } = commandTypes[command.name];
  const details = { number: command.number ?? 1, type, qualifier: command.qualifier ?? 0 };
  const devices = { source: device.uicc, destination: command.destination ?? device.terminal };
  return {
    name: command.name,
    details,
    devices,
    objects: [catObject("commandDetails", details, true), catObject("deviceIdentities", devices, true), ...objects],
  };
}

/**
 * What can be reported about a command that does not decode: its details with zeros for octets that are missing, for
 * the TERMINAL RESPONSE that refuses it.
 */
export function partialDetails(octets: Uint8Array): CommandDetails {
  for (let at = 0; at + 1 < octets.length; at++) {
    if (((octets[at] ?? 0) & 0x7f) !== 0x01 || octets[at + 1] !== 0x03) continue;
    return { number: octets[at + 2] ?? 0, type: octets[at + 3] ?? 0, qualifier: octets[at + 4] ?? 0 };
  }
  return { number: 0, type: 0, qualifier: 0 };
}
