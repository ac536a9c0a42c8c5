import { parseClassByte } from "../../codec/apdu/class-byte.ts";
import type { Context } from "../context.ts";
import { aidWords, applicationText, fileName, pathText } from "../names.ts";
import { octetCount } from "../octet-count.ts";
import { keyVersionWords, securityLevelWords } from "../packet/secure-channel.ts";
import { branchOf, hex2, hex4, leafOf, type Node } from "../tree.ts";
import { deleteData, getStatusData, installData, secureChannelData, storeDataNode, tagListData } from "./gp-command.ts";
import { instructionOf } from "./instruction.ts";

/** A command for a line of text, and its parameters as text. */
interface CommandTitle {
  readonly title: string;
  readonly parameters?: string | undefined;
}

const pins = new Map<number, string>([
  [0x01, "PIN1"],
  [0x02, "PIN2 of a 2G SIM"],
  [0x0a, "ADM1"],
  [0x0b, "ADM2"],
  [0x11, "universal PIN"],
  [0x81, "PIN2"],
  [0x8a, "ADM6"],
]);

function dataOf(octets: Uint8Array): Uint8Array {
  return octets.subarray(5, 5 + (octets[4] ?? 0));
}

function selectTitle(octets: Uint8Array): CommandTitle {
  const p1 = octets[2] ?? 0;
  const data = dataOf(octets);
  const answer = ["return FCI", "return FCP", "return FMD", "return nothing"][((octets[3] ?? 0) >> 2) & 0x03];
  if (p1 === 0x04) return { title: `SELECT ${applicationText(data)}`, parameters: `by AID, ${answer}` };
  if (p1 === 0x08 || p1 === 0x09) {
    const from = p1 === 0x08 ? "MF" : "current DF";
    return { title: `SELECT ${pathText(data)}`, parameters: `by path from ${from}, ${answer}` };
  }
  if (p1 === 0x03) return { title: "SELECT parent DF", parameters: answer };
  const file = data.length === 2 ? hex4((data[0] ?? 0) * 256 + (data[1] ?? 0)) : "MF";
  const name = data.length === 2 ? fileName((data[0] ?? 0) * 256 + (data[1] ?? 0)) : undefined;
  return { title: `SELECT ${name ?? file}`, parameters: `by file identifier, ${answer}` };
}

function binaryTitle(name: string, p1: number, p2: number): CommandTitle {
  if (p1 & 0x80) return { title: `${name} of SFI ${hex2(p1 & 0x1f)}, offset ${p2}` };
  return { title: p1 * 256 + p2 === 0 ? name : `${name}, offset ${p1 * 256 + p2}` };
}

const recordModes = ["", "", "next", "previous", "absolute"];

function recordTitle(name: string, p1: number, p2: number): CommandTitle {
  const mode = recordModes[p2 & 0x07] ?? "";
  const which = p1 === 0 ? (mode === "absolute" ? "current" : mode) : String(p1);
  const sfi = p2 >> 3 === 0 ? "" : ` of SFI ${hex2(p2 >> 3)}`;
  return { title: `${name} ${which}${sfi}`.trimEnd(), parameters: mode };
}

const installs = new Map<number, string>([
  [0x02, "for load"],
  [0x04, "for install"],
  [0x08, "for make selectable"],
  [0x0c, "for install and make selectable"],
  [0x10, "for extradition"],
  [0x20, "for personalization"],
  [0x40, "for registry update"],
]);

const statusScopes = new Map<number, string>([
  [0x80, "issuer security domain"],
  [0x40, "applications and security domains"],
  [0x20, "executable load files"],
  [0x10, "executable load files and modules"],
]);

/** What a command is for a line of text; undefined for an unknown instruction. */
export function commandTitle(octets: Uint8Array): CommandTitle | undefined {
  const [cla = 0, ins = 0, p1 = 0, p2 = 0, p3] = octets;
  const instruction = instructionOf(cla, ins, p1);
  if (instruction === undefined) return undefined;
  const { name } = instruction;
  switch (name) {
    case "SELECT":
      return selectTitle(octets);
    case "READ BINARY":
    case "UPDATE BINARY":
      return binaryTitle(name, p1, p2);
    case "READ RECORD":
    case "UPDATE RECORD":
      return recordTitle(name, p1, p2);
    case "VERIFY PIN":
    case "CHANGE PIN":
    case "DISABLE PIN":
    case "ENABLE PIN":
    case "UNBLOCK PIN": {
      const pin = pins.get(p2) ?? `reference ${hex2(p2)}`;
      const retries = p3 === undefined || p3 === 0 ? ", asks the tries left" : "";
      return { title: `${name.replace(" PIN", "")} ${pin}${retries}`, parameters: pin };
    }
    case "MANAGE CHANNEL":
      return { title: p1 & 0x80 ? `MANAGE CHANNEL, close ${p2}` : `MANAGE CHANNEL, open${p2 === 0 ? "" : ` ${p2}`}` };
    case "FETCH":
    case "GET RESPONSE":
      return { title: `${name} ${p3 === 0 ? 256 : (p3 ?? "")}`.trimEnd() };
    case "INSTALL": {
      const what = installs.get(p1) ?? hex2(p1);
      return { title: `INSTALL [${what}]`, parameters: what };
    }
    case "GET STATUS": {
      const scope = statusScopes.get(p1);
      return {
        title: scope === undefined ? name : `GET STATUS, ${scope}`,
        parameters: p2 & 1 ? "next" : "first or all",
      };
    }
    case "STORE DATA": {
      const block = `block ${p2}${p1 & 0x80 ? ", the last" : ", more follow"}`;
      const shape = p1 & 0x08 ? "DGI" : p1 & 0x10 ? "BER-TLV" : "no format given";
      return { title: `STORE DATA ${block}`, parameters: `${block}, ${shape}${p1 & 0x01 ? ", answer expected" : ""}` };
    }
    case "GET DATA":
      return { title: `GET DATA ${hex4(p1 * 256 + p2)}` };
    case "INITIALIZE UPDATE": {
      const version = keyVersionWords(p1);
      return { title: `INITIALIZE UPDATE, ${version}`, parameters: `${version}${p2 === 0 ? "" : `, key ${p2}`}` };
    }
    case "EXTERNAL AUTHENTICATE":
      return { title: `EXTERNAL AUTHENTICATE, ${securityLevelWords(p1)}`, parameters: securityLevelWords(p1) };
    case "PUT KEY":
      return { title: p1 === 0 ? "PUT KEY, new key set" : `PUT KEY, replaces key set ${hex2(p1)}` };
    default:
      return { title: name };
  }
}

/** The data of a command, opened by what its instruction takes. */
export function commandData(apdu: Uint8Array, octets: Uint8Array, base: number, context: Context): Node {
  const [cla = 0, ins = 0, p1 = 0] = apdu;
  const name = instructionOf(cla, ins, p1)?.name;
  // Secured data are cryptograms, whatever the instruction takes in clear.
  if (parseClassByte(cla).secureMessaging !== 0 && name !== "EXTERNAL AUTHENTICATE") {
    return securedData(octets, base, parseClassByte(cla).kind === "proprietary");
  }
  switch (name) {
    case "ENVELOPE":
      return context.read("envelope", octets, base, context);
    case "TERMINAL RESPONSE":
      return context.read("terminal-response", octets, base, context);
    case "TERMINAL PROFILE":
      return context.read("terminal-profile", octets, base, context);
    case "SELECT":
      return p1 === 0x04
        ? leafOf("AID", octets, base, aidWords, { clause: "TS 101 220 §4" })
        : leafOf(octets.length === 2 ? "file identifier" : "path", octets, base, pathText);
    case "AUTHENTICATE":
      return challenges(octets, base);
    case "TERMINAL CAPABILITY":
    case "CREATE FILE":
      return context.read("tlv", octets, base, context);
    case "INSTALL":
      return installData(apdu, octets, base);
    case "DELETE":
      return deleteData(octets, base);
    case "STORE DATA":
      return storeDataNode(apdu, octets, base, context);
    case "GET STATUS":
      return getStatusData(octets, base);
    case "GET DATA":
      return tagListData(octets, base);
    case "INITIALIZE UPDATE":
    case "EXTERNAL AUTHENTICATE":
      return secureChannelData(name, octets, base);
    default:
      return leafOf("data", octets, base);
  }
}

/** Data and the C-MAC behind them; whether they are ciphered only the session's security level states. */
function securedData(octets: Uint8Array, base: number, globalPlatform: boolean): Node {
  const label = "data under secure messaging";
  if (!globalPlatform || octets.length < 8) return leafOf(label, octets, base, (bytes) => octetCount(bytes.length));
  return branchOf(label, octets, base, (branch) => {
    if (octets.length > 8) branch.field("data", octets.length - 8, (bytes) => octetCount(bytes.length));
    branch.field("MAC", 8);
    return undefined;
  });
}

/** RAND and AUTN are not secrets; the answer is. 3GPP TS 31.102 §7.1.2 */
function challenges(octets: Uint8Array, base: number): Node {
  return branchOf("authentication data", octets, base, (branch) => {
    for (const label of ["RAND", "AUTN"]) {
      if (branch.from.ended) break;
      branch.field(label, branch.octet(`${label} length`, String));
    }
    return undefined;
  });
}
