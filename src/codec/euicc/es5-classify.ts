import { codecError, GatewayError } from "../../base/gateway-error.ts";
import { readTlvs, wrapped } from "../kit/ber.ts";
import { decode, Reader } from "../kit/codec.ts";
import { octets, rest, u16 } from "../kit/primitives.ts";
import { maybe, template, tlv } from "../kit/template.ts";
import { ConnectivityParameters, Pol1Update, SmsrAddressing } from "./addressing.ts";
import { type Aid, aidFromOctets, isIsdPAid } from "./aid.ts";
import { Dgi } from "./dgi.ts";
import { auditObjects, type Es5Function, type KeyRange } from "./es5.ts";
import { KeyControl } from "./key-establishment.ts";

/** Commands that travel in scripts beside the ES5 functions; what they carry is not opened. */
export type OtherCommand =
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

/** A C-APDU by the function it carries out; `fault` says why its data could not be read, when its header could. */
export interface ClassifiedCommand {
  readonly function: Es5Function | OtherCommand;
  readonly fault?: GatewayError;
}

interface Apdu {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data: Uint8Array;
  readonly dataOffset: number;
}

function parseApdu(bytes: Uint8Array, base: number): Apdu {
  const from = new Reader(bytes, base);
  const [cla, ins, p1, p2] = [from.u8("CLA"), from.u8("INS"), from.u8("P1"), from.u8("P2")];
  // One octet behind the header is Le; more start with Lc.
  if (from.remaining <= 1) return { cla, ins, p1, p2, data: new Uint8Array(0), dataOffset: from.offset };
  const lc = from.u8("Lc");
  const dataOffset = from.offset;
  const data = from.take(lc, "command data");
  if (from.remaining > 1) throw codecError("codec.trailing", "octets follow the command data", from.offset);
  return { cla, ins, p1, p2, data, dataOffset };
}

function onlyAid(data: Uint8Array, offset: number): Aid {
  const { aid } = decode(template({ aid: tlv(0x4f, rest) }), data, offset);
  return aidFromOctets(aid, offset + 2);
}

function install(apdu: Apdu): Es5Function | OtherCommand {
  const from = new Reader(apdu.data, apdu.dataOffset);
  const field = (name: string) => {
    const length = from.u8(`${name} length`);
    const offset = from.offset;
    return { value: from.take(length, name), offset };
  };
  if (apdu.p1 === 0x20) {
    from.take(2, "load file and module");
    const sd = field("security domain");
    return { name: "installForPersonalization", sd: aidFromOctets(sd.value, sd.offset) };
  }
  if (apdu.p1 !== 0x0c) return { name: "install" };
  const [loadFile, module, isdP] = [field("load file"), field("module"), field("ISD-P")];
  field("privileges");
  const parameters = field("install parameters");
  return {
    name: "createISDP",
    isdP: aidFromOctets(isdP.value, isdP.offset),
    loadFile: aidFromOctets(loadFile.value, loadFile.offset),
    module: aidFromOctets(module.value, module.offset),
    ...quotaOf(parameters.value, parameters.offset),
  };
}

function quotaOf(parameters: Uint8Array, offset: number): { quota?: number } {
  const system = readTlvs(parameters, offset).find(({ tag }) => tag === 0xef);
  if (system === undefined) return {};
  const memory = readTlvs(system.value, system.valueOffset).find(({ tag }) => tag === 0x83);
  if (memory === undefined || memory.value.length === 0 || memory.value.length > 6) return {};
  return { quota: new Reader(memory.value, memory.valueOffset).uint(memory.value.length) };
}

function remove(apdu: Apdu): Es5Function | OtherCommand {
  if (apdu.p2 === 0x00 && apdu.data[0] === 0xf2) {
    const keep = readTlvs(apdu.data, apdu.dataOffset).map(({ tag, value, offset }): KeyRange => {
      if (tag !== 0xf2) throw codecError("codec.tag", "key range (tag F2) belongs here", offset);
      const [kvn = 0, first = 0, last = 0] = decode(octets(3), value, offset);
      return { kvn, first, last };
    });
    return { name: "finaliseISDRhandover", keep };
  }
  if (apdu.p2 !== 0x40) return { name: "delete" };
  const reference = template({
    providerId: tlv(0x42, rest),
    imageNumber: tlv(0x45, rest),
    applicationProviderId: tlv(0x5f20, rest),
    tokenId: tlv(0x93, rest),
  });
  const parts = decode(
    template({ aid: tlv(0x4f, rest), reference: maybe(tlv(0xb6, reference)), token: maybe(tlv(0x9e, rest)) }),
    apdu.data,
    apdu.dataOffset,
  );
  const isdP = aidFromOctets(parts.aid, apdu.dataOffset + 2);
  if (parts.reference === undefined || parts.token === undefined) return { name: "deleteProfile", isdP };
  return { name: "masterDelete", isdP, reference: parts.reference, token: parts.token };
}

function getStatus(apdu: Apdu): Es5Function | OtherCommand {
  if (apdu.p1 !== 0x40) return { name: "getStatus" };
  const { aid, list } = decode(
    template({ aid: tlv(0x4f, rest), list: maybe(tlv(0x5c, rest)) }),
    apdu.data,
    apdu.dataOffset,
  );
  return {
    name: "auditStatus",
    ...(aid.length === 0 ? {} : { isdP: aidFromOctets(aid, apdu.dataOffset + 2) }),
    ...(list === undefined ? {} : { tags: tagsOf(list) }),
    ...(apdu.p2 & 0x01 ? { next: true } : {}),
  };
}

/** Tags of a tag list, which has no lengths. */
function tagsOf(list: Uint8Array): number[] {
  const tags: number[] = [];
  for (let at = 0; at < list.length; at++) {
    const first = list[at] ?? 0;
    if ((first & 0x1f) === 0x1f && at + 1 < list.length) tags.push(first * 256 + (list[++at] ?? 0));
    else tags.push(first);
  }
  return tags;
}

function getData(apdu: Apdu): Es5Function | OtherCommand {
  const tag = apdu.p1 * 256 + apdu.p2;
  if (tag === 0xbf30) {
    const { list } = decode(template({ list: maybe(tlv(0x5c, rest)) }), apdu.data, apdu.dataOffset);
    return { name: "auditForwarded", ...(list === undefined ? {} : { tags: tagsOf(list) }) };
  }
  for (const name of ["auditResources", "auditEid", "auditKeys", "auditCounter"] as const) {
    if (auditObjects[name] === tag) return { name };
  }
  return { name: "getData", tag };
}

function addressing(value: Uint8Array, offset: number): Es5Function {
  // The tags of the two uses of 3A07 do not overlap.
  if (value[0] === 0xa0 || value[0] === 0xa1 || value[0] === 0xa2) {
    const connectivity = decode(ConnectivityParameters, value, offset);
    return { name: "updateConnectivityParameters", connectivity };
  }
  return { name: "updateSMSRAddressingParameters", addressing: decode(SmsrAddressing, value, offset) };
}

function keySet(apdu: Apdu, from: Reader, first: Dgi): Es5Function {
  const control = decode(wrapped(0xa6, KeyControl), first.value, first.valueOffset ?? 0);
  const offset = from.offset;
  const parts = template({ ephemeralKey: tlv(0x7f49, rest), signature: tlv(0x5f37, rest) });
  const { ephemeralKey, signature } = decode(parts, from.rest(), offset);
  return { name: "establishISDRKeySet", part: 2, control, ephemeralKey, signature, block: apdu.p2 };
}

function storeData(apdu: Apdu): Es5Function | OtherCommand {
  if ((apdu.p1 & 0x08) === 0 && apdu.data[0] !== 0x3a) return { name: "storeData" };
  const from = new Reader(apdu.data, apdu.dataOffset);
  if (from.peek() === 0x3a && from.peek(1) === 0x02) {
    // Its length counts the control template alone, so the whole block never fills it.
    const tag = from.uint(2, "DGI");
    const length = from.u8("DGI length");
    const valueOffset = from.offset;
    return keySet(apdu, from, { tag, value: from.take(length, "key establishment"), valueOffset });
  }
  const { tag, value, valueOffset = 0 } = Dgi.read(from);
  switch (tag) {
    case 0x3a01:
      return { name: "establishISDRKeySet", part: 1, certificate: value };
    case 0x3a03:
      return { name: "enableProfile", isdP: onlyAid(value, valueOffset) };
    case 0x3a04:
      return { name: "disableProfile", isdP: onlyAid(value, valueOffset) };
    case 0x3a05:
      return { name: "setFallbackAttribute", isdP: onlyAid(value, valueOffset) };
    case 0x3a06:
      return { name: "updatePOL1", pol1: decode(Pol1Update, value, valueOffset).rules };
    case 0x3a07:
      return addressing(value, valueOffset);
    case 0x3a08:
      return {
        name: "confirmNotification",
        sequence: decode(template({ sequence: tlv(0x4e, u16) }), value, valueOffset).sequence,
      };
    case 0x3a09:
      if (value.length === 0) return { name: "unsetEmergencyProfileAttribute" };
      return { name: "setEmergencyProfileAttribute", isdP: onlyAid(value, valueOffset) };
    default:
      return { name: "storeData", dgi: tag };
  }
}

/** What the header alone says, for a command whose data cannot be read. */
function byHeader(bytes: Uint8Array): OtherCommand {
  const names: Readonly<Record<number, Exclude<OtherCommand["name"], "getData" | "storeData">>> = {
    230: "install",
    228: "delete",
    242: "getStatus",
    216: "putKey",
    80: "initializeUpdate",
    130: "externalAuthenticate",
    164: "select",
  };
  const ins = bytes[1] ?? 0;
  if (ins === 0xe2) return (bytes[0] ?? 0) & 0x04 ? { name: "securedStoreData" } : { name: "storeData" };
  return { name: names[ins] ?? "unknown" };
}

/** Names what a C-APDU of a script does. Never throws: what cannot be read is named by its header, with the fault. */
export function classifyCommand(bytes: Uint8Array, base = 0): ClassifiedCommand {
  try {
    const apdu = parseApdu(bytes, base);
    if (apdu.cla & 0x04) return { function: byHeader(bytes) };
    switch (apdu.ins) {
      case 0xe6:
        return { function: install(apdu) };
      case 0xe4:
        return { function: remove(apdu) };
      case 0xf2:
        return { function: getStatus(apdu) };
      case 0xca:
        return { function: getData(apdu) };
      case 0xe2:
        return { function: storeData(apdu) };
      default:
        return { function: byHeader(bytes) };
    }
  } catch (fault) {
    if (!(fault instanceof GatewayError)) throw fault;
    return { function: byHeader(bytes), fault };
  }
}

/** Functions after which the card switches its profile, and so the last of their session. SGP.02 §3.2, §3.4 */
export function switchesProfile(command: ClassifiedCommand): boolean {
  return command.function.name === "enableProfile" || command.function.name === "disableProfile";
}

/** What an object directly in a script template is: SCP03t carries TLVs where C-APDUs stand. SGP.02 §4.1.3.3 */
export function scp03tName(tag: number): "initializeUpdate" | "externalAuthenticate" | "profileData" | undefined {
  if (tag === 0x84) return "initializeUpdate";
  if (tag === 0x85) return "externalAuthenticate";
  return tag === 0x86 ? "profileData" : undefined;
}

/** Whether a command names an ISD-P that SGP.02's range does not hold: worth a warning. */
export function oddIsdP(command: ClassifiedCommand): Aid | undefined {
  const fn = command.function;
  return "isdP" in fn && fn.isdP !== undefined && !isIsdPAid(fn.isdP) ? fn.isdP : undefined;
}
