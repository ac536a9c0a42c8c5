import { isGatewayError } from "../../../base/gateway-error.ts";
import { peStatus } from "../../euicc/euicc-response.ts";
import { type ProfilePackage, readProfilePackage } from "../element.ts";
import type { EncodingFault } from "../tlv-head.ts";
import { checkApplications } from "./applications.ts";
import { checkAuthentication } from "./authentication.ts";
import { type CardFacts, checkCard } from "./card.ts";
import { checkCodes } from "./codes.ts";
import { checkFields } from "./fields.ts";
import { checkFiles } from "./files.ts";
import { type Finding, findingAt, findingOf, type Severity } from "./finding.ts";
import { checkHeader } from "./header.ts";
import { checkOrder } from "./order.ts";

/** Findings that are listed. */
const maxFindings = 500;

const severities: Readonly<Record<EncodingFault["kind"], Severity>> = {
  cut: "refused",
  tag: "refused",
  length: "refused",
  indefinite: "refused",
  "long-length": "odd",
};

/**
 * What a card would refuse of a profile package, in the order of its octets; octets that are not a package are a finding
 * too. eUICC Profile Package §8
 */
export function checkPackage(octets: Uint8Array, card: CardFacts = {}): readonly Finding[] {
  let profile: ProfilePackage;
  try {
    profile = readProfilePackage(octets);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    const { offset, position } = error.detail;
    const found = findingOf("refused", peStatus.invalidFormat, typeof offset === "number" ? offset : 0, error.message);
    return [typeof position === "number" ? { ...found, element: position + 1 } : found];
  }
  return checkProfile(profile, card);
}

/** The same for a package that was read. */
export function checkProfile(profile: ProfilePackage, card: CardFacts = {}): readonly Finding[] {
  const found = [
    ...profile.faults.map((fault) => faultFinding(profile, fault)),
    ...checkOrder(profile),
    ...checkHeader(profile),
    ...profile.elements.flatMap((element) => [...checkFields(element), ...checkFiles(element)]),
    ...checkCodes(profile),
    ...checkAuthentication(profile),
    ...checkApplications(profile),
    ...checkCard(profile, card),
  ];
  return found.sort((a, b) => a.offset - b.offset).slice(0, maxFindings);
}

function faultFinding({ elements }: ProfilePackage, { kind, offset, message }: EncodingFault): Finding {
  const element = elements.findLast((one) => one.offset <= offset);
  const status = kind === "long-length" ? undefined : peStatus.invalidFormat;
  if (element === undefined) return findingOf(severities[kind], status, offset, message);
  return { ...findingAt(element, severities[kind], status, message), offset, offsetInElement: offset - element.offset };
}

/** Whether a card is known to refuse the package. */
export function isRefused(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === "refused");
}
