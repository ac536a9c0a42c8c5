import { fromHex } from "../../base/hex.ts";
import type { ClassifiedCommand } from "../../codec/euicc/es5-classify.ts";
import { applicationText } from "../names.ts";
import { hex2, hex4 } from "../tree.ts";

type Function = ClassifiedCommand["function"];

const domain = (aid: string): string => applicationText(fromHex(aid));

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
  switch (fn.name) {
    case "createISDP":
      return `CreateISDP ${domain(fn.isdP)}${fn.quota === undefined ? "" : `, ${fn.quota} octets of memory`}`;
    case "enableProfile":
    case "disableProfile":
    case "setFallbackAttribute":
    case "setEmergencyProfileAttribute":
    case "deleteProfile":
    case "masterDelete":
      return `${upperFirst(fn.name)} ${domain(fn.isdP)}`;
    case "unsetEmergencyProfileAttribute":
      return "UnsetEmergencyProfileAttribute";
    case "auditStatus":
      return `audit: GET STATUS of ${fn.isdP === undefined ? "all" : domain(fn.isdP)}${fn.next === true ? ", next" : ""}`;
    case "auditResources":
      return "audit: GET DATA, card resources";
    case "auditEid":
      return "audit: GET DATA, EID";
    case "auditKeys":
      return "audit: GET DATA, key information";
    case "auditCounter":
      return "audit: GET DATA, sequence counter";
    case "auditForwarded":
      return `audit: GET DATA, forwarded CASD data${fn.tags === undefined ? "" : ` ${fn.tags.map(tagText).join(" ")}`}`;
    case "establishISDRKeySet":
      return fn.part === 1
        ? "key establishment 1 of 2: certificate"
        : `key establishment 2 of 2: key set ${hex2(fn.control.kvn)}`;
    case "finaliseISDRhandover":
      return `FinaliseISDRhandover, keep ${fn.keep.map(({ kvn, first, last }) => `KVN ${hex2(kvn)} ids ${first}-${last}`).join(", ")}`;
    case "updateSMSRAddressingParameters":
      return "UpdateSMSRAddressingParameters";
    case "updateConnectivityParameters":
      return "UpdateConnectivityParameters (ES8)";
    case "updatePOL1":
      return "UpdatePOL1 (ES6)";
    case "confirmNotification":
      return `HandleNotificationConfirmation, sequence ${fn.sequence}`;
    case "installForPersonalization":
      return `INSTALL [for personalization] of ${domain(fn.sd)}`;
    default:
      return undefined;
  }
}

/** Name of a GlobalPlatform command that is no ES5 function; undefined when it is unknown. */
export function otherWords(fn: Function): string | undefined {
  if (fn.name === "getData" && "tag" in fn) return `GET DATA ${hex4(fn.tag)}`;
  return others[fn.name];
}

function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function tagText(tag: number): string {
  return tag > 0xff ? hex4(tag) : hex2(tag);
}

const clauses: Readonly<Record<string, string>> = {
  createISDP: "SGP.02 §4.1.1.1",
  enableProfile: "SGP.02 §4.1.1.2",
  disableProfile: "SGP.02 §4.1.1.3",
  deleteProfile: "SGP.02 §4.1.1.4",
  auditStatus: "SGP.02 §4.1.1.5",
  auditResources: "SGP.02 §4.1.1.5",
  auditEid: "SGP.02 §4.1.1.5",
  auditKeys: "SGP.02 §4.1.1.5",
  auditCounter: "SGP.02 §4.1.1.5",
  auditForwarded: "SGP.02 §4.1.1.5",
  masterDelete: "SGP.02 §4.1.1.6",
  setFallbackAttribute: "SGP.02 §4.1.1.7",
  establishISDRKeySet: "SGP.02 §4.1.1.8",
  finaliseISDRhandover: "SGP.02 §4.1.1.9",
  updateSMSRAddressingParameters: "SGP.02 §4.1.1.10",
  confirmNotification: "SGP.02 §4.1.1.12",
  updateConnectivityParameters: "SGP.02 §4.1.3.4",
  updatePOL1: "SGP.02 §4.1.2",
};

/** Where a function is defined. */
export function es5Clause(fn: Function): string | undefined {
  return clauses[fn.name];
}
