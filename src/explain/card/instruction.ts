import { parseClassByte } from "../../codec/apdu/class-byte.ts";

interface Instruction {
  readonly name: string;
  readonly clause: string;
}

const uicc = "TS 102 221";
const gp = "GP Card Specification";

/** Instructions of the interindustry classes and of a 2G SIM. */
const interindustry = new Map<number, Instruction>([
  [0x04, { name: "DEACTIVATE FILE", clause: `${uicc} §11.1.14` }],
  [0x10, { name: "TERMINAL PROFILE", clause: `${uicc} §11.2.1` }],
  [0x12, { name: "FETCH", clause: `${uicc} §11.2.3` }],
  [0x14, { name: "TERMINAL RESPONSE", clause: `${uicc} §11.2.4` }],
  [0x20, { name: "VERIFY PIN", clause: `${uicc} §11.1.9` }],
  [0x24, { name: "CHANGE PIN", clause: `${uicc} §11.1.10` }],
  [0x26, { name: "DISABLE PIN", clause: `${uicc} §11.1.11` }],
  [0x28, { name: "ENABLE PIN", clause: `${uicc} §11.1.12` }],
  [0x2c, { name: "UNBLOCK PIN", clause: `${uicc} §11.1.13` }],
  [0x32, { name: "INCREASE", clause: `${uicc} §11.1.8` }],
  [0x44, { name: "ACTIVATE FILE", clause: `${uicc} §11.1.15` }],
  [0x70, { name: "MANAGE CHANNEL", clause: `${uicc} §11.1.17` }],
  [0x73, { name: "MANAGE SECURE CHANNEL", clause: `${uicc} §11.1.20` }],
  [0x75, { name: "TRANSACT DATA", clause: `${uicc} §11.1.21` }],
  [0x76, { name: "SUSPEND UICC", clause: `${uicc} §11.1.22` }],
  [0x78, { name: "GET IDENTITY", clause: `${uicc} §11.1.23` }],
  [0x84, { name: "GET CHALLENGE", clause: `${uicc} §11.1.18` }],
  [0x88, { name: "AUTHENTICATE", clause: "TS 31.102 §7.1" }],
  [0x89, { name: "AUTHENTICATE", clause: "TS 31.102 §7.1" }],
  [0xa2, { name: "SEARCH RECORD", clause: `${uicc} §11.1.7` }],
  [0xa4, { name: "SELECT", clause: `${uicc} §11.1.1` }],
  [0xb0, { name: "READ BINARY", clause: `${uicc} §11.1.3` }],
  [0xb2, { name: "READ RECORD", clause: `${uicc} §11.1.5` }],
  [0xc0, { name: "GET RESPONSE", clause: `${uicc} §12.1` }],
  [0xc2, { name: "ENVELOPE", clause: `${uicc} §11.2.2` }],
  [0xca, { name: "GET DATA", clause: `${gp} §11.3` }],
  [0xcb, { name: "RETRIEVE DATA", clause: `${uicc} §11.3.1` }],
  [0xd6, { name: "UPDATE BINARY", clause: `${uicc} §11.1.4` }],
  [0xdb, { name: "SET DATA", clause: `${uicc} §11.3.2` }],
  [0xdc, { name: "UPDATE RECORD", clause: `${uicc} §11.1.6` }],
  [0xf2, { name: "STATUS", clause: `${uicc} §11.1.2` }],
]);

/** Instructions of the proprietary classes 8x, Cx, Ex. */
const proprietary = new Map<number, Instruction>([
  [0x10, { name: "TERMINAL PROFILE", clause: `${uicc} §11.2.1` }],
  [0x12, { name: "FETCH", clause: `${uicc} §11.2.3` }],
  [0x14, { name: "TERMINAL RESPONSE", clause: `${uicc} §11.2.4` }],
  [0x32, { name: "INCREASE", clause: `${uicc} §11.1.8` }],
  [0x50, { name: "INITIALIZE UPDATE", clause: "GP Amendment D §7.1.1" }],
  [0x78, { name: "END R-MAC SESSION", clause: "GP Amendment D §7.1.3" }],
  [0x82, { name: "EXTERNAL AUTHENTICATE", clause: "GP Amendment D §7.1.2" }],
  [0xaa, { name: "TERMINAL CAPABILITY", clause: `${uicc} §11.1.19` }],
  [0xc0, { name: "GET RESPONSE", clause: `${uicc} §12.1` }],
  [0xc2, { name: "ENVELOPE", clause: `${uicc} §11.2.2` }],
  [0xca, { name: "GET DATA", clause: `${gp} §11.3` }],
  [0xcb, { name: "RETRIEVE DATA", clause: `${uicc} §11.3.1` }],
  [0xd4, { name: "RESIZE FILE", clause: "TS 102 222 §6.10" }],
  [0xd8, { name: "PUT KEY", clause: `${gp} §11.8` }],
  [0xdb, { name: "SET DATA", clause: `${uicc} §11.3.2` }],
  [0xe2, { name: "STORE DATA", clause: `${gp} §11.11` }],
  [0xe4, { name: "DELETE", clause: `${gp} §11.2` }],
  [0xe6, { name: "INSTALL", clause: `${gp} §11.5` }],
  [0xe8, { name: "LOAD", clause: `${gp} §11.6` }],
  [0xf0, { name: "SET STATUS", clause: `${gp} §11.10` }],
  [0xf2, { name: "STATUS", clause: `${uicc} §11.1.2` }],
]);

/** Administrative instructions that come with class 00. ETSI TS 102 222 */
const administrative = new Map<number, Instruction>([
  [0xe0, { name: "CREATE FILE", clause: "TS 102 222 §6.3" }],
  [0xe2, { name: "APPEND RECORD", clause: "ISO/IEC 7816-4 §11.4" }],
  [0xe4, { name: "DELETE FILE", clause: "TS 102 222 §6.4" }],
  [0xe6, { name: "TERMINATE DF", clause: "TS 102 222 §6.7" }],
  [0xe8, { name: "TERMINATE EF", clause: "TS 102 222 §6.8" }],
]);

/** What an instruction is in its class; undefined for an unknown one. */
export function instructionOf(cla: number, ins: number, p1: number): Instruction | undefined {
  const { kind } = parseClassByte(cla);
  if (kind === "invalid") return undefined;
  if (kind === "proprietary") {
    // GET STATUS of GlobalPlatform and STATUS of ETSI share an octet; P1 of the latter is at most 02.
    if (ins === 0xf2 && p1 >= 0x10) return { name: "GET STATUS", clause: `${gp} §11.4` };
    return proprietary.get(ins);
  }
  return interindustry.get(ins) ?? (kind === "iso" ? administrative.get(ins) : undefined);
}

/** A class octet as text. ETSI TS 102 221 §10.1.1 */
export function classWords(cla: number): string {
  const { channel, secureMessaging, chained, kind } = parseClassByte(cla);
  if (kind === "invalid") return "not allowed";
  const names = { iso: "interindustry", proprietary: "proprietary", sim: "2G SIM", invalid: "" } as const;
  return [
    names[kind],
    ...(channel === 0 ? [] : [`logical channel ${channel}`]),
    ...(secureMessaging === 0 ? [] : ["secure messaging"]),
    ...(chained ? ["more commands of the chain follow"] : []),
  ].join(", ");
}
