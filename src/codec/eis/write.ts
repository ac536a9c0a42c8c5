import type { Document, Element } from "@xmldom/xmldom";
import { xmlText } from "../text/xml-text.ts";
import { serialized } from "./canonical.ts";
import { elements, parseXml } from "./xml.ts";

/** What an EIS states about a profile now. */
interface WrittenProfile {
  readonly aid: string;
  readonly iccid?: string;
  readonly imsi?: string;
  readonly msisdn?: string;
  readonly state: "created" | "disabled" | "enabled";
  readonly fallback: boolean;
  readonly mnoId?: string;
  readonly smdpId?: string;
  readonly profileType?: string;
  readonly allocatedMemory?: number;
  readonly freeMemory?: number;
  readonly pol2?: readonly { readonly action: string; readonly qualification: string }[];
}

/** An EIS to be written; key values are not part of it. */
export interface WrittenEis {
  readonly eid: string;
  readonly profiles: readonly WrittenProfile[];
  readonly facts: Readonly<Record<string, unknown>>;
  readonly keySets: readonly { readonly type: string; readonly kvn: number; readonly cntr: number }[];
}

const namespace = "http://namespaces.gsma.org/esim-messaging/3";

/**
 * The EIS as XML of SGP.02 v3, without a signature, which only the manufacturer can make. An element whose value is
 * unknown is omitted, even where the schema requires it: a reader must not take a filler for a fact. SGP.02 Annex A
 */
export function writeEis(eis: WrittenEis): string {
  const root = new Map(Object.entries(eis.facts));
  const text = (key: string) => String(root.get(key) ?? "");
  const ecasd = record(root.get("ecasd"));
  const body = [
    "<rps3:EumSignedInfo>",
    element("Eid", eis.eid),
    optional("Eum-id", text("eumId")),
    optional("ProductionDate", text("productionDate")),
    optional("PlatformType", text("platformType")),
    optional("PlatformVersion", text("platformVersion")),
    element("Isd-p-loadfile-aid", text("isdPLoadFileAid") || "A0000005591010FFFFFFFF8900000D00"),
    element("Isd-p-module-aid", text("isdPModuleAid") || "A0000005591010FFFFFFFF8900000E00"),
    `<rps3:Ecasd>${domain(ecasd, "ECASD", "A0000005591010FFFFFFFF8900000200")}${ecasdKeys(ecasd)}</rps3:Ecasd>`,
    `<rps3:EuiccCapabilities>${capabilities(record(root.get("capabilities")))}</rps3:EuiccCapabilities>`,
    "</rps3:EumSignedInfo>",
    optional("RemainingMemory", text("remainingMemory")),
    optional("AvailableMemoryForProfiles", text("availableMemoryForProfiles")),
    optional("LastAuditDate", root.get("lastAuditDate")),
    optional("Smsr-id", text("smsrId")),
    ...eis.profiles.map(profileInfo),
    `<rps3:Isd-r>${domain(record(root.get("isdR")), "ISD-R", "A0000005591010FFFFFFFF8900000100")}`,
    ...eis.keySets.map(keySet),
    "</rps3:Isd-r>",
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>\n<rps3:Eis xmlns:rps3="${namespace}">${body.join("")}</rps3:Eis>\n`;
}

/**
 * The imported document with what has changed since: memory, profiles, counters. What the manufacturer signed stays octet
 * for octet what it was, so that its signature verifies.
 */
export function updateEis(original: string, eis: WrittenEis): string {
  const document = parseXml(original);
  const root = document.documentElement;
  if (root === null) return writeEis(eis);
  const facts = new Map(Object.entries(eis.facts));
  for (const [name, key] of [
    ["RemainingMemory", "remainingMemory"],
    ["LastAuditDate", "lastAuditDate"],
  ] as const) {
    const [old] = elements(root, name);
    const value = facts.get(key);
    if (old !== undefined && value !== undefined) old.textContent = String(value);
  }
  updateCounters(root, eis);
  const before = elements(root, "ProfileInfo");
  const place = before[0] ?? elements(root, "Isd-r")[0] ?? null;
  for (const profile of eis.profiles) root.insertBefore(fragment(document, root, profileInfo(profile)), place);
  for (const old of before) root.removeChild(old);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${serialized(root)}\n`;
}

function updateCounters(root: Element, eis: WrittenEis): void {
  for (const set of elements(root, "Isd-r").flatMap((isdR) => elements(isdR, "Keyset"))) {
    const kvn = Number(elements(set, "Version")[0]?.textContent);
    const [cntr] = elements(set, "Cntr");
    const now = eis.keySets.find((one) => one.kvn === kvn && one.type === "SCP80")?.cntr;
    if (cntr !== undefined && now !== undefined) cntr.textContent = String(now);
  }
}

/** An element written by this file, in the document's own namespace and with its prefix. */
function fragment(document: Document, root: Element, text: string): Element {
  const uri = root.namespaceURI ?? "";
  const declaration = `xmlns:rps3="${xmlText(uri)}"`;
  const parsed = parseXml(`<w ${declaration}>${text}</w>`).documentElement;
  const [made] = parsed === null ? [] : elements(parsed);
  if (made === undefined) throw new Error("a profile is written as one element");
  return renamed(document, root.prefix ?? "", uri, made);
}

function renamed(document: Document, prefix: string, uri: string, from: Element): Element {
  const name = prefix === "" ? (from.localName ?? "") : `${prefix}:${from.localName}`;
  const to = uri === "" ? document.createElement(name) : document.createElementNS(uri, name);
  const inner = elements(from);
  if (inner.length === 0) to.textContent = from.textContent;
  for (const child of inner) to.appendChild(renamed(document, prefix, uri, child));
  return to;
}

function element(name: string, text: string): string {
  return `<rps3:${name}>${xmlText(text)}</rps3:${name}>`;
}

function optional(name: string, value: unknown): string {
  return value === undefined || value === "" ? "" : element(name, String(value));
}

const states = { created: "Created", disabled: "Disabled", enabled: "Enabled" } as const;

function profileInfo(profile: WrittenProfile): string {
  const { imsi, msisdn, pol2 = [] } = profile;
  const rules = pol2.map(
    ({ action, qualification }) =>
      `<rps3:Rule>${element("Subject", "PROFILE")}${element("Action", action)}${element("Qualification", qualification)}</rps3:Rule>`,
  );
  return [
    "<rps3:ProfileInfo>",
    optional("Iccid", profile.iccid),
    element("Isd-p-aid", profile.aid),
    optional("Mno-id", profile.mnoId),
    element("FallbackAttribute", String(profile.fallback)),
    `<rps3:SubscriptionAddress>${optional("Imsi", imsi)}${optional("Msisdn", msisdn?.replace(/^\+/, ""))}</rps3:SubscriptionAddress>`,
    element("State", states[profile.state]),
    optional("Smdp-id", profile.smdpId),
    optional("ProfileType", profile.profileType),
    optional("AllocatedMemory", profile.allocatedMemory),
    optional("FreeMemory", profile.freeMemory),
    `<rps3:pol2>${rules.join("")}</rps3:pol2>`,
    "</rps3:ProfileInfo>",
  ].join("");
}

function domain(facts: ReadonlyMap<string, unknown>, role: string, aid: string): string {
  const text = (key: string) => String(facts.get(key) ?? "");
  return `${element("Aid", text("aid") || aid)}${optional("Sin", text("sin"))}${optional("Sdin", text("sdin"))}${element("Role", role)}`;
}

function ecasdKeys(ecasd: ReadonlyMap<string, unknown>): string {
  const certificate = ecasd.get("certificate");
  if (typeof certificate !== "string") return "";
  const inner = `${element("Index", "1")}${element("CaId", String(ecasd.get("caId") ?? ""))}${element("Value", certificate)}`;
  return `<rps3:Keyset>${element("Version", "116")}${element("Type", "CA")}<rps3:Certificate>${inner}</rps3:Certificate></rps3:Keyset>`;
}

function capabilities(facts: ReadonlyMap<string, unknown>): string {
  return [...facts]
    .map(([name, value]) => (/^[A-Za-z][\w-]*$/.test(name) ? element(name, String(value)) : ""))
    .join("");
}

function keySet({ type, kvn, cntr }: WrittenEis["keySets"][number]): string {
  const names: Readonly<Record<string, string>> = { token: "TokenGeneration", receipt: "ReceiptVerification" };
  const counter = type === "SCP80" ? element("Cntr", String(cntr)) : "";
  return `<rps3:Keyset>${element("Version", String(kvn))}${element("Type", names[type] ?? type)}${counter}</rps3:Keyset>`;
}

function record(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}
