import { peStatus } from "../../euicc/euicc-response.ts";
import { hexTag } from "../../kit/ber.ts";
import { childOf, childrenOf, numberIn, type ProfileElement, type ProfilePackage } from "../element.ts";
import {
  elementsOf,
  fileIccids,
  headerIccid,
  headerOf,
  isKnownService,
  servicesOf,
  templateOf,
  templatesOf,
  versionOf,
} from "../facts.ts";
import { templateByOid } from "../templates.ts";
import { type Finding, findingAt } from "./finding.ts";

/** Services that an element must exist for. */
const serviceElements: readonly (readonly [string, ProfileElement["type"]])[] = [
  ["usim", "usim"],
  ["isim", "isim"],
  ["csim", "csim"],
];

/** Newest version of the format whose rules are known here. */
const newest = { major: 3, minor: 3 };

/** Version, identity, and what the header demands of the card. eUICC Profile Package §8.2.1 */
export function checkHeader(profile: ProfilePackage): readonly Finding[] {
  const header = headerOf(profile);
  if (header === undefined) return [];
  return [
    ...versionFindings(header),
    ...identityFindings(profile, header),
    ...demandFindings(profile, header),
    ...profile.elements.flatMap(templateFindings),
  ];
}

function versionFindings(header: ProfileElement): readonly Finding[] {
  const node = childOf(header, "major-version");
  const major = numberIn(node);
  const minor = numberIn(childOf(header, "minor-version"));
  if (major === undefined || minor === undefined) return [];
  const known = major >= 2 && (major < newest.major || (major === newest.major && minor <= newest.minor));
  if (known) return [];
  const message = `version ${versionOf(header)} is not one from 2.0 to ${newest.major}.${newest.minor}`;
  return [findingAt(header, "may be refused", peStatus.versionNotSupported, message, node)];
}

function identityFindings(profile: ProfilePackage, header: ProfileElement): readonly Finding[] {
  const found: Finding[] = [];
  const node = childOf(header, "iccid");
  const iccid = headerIccid(header);
  if (iccid !== undefined && !/^(\d{18,20}|89[0-9A-E]{16,18})$/.test(iccid)) {
    found.push(findingAt(header, "odd", undefined, "the ICCID does not have 18 to 20 digits", node));
  }
  for (const { element, value } of fileIccids(profile)) {
    if (value === undefined) {
      found.push(findingAt(element, "odd", undefined, "the content of EF.ICCID is not an ICCID"));
    } else if (iccid !== undefined && value !== iccid) {
      const message = `EF.ICCID contains ${value}, the header ${iccid}`;
      found.push(findingAt(element, "odd", undefined, message));
    }
  }
  const pol = childOf(header, "pol");
  if (pol !== undefined && pol.value.length > 1) {
    found.push(findingAt(header, "odd", undefined, `POL1 has ${pol.value.length} octets`, pol));
  }
  const iot = childOf(header, "iotOptions");
  if (iot !== undefined && elementsOf(profile, "iot").length === 0) {
    found.push(findingAt(header, "may be refused", peStatus.badValues, "IoT options without an iot element", iot));
  }
  return found;
}

function demandFindings(profile: ProfilePackage, header: ProfileElement): readonly Finding[] {
  const found: Finding[] = [];
  const services = childOf(header, "eUICC-Mandatory-services");
  const names = servicesOf(header);
  for (const [index, name] of names.entries()) {
    if (isKnownService(name)) continue;
    const message = `service ${hexTag(services?.children[index]?.tag ?? 0)} is unknown`;
    found.push(findingAt(header, "may be refused", peStatus.featureNotSupported, message, services?.children[index]));
  }
  for (const [service, type] of serviceElements) {
    if (!names.includes(service)) continue;
    const types = service === "usim" ? [type, "iot", "genericFileManagement"] : [type, "genericFileManagement"];
    if (profile.elements.some((element) => types.includes(element.type))) continue;
    found.push(
      findingAt(header, "odd", undefined, `service ${service} is demanded, and no ${type} element follows`, services),
    );
  }
  const templates = childOf(header, "eUICC-Mandatory-GFSTEList");
  for (const [index, oid] of templatesOf(header).entries()) {
    if (templateByOid(oid) !== undefined) continue;
    const node = childrenOf(templates, "template")[index];
    const message = `template ${oid} is not one up to version 3.3.1`;
    found.push(findingAt(header, "may be refused", peStatus.templateNotSupported, message, node));
  }
  return found;
}

function templateFindings(element: ProfileElement): readonly Finding[] {
  const oid = templateOf(element);
  if (oid === undefined) return [];
  const node = childOf(element, "templateID");
  const template = templateByOid(oid);
  if (template === undefined) {
    const mandated = element.header?.mandated === true;
    const message = `template ${oid} is unknown${mandated ? ", and the element is mandated" : ""}`;
    return [findingAt(element, mandated ? "refused" : "may be refused", peStatus.templateNotSupported, message, node)];
  }
  if (template.element === element.type) return [];
  const message = `template ${oid} is that of ${template.element}`;
  return [findingAt(element, "may be refused", peStatus.templateNotSupported, message, node)];
}
