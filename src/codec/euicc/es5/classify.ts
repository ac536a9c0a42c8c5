import { withoutUndefined } from "../../../base/defined.ts";
import { codecError, GatewayError } from "../../../base/gateway-error.ts";
import { Reader } from "../../kit/codec.ts";
import { Dgi } from "../dgi.ts";
import { type Es5Function, es5Functions } from "./functions.ts";
import type { CardCommand } from "./record.ts";

/** Commands that travel in scripts beside the ES5 functions; what they carry is not opened. */
type OtherCommand =
  | { readonly name: "getData"; readonly tag: number }
  | { readonly name: "storeData"; readonly dgi?: number }
  | {
      readonly name:
        | "putKey"
        | "initializeUpdate"
        | "externalAuthenticate"
        | "securedStoreData"
        | "select"
        | "install"
        | "delete"
        | "getStatus"
        | "unknown";
    };

/**
 * A C-APDU by the function it carries out; `fault` gives the reason its data could not be read, when its header could.
 */
export interface ClassifiedCommand {
  readonly function: Es5Function | OtherCommand;
  readonly fault?: GatewayError;
}

/** GET STATUS and GET DATA. GP Card Specification §11.3, §11.4 */
const reading: readonly number[] = [0xf2, 0xca];
const changing: ReadonlySet<number> = new Set(
  es5Functions.map(({ ins }) => ins).filter((ins) => !reading.includes(ins)),
);

/** Whether an ES5 function that changes something on the card has this instruction. */
export function mayChange(ins: number): boolean {
  return changing.has(ins);
}

/** Names what a C-APDU of a script does. Never throws: what cannot be read is named by its header, with the fault. */
export function classifyCommand(bytes: Uint8Array, base = 0): ClassifiedCommand {
  try {
    const command = parseApdu(bytes, base);
    if (command.cla & 0x04) return { function: byHeader(bytes) };
    for (const record of es5Functions) {
      const found = record.ins === command.ins ? record.classify(command) : undefined;
      if (found !== undefined) return { function: found };
    }
    return { function: otherCommand(command, bytes) };
  } catch (fault) {
    if (!(fault instanceof GatewayError)) throw fault;
    return { function: byHeader(bytes), fault };
  }
}

function parseApdu(bytes: Uint8Array, base: number): CardCommand & { readonly cla: number } {
  const from = new Reader(bytes, base);
  const [cla, ins, p1, p2] = [from.u8("CLA"), from.u8("INS"), from.u8("P1"), from.u8("P2")];
  // One octet behind the header is Le; more start with Lc.
  if (from.remaining <= 1) return withGrouping({ cla, ins, p1, p2, data: new Uint8Array(0), dataOffset: from.offset });
  const lc = from.u8("Lc");
  const dataOffset = from.offset;
  const data = from.take(lc, "command data");
  if (from.remaining > 1) throw codecError("codec.trailing", "octets follow the command data", from.offset);
  return withGrouping({ cla, ins, p1, p2, data, dataOffset });
}

function withGrouping<C extends CardCommand & { readonly cla: number }>(command: C): C {
  const { cla, ins, p1, data, dataOffset } = command;
  if (ins !== 0xe2 || cla & 0x04 || ((p1 & 0x08) === 0 && data[0] !== 0x3a)) return command;
  const from = new Reader(data, dataOffset);
  const { tag, value, valueOffset = 0 } = isKeyEstablishment(data) ? controlGrouping(from) : Dgi.read(from);
  const restOffset = from.offset;
  return { ...command, grouping: { tag, value, valueOffset, rest: from.rest(), restOffset } };
}

function isKeyEstablishment(data: Uint8Array): boolean {
  return data[0] === 0x3a && data[1] === 0x02;
}

/** Its length counts the control template alone, so the whole block never fills it. SGP.02 §4.1.1.8 */
function controlGrouping(from: Reader): Dgi {
  const tag = from.uint(2, "DGI");
  const length = from.u8("DGI length");
  const valueOffset = from.offset;
  return { tag, value: from.take(length, "key establishment"), valueOffset };
}

function otherCommand({ ins, p1, p2, grouping }: CardCommand, bytes: Uint8Array): OtherCommand {
  if (ins === 0xca) return { name: "getData", tag: p1 * 256 + p2 };
  if (ins === 0xe2) return { name: "storeData", ...withoutUndefined({ dgi: grouping?.tag }) };
  return byHeader(bytes);
}

const headerNames: Readonly<Record<number, Exclude<OtherCommand["name"], "getData" | "storeData">>> = {
  230: "install",
  228: "delete",
  242: "getStatus",
  216: "putKey",
  80: "initializeUpdate",
  130: "externalAuthenticate",
  164: "select",
};

/** Meaning of the header alone, for a command whose data cannot be read. */
function byHeader(bytes: Uint8Array): OtherCommand {
  const ins = bytes[1] ?? 0;
  if (ins === 0xe2) return (bytes[0] ?? 0) & 0x04 ? { name: "securedStoreData" } : { name: "storeData" };
  return { name: headerNames[ins] ?? "unknown" };
}

/** Functions after which the card switches its profile, and so the last of their session. SGP.02 §3.2, §3.4 */
export function switchesProfile(command: ClassifiedCommand): boolean {
  return command.function.name === "enableProfile" || command.function.name === "disableProfile";
}
