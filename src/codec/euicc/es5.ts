import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { tlvBytes } from "../kit/ber.ts";
import { encode } from "../kit/codec.ts";
import {
  ConnectivityParameters as Connectivity,
  type ConnectivityParameters,
  type Pol1,
  Pol1Update,
  SmsrAddressing,
} from "./addressing.ts";
import { type Aid, aidOctets, isdPLoadFileAid, isdPModuleAid, ownIsdPAid } from "./aid.ts";
import { dgiBytes } from "./dgi.ts";
import { type KeyEstablishment, keyEstablishmentBlock } from "./key-establishment.ts";

/** A range of keys of one key set. */
export interface KeyRange {
  readonly kvn: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Control reference of a delete token: what the security domain was personalised with.
 * GP Card Specification §11.2.2.3.1
 */
export interface TokenReference {
  /** Tag 42. */
  readonly providerId: Uint8Array;
  /** Tag 45. */
  readonly imageNumber: Uint8Array;
  /** Tag 5F20. */
  readonly applicationProviderId: Uint8Array;
  /** Tag 93. */
  readonly tokenId: Uint8Array;
}

/** Data objects of the audit functions by name. SGP.02 §4.1.1.5, GP Card Specification §11.3.3.1 */
export const auditObjects = {
  auditResources: 0xff21,
  auditEid: 0x005a,
  auditKeys: 0x00e0,
  auditCounter: 0x00c1,
} as const;

/** A function of interface ES5 (or one that travels with it), by the names of SGP.02 §4.1.1 and §4.1.3. */
export type Es5Function =
  | {
      readonly name: "createISDP";
      readonly isdP: Aid;
      /** Cumulative granted non-volatile memory, octets. */
      readonly quota?: number;
      readonly loadFile?: Aid;
      readonly module?: Aid;
    }
  | {
      readonly name:
        | "enableProfile"
        | "disableProfile"
        | "setFallbackAttribute"
        | "setEmergencyProfileAttribute"
        | "deleteProfile";
      readonly isdP: Aid;
    }
  | { readonly name: "unsetEmergencyProfileAttribute" }
  | {
      readonly name: "masterDelete";
      readonly isdP: Aid;
      readonly reference: TokenReference;
      readonly token: Uint8Array;
    }
  | {
      readonly name: "auditStatus";
      /** All applications and security domains when absent. */
      readonly isdP?: Aid;
      /** Tags wanted (5C list); the card's choice when absent. */
      readonly tags?: readonly number[];
      /** Further matches after a `6310`. */
      readonly next?: boolean;
    }
  | { readonly name: keyof typeof auditObjects }
  | { readonly name: "auditForwarded"; readonly tags?: readonly number[] }
  | { readonly name: "establishISDRKeySet"; readonly part: 1; readonly certificate: Uint8Array }
  | ({ readonly name: "establishISDRKeySet"; readonly part: 2; readonly block?: number } & KeyEstablishment)
  | { readonly name: "finaliseISDRhandover"; readonly keep: readonly KeyRange[] }
  | { readonly name: "updateSMSRAddressingParameters"; readonly addressing: SmsrAddressing }
  | { readonly name: "updateConnectivityParameters"; readonly connectivity: ConnectivityParameters }
  | { readonly name: "updatePOL1"; readonly pol1: Pol1; readonly sd?: Aid }
  | { readonly name: "confirmNotification"; readonly sequence: number }
  | { readonly name: "installForPersonalization"; readonly sd: Aid };

export type Es5Name = Es5Function["name"];

function command(cla: number, ins: number, p1: number, p2: number, data: Uint8Array, le: boolean): Uint8Array {
  if (data.length > 255) {
    throw codecError("codec.length", `command data of ${data.length} octets`, 5, { field: "Lc", length: data.length });
  }
  const lc = data.length === 0 ? [] : [data.length];
  return concatBytes(Uint8Array.of(cla, ins, p1, p2, ...lc), data, le ? Uint8Array.of(0) : new Uint8Array(0));
}

/** P1 bits of STORE DATA. GP Card Specification §11.11.2.1 */
const storeData = { last: 0x80, dgi: 0x08, response: 0x01 } as const;

/**
 * STORE DATA blocks of one run of groupings; a run of more than 255 octets takes several blocks. `more` announces
 * that another command of the same sequence follows.
 */
function storeBlocks(
  data: Uint8Array,
  options: { readonly response?: boolean; readonly more?: boolean; readonly firstBlock?: number },
): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += 255) {
    const last = at + 255 >= data.length && options.more !== true;
    const p1 = storeData.dgi | (last ? storeData.last : 0) | (options.response === true ? storeData.response : 0);
    blocks.push(command(0x80, 0xe2, p1, (options.firstBlock ?? 0) + blocks.length, data.subarray(at, at + 255), true));
  }
  return blocks;
}

function lv(value: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(value.length), value);
}

function createIsdP(fn: Extract<Es5Function, { name: "createISDP" }>): Uint8Array {
  const scp03 = tlvBytes(0xc9, Uint8Array.of(0x81, 0x02, 0x03, 0x70));
  const parameters =
    fn.quota === undefined ? scp03 : concatBytes(scp03, tlvBytes(0xef, tlvBytes(0x83, quota(fn.quota))));
  const data = concatBytes(
    lv(aidOctets(fn.loadFile ?? isdPLoadFileAid)),
    lv(aidOctets(fn.module ?? isdPModuleAid)),
    lv(aidOctets(fn.isdP)),
    lv(Uint8Array.of(0x80, 0xc0, 0x00)),
    lv(parameters),
    Uint8Array.of(0),
  );
  return command(0x80, 0xe6, 0x0c, 0x00, data, true);
}

function quota(octets: number): Uint8Array {
  if (!Number.isInteger(octets) || octets < 0 || octets > 0xffffffff) {
    throw codecError("codec.value", `memory quota of ${octets} octets`, 0, { field: "quota" });
  }
  const wide = [octets >>> 24, (octets >>> 16) & 0xff, (octets >>> 8) & 0xff, octets & 0xff];
  return Uint8Array.from(octets > 0xffff ? wide : wide.slice(2));
}

function forPersonalization(sd: Aid): Uint8Array {
  const data = concatBytes(Uint8Array.of(0, 0), lv(aidOctets(sd)), Uint8Array.of(0, 0, 0));
  return command(0x80, 0xe6, 0x20, 0x00, data, true);
}

/** The part of a delete command's data that its token signs. */
function masterDeleteReference(isdP: Aid, reference: TokenReference): Uint8Array {
  return concatBytes(
    tlvBytes(0x4f, aidOctets(isdP)),
    tlvBytes(
      0xb6,
      tlvBytes(0x42, reference.providerId),
      tlvBytes(0x45, reference.imageNumber),
      tlvBytes(0x5f20, reference.applicationProviderId),
      tlvBytes(0x93, reference.tokenId),
    ),
  );
}

/** Octets a delete token is a CMAC over: P1, P2, length and the data before the token. SGP.02 §4.1.1.6 */
export function masterDeleteSigned(isdP: Aid, reference: TokenReference): Uint8Array {
  return concatBytes(Uint8Array.of(0x00, 0x40), lv(masterDeleteReference(isdP, reference)));
}

function tagList(tags: readonly number[]): Uint8Array {
  return tlvBytes(0x5c, Uint8Array.from(tags.flatMap((tag) => (tag > 0xff ? [tag >> 8, tag & 0xff] : [tag]))));
}

function getData(tag: number, list?: readonly number[]): Uint8Array {
  return command(0x80, 0xca, tag >> 8, tag & 0xff, list === undefined ? new Uint8Array(0) : tagList(list), true);
}

const profileDgi = {
  enableProfile: 0x3a03,
  disableProfile: 0x3a04,
  setFallbackAttribute: 0x3a05,
  setEmergencyProfileAttribute: 0x3a09,
} as const;

/**
 * The C-APDUs of a function, in their order. Each ends with Le, without which some cards answer nothing over SMS.
 * @throws codec.* for values that do not fit
 */
export function es5Commands(fn: Es5Function): readonly Uint8Array[] {
  switch (fn.name) {
    case "createISDP":
      return [createIsdP(fn)];
    case "enableProfile":
    case "disableProfile":
    case "setFallbackAttribute":
    case "setEmergencyProfileAttribute":
      return storeBlocks(dgiBytes(profileDgi[fn.name], tlvBytes(0x4f, aidOctets(fn.isdP))), {});
    case "unsetEmergencyProfileAttribute":
      return storeBlocks(dgiBytes(0x3a09, new Uint8Array(0)), {});
    case "deleteProfile":
      return [command(0x80, 0xe4, 0x00, 0x40, tlvBytes(0x4f, aidOctets(fn.isdP)), true)];
    case "masterDelete": {
      const data = concatBytes(masterDeleteReference(fn.isdP, fn.reference), tlvBytes(0x9e, fn.token));
      return [command(0x80, 0xe4, 0x00, 0x40, data, true)];
    }
    case "auditStatus": {
      const aid = tlvBytes(0x4f, fn.isdP === undefined ? new Uint8Array(0) : aidOctets(fn.isdP));
      const data = fn.tags === undefined ? aid : concatBytes(aid, tagList(fn.tags));
      return [command(0x80, 0xf2, 0x40, fn.next === true ? 0x03 : 0x02, data, true)];
    }
    case "auditForwarded":
      return [getData(0xbf30, fn.tags)];
    case "auditResources":
    case "auditEid":
    case "auditKeys":
    case "auditCounter":
      return [getData(auditObjects[fn.name])];
    default:
      return personalization(fn);
  }
}

type AuditOrProfile =
  | "createISDP"
  | keyof typeof profileDgi
  | "unsetEmergencyProfileAttribute"
  | "deleteProfile"
  | "masterDelete"
  | "auditStatus"
  | "auditForwarded"
  | keyof typeof auditObjects;

function personalization(fn: Exclude<Es5Function, { name: AuditOrProfile }>): Uint8Array[] {
  switch (fn.name) {
    case "establishISDRKeySet":
      if (fn.part === 1) return storeBlocks(dgiBytes(0x3a01, fn.certificate), { response: true, more: true });
      return storeBlocks(keyEstablishmentBlock(fn), { response: true, firstBlock: fn.block ?? 1 });
    case "finaliseISDRhandover": {
      const ranges = fn.keep.map(({ kvn, first, last }) => tlvBytes(0xf2, Uint8Array.of(kvn, first, last)));
      return [command(0x80, 0xe4, 0x00, 0x00, concatBytes(...ranges), true)];
    }
    case "updateSMSRAddressingParameters":
      return storeBlocks(dgiBytes(0x3a07, encode(SmsrAddressing, fn.addressing)), {});
    case "updateConnectivityParameters":
      return storeBlocks(dgiBytes(0x3a07, encode(Connectivity, fn.connectivity)), {});
    case "updatePOL1":
      return [
        forPersonalization(fn.sd ?? ownIsdPAid),
        ...storeBlocks(dgiBytes(0x3a06, encode(Pol1Update, { rules: fn.pol1 })), {}),
      ];
    case "confirmNotification": {
      const sequence = tlvBytes(0x4e, Uint8Array.of((fn.sequence >> 8) & 0xff, fn.sequence & 0xff));
      return storeBlocks(dgiBytes(0x3a08, sequence), { response: true });
    }
    case "installForPersonalization":
      return [forPersonalization(fn.sd)];
  }
}
