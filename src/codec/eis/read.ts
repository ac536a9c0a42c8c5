import type { Element } from "@xmldom/xmldom";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { octetsOrNone } from "../../base/octet-text.ts";
import { parseEid } from "../euicc/eid.ts";
import { eisDocuments } from "./documents.ts";
import { elements, parseXml, textOf } from "./xml.ts";

/** An EIS as plain values, in the shape in which targets are described; key values included. */
export interface EisDescription {
  readonly eid: string;
  readonly isdR: { readonly aid?: string; readonly keySets: readonly EisKeySet[] };
  readonly profiles: readonly Readonly<Record<string, unknown>>[];
  readonly [fact: string]: unknown;
}

export interface EisKeySet {
  readonly kvn: number;
  readonly type: "SCP80" | "SCP81" | "SCP03" | "token" | "receipt";
  readonly cntr?: number;
  readonly keys: readonly {
    readonly id: number;
    readonly type: string;
    readonly value: string;
    readonly kcv?: string;
  }[];
}

/** The Eis element of a document that has one. @throws target.invalid */
export function eisElement(document: string): Element {
  const root = parseXml(document).documentElement;
  const open: Element[] = root === null ? [] : [root];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.localName?.toLowerCase() === "eis") return next;
    open.push(...elements(next).reverse());
  }
  throw new GatewayError("target.invalid", "the XML has no Eis element", { detail: { field: "Eis" } });
}

/** The Eis elements of a document: its root, or those in an envelope around them. @throws target.invalid */
export function eisElements(text: string): Element[] {
  return [...eisDocuments(text)].flatMap((document) => (document === undefined ? [] : [eisElement(document)]));
}

/**
 * Reads an SGP.02 EIS whatever its namespace (v3, v4) and prefixes. Key sets whose values are withheld are left out.
 * @throws target.invalid naming the element (never a value: it may be a key)
 */
export function readEis(eis: Element): EisDescription {
  const signed = required(eis, "EumSignedInfo");
  const ecasd = elements(signed, "Ecasd")[0];
  const isdR = required(eis, "Isd-r");
  return {
    eid: readEid(requiredText(signed, "Eid", "EumSignedInfo.Eid")),
    ...texts(signed, {
      eumId: "Eum-id",
      productionDate: "ProductionDate",
      platformType: "PlatformType",
      platformVersion: "PlatformVersion",
      isdPLoadFileAid: "Isd-p-loadfile-aid",
      isdPModuleAid: "Isd-p-module-aid",
    }),
    ...(ecasd === undefined ? {} : { ecasd: readEcasd(ecasd) }),
    capabilities: Object.fromEntries(
      elements(signed, "EuiccCapabilities")
        .flatMap((group) => elements(group))
        .map((one) => [one.localName, one.textContent?.trim() ?? ""]),
    ),
    ...numbers(eis, { remainingMemory: "RemainingMemory", availableMemoryForProfiles: "AvailableMemoryForProfiles" }),
    ...texts(eis, { lastAuditDate: "LastAuditDate", smsrId: "Smsr-id" }),
    profiles: elements(eis, "ProfileInfo").map(readProfile),
    isdR: { ...texts(isdR, { aid: "Aid", sin: "Sin", sdin: "Sdin" }), keySets: readKeySets(isdR) },
    additionalProperties: Object.fromEntries(
      elements(eis, "AdditionalProperties")
        .flatMap((group) => elements(group, "Property"))
        .map((one) => [one.getAttribute("key") ?? "", one.getAttribute("value") ?? ""]),
    ),
  };
}

/** The certificate (7F21) in the part `ecasd` of an EIS in JSON; undefined without one in hexadecimal. GP Amendment E §4.5.2 */
export function ecasdCertificate(ecasd: unknown): Uint8Array | undefined {
  const certificate =
    typeof ecasd === "object" && ecasd !== null && "certificate" in ecasd ? ecasd.certificate : undefined;
  return octetsOrNone(certificate);
}

/** An EID in either of its forms as its digits; what is none is left for the import to refuse by name. */
function readEid(text: string): string {
  try {
    return parseEid(text);
  } catch (error) {
    if (isGatewayError(error)) return text;
    throw error;
  }
}

function readEcasd(ecasd: Element) {
  const certificates = elements(ecasd, "Keyset").flatMap((set) =>
    elements(set, "Certificate").map((certificate) => ({
      kvn: Number(textOf(set, "Version") ?? Number.NaN),
      ...texts(certificate, { caId: "CaId" }),
      value: (textOf(certificate, "Value") ?? "").replace(/\s+/g, "").toUpperCase(),
    })),
  );
  const [first] = certificates;
  return {
    ...texts(ecasd, { aid: "Aid", sin: "Sin", sdin: "Sdin" }),
    ...(first === undefined ? {} : { certificate: first.value, ...("caId" in first ? { caId: first.caId } : {}) }),
  };
}

function readProfile(info: Element, index: number): Readonly<Record<string, unknown>> {
  const at = `ProfileInfo ${index + 1}`;
  const subscription = elements(info, "SubscriptionAddress")[0];
  const state = word(requiredText(info, "State", `${at}.State`), states, `${at}.State`).toLowerCase();
  const rules = [...elements(info, "pol2"), ...elements(info, "Pol2")].flatMap((group) => elements(group, "Rule"));
  return {
    aid: requiredText(info, "Isd-p-aid", `${at}.Isd-p-aid`).toUpperCase(),
    ...iccidOf(textOf(info, "Iccid")),
    state,
    fallback: flag(textOf(info, "FallbackAttribute"), `${at}.FallbackAttribute`),
    ...texts(info, { mnoId: "Mno-id", smdpId: "Smdp-id", profileType: "ProfileType" }),
    ...(subscription === undefined ? {} : texts(subscription, { imsi: "Imsi", msisdn: "Msisdn" })),
    ...numbers(info, { allocatedMemory: "AllocatedMemory", freeMemory: "FreeMemory" }),
    ...(rules.length === 0 ? {} : { pol2: rules.map((rule) => readRule(rule, at)) }),
  };
}

function iccidOf(text: string | undefined): { iccid?: string } {
  const iccid = text?.replace(/[fF]+$/, "");
  return iccid === undefined || iccid === "" ? {} : { iccid };
}

function readRule(rule: Element, at: string): { action: string; qualification: string } {
  const subject = textOf(rule, "Subject") ?? "";
  if (subject !== "") word(subject, ["PROFILE"], `${at}.pol2.Subject`);
  const [action, qualification] = [`${at}.pol2.Action`, `${at}.pol2.Qualification`];
  return {
    action: word(requiredText(rule, "Action", action), ["ENABLE", "DISABLE", "DELETE"], action),
    qualification: word(requiredText(rule, "Qualification", qualification), qualifications, qualification),
  };
}

const states = ["Created", "Disabled", "Enabled"] as const;
const qualifications = ["Not-Allowed", "Auto-Delete"] as const;

/** One of the words that an element may have, as the standard writes it; letter case and what joins its parts do not matter. */
function word(text: string, known: readonly string[], field: string): string {
  const plain = (one: string) => one.toLowerCase().replace(/[ _-]/g, "");
  const found = known.find((one) => plain(one) === plain(text));
  if (found !== undefined) return found;
  throw new GatewayError("target.invalid", `${field}: must be one of ${known.join(", ")}`, { detail: { field } });
}

function flag(text: string | undefined, field: string): boolean {
  return text !== undefined && text !== "" && /^(true|1)$/i.test(word(text, ["true", "false", "1", "0"], field));
}

function readKeySets(domain: Element): EisKeySet[] {
  return elements(domain, "Keyset").flatMap((set, index): EisKeySet[] => {
    const kvn = Number(requiredText(set, "Version", `Isd-r.Keyset ${index + 1}.Version`));
    const field = `Isd-r.Keyset ${index + 1}`;
    const name = textOf(set, "Type") ?? "";
    const type =
      name === "" ? typeOf(undefined, kvn) : typeOf(word(name, [...keySetTypes, "CA"], `${field}.Type`), kvn);
    const keys = elements(set, "Key").flatMap((key) => readKey(key));
    const cntr = textOf(set, "Cntr");
    if (keys.length === 0) return [];
    if (type === undefined)
      throw new GatewayError("target.invalid", `${field}.Type: has keys, but is not one of ${keySetTypes.join(", ")}`, {
        detail: { field: `${field}.Type` },
      });
    return [{ kvn, type, ...(cntr === undefined || cntr === "" ? {} : { cntr: Number(cntr) }), keys }];
  });
}

function readKey(key: Element): EisKeySet["keys"][number][] {
  const [component, second] = elements(key, "KeyComponents");
  if (second !== undefined)
    throw new GatewayError(
      "target.invalid",
      "Isd-r.Keyset.Key.KeyComponents: duplicate; a key must have one component",
      {
        detail: { field: "Isd-r.Keyset.Key.KeyComponents" },
      },
    );
  const value = component?.getAttribute("value")?.replace(/\s+/g, "") ?? "";
  const kcv = key.getAttribute("kcv") ?? "";
  if (value === "") return [];
  const id = Number(textOf(key, "Index") ?? Number.NaN);
  return [{ id, type: component?.getAttribute("type") ?? "88", value, ...(kcv === "" ? {} : { kcv }) }];
}

const keySetTypes = ["SCP80", "SCP81", "SCP03", "TokenGeneration", "ReceiptVerification"] as const;

/** Type of a key set by its name, otherwise by its version. SGP.02 §2.2.5.1 */
function typeOf(name: string | undefined, kvn: number): EisKeySet["type"] | undefined {
  switch (name) {
    case "SCP80":
    case "SCP81":
    case "SCP03":
      return name;
    case "TokenGeneration":
      return "token";
    case "ReceiptVerification":
      return "receipt";
    case undefined:
      if (kvn >= 0x01 && kvn <= 0x0f) return "SCP80";
      if (kvn >= 0x30 && kvn <= 0x3f) return "SCP03";
      if (kvn >= 0x40 && kvn <= 0x4f) return "SCP81";
      return kvn === 0x70 ? "token" : kvn === 0x71 ? "receipt" : undefined;
    default:
      return undefined;
  }
}

function required(parent: Element, name: string): Element {
  const [found] = elements(parent, name);
  if (found === undefined) throw missing(name);
  return found;
}

function requiredText(parent: Element, name: string, field: string): string {
  const text = textOf(parent, name);
  if (text === undefined || text === "") throw missing(field);
  return text;
}

function missing(field: string): GatewayError {
  return new GatewayError("target.invalid", `${field}: is missing in the EIS`, { detail: { field } });
}

function texts(parent: Element, names: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([key, name]) => {
      const text = textOf(parent, name);
      return text === undefined || text === "" ? [] : [[key, text]];
    }),
  );
}

function numbers(parent: Element, names: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([key, name]) => {
      const text = textOf(parent, name);
      return text !== undefined && /^\d+$/.test(text) ? [[key, Number(text)]] : [];
    }),
  );
}
