import { withoutUndefined } from "../../base/defined.ts";
import { isGatewayError } from "../../base/gateway-error.ts";

import { type Aid, isIsdPAid } from "../../codec/euicc/aid.ts";
import { readIccid } from "../../codec/euicc/iccid.ts";
import { cutPackage } from "../../codec/euicc/scp03t.ts";
import type { CardFacts } from "../../codec/profile-package/check/card.ts";
import { checkPackage, isRefused } from "../../codec/profile-package/check/check-package.ts";
import { describePackage } from "../../codec/profile-package/describe.ts";
import { readProfilePackage } from "../../codec/profile-package/element.ts";
import { sha256Text } from "../../crypto/digest.ts";
import type { DownloadOrder, PackageFacts } from "../model/download.ts";
import type { KeySetInfo } from "../model/key-set.ts";
import type { Target } from "../model/target.ts";
import type { ChainFinding } from "./credentials.ts";
import { storedFacts } from "./stored-facts.ts";

/** Something that the preflight found. An obstacle stops the download unless it is accepted by its code. */
export interface PreflightFinding {
  readonly code: string;
  readonly severity: "obstacle" | "warning";
  readonly message: string;
  /** Whether an obstacle can be accepted. */
  readonly acceptable: boolean;
}

/** What the preflight looks at; nothing of it is asked from the card. */
interface PreflightInput {
  readonly target: Target;
  readonly keySets: readonly KeySetInfo[];
  readonly octets: Uint8Array;
  readonly isdP: Aid;
  readonly order: DownloadOrder;
  readonly chain: readonly ChainFinding[];
  /** The target has a download that has not ended. */
  readonly underWay?: string;
}

/** Facts about a package, none of them secret; only its hash and size if it cannot be read. */
export function packageFacts(octets: Uint8Array, blockOctets: number): PackageFacts {
  const sha256 = sha256Text(octets);
  const size = { sha256, octets: octets.length, blocks: cutPackage(octets, blockOctets, { allowLarge: true }).length };
  try {
    const { version, profileType, iccid, imsi } = describePackage(readProfilePackage(octets));
    const known = iccid === undefined ? undefined : readIccid(iccid);
    return { ...size, ...withoutUndefined({ version, profileType, iccid: known, imsi }) };
  } catch (error) {
    if (isGatewayError(error)) return size;
    throw error;
  }
}

/** What speaks against a download, before anything is sent. Pure. SGP.02 §3.1.1 */
export function preflight(input: PreflightInput): PreflightFinding[] {
  return [
    ...input.chain.map(chainFinding),
    ...cardFindings(input),
    ...packageFindings(input),
    ...profileFindings(input),
  ];
}

/** The obstacles that the client does not accept. */
export function unacceptedObstacles(findings: readonly PreflightFinding[], accept: readonly string[]) {
  return findings.filter(
    ({ severity, acceptable, code }) => severity === "obstacle" && !(acceptable && accept.includes(code)),
  );
}

function chainFinding({ of, code, message, overridable }: ChainFinding): PreflightFinding {
  const severity = code === "unchecked" ? "warning" : "obstacle";
  return { code: `${of}-${code}`, severity, message, acceptable: overridable };
}

function obstacle(code: string, message: string, acceptable = true): PreflightFinding {
  return { code, severity: "obstacle", message, acceptable };
}

function cardFindings({ target, keySets, underWay, isdP }: PreflightInput): PreflightFinding[] {
  const found: PreflightFinding[] = [];
  if (underWay !== undefined) {
    const message = `a download to this card is under way: ${underWay}`;
    found.push(obstacle("under-way", message, false));
  }
  if (!keySets.some(({ type }) => type === "SCP81"))
    found.push(obstacle("scp81-keys", "the target has no SCP81 keys; packages are sent over HTTPS", false));
  const http = storedFacts(target).capabilities?.HttpSupport;
  if (http === false || http === "false" || http === "0")
    found.push(obstacle("https", "the EIS states that the card does not support HTTPS"));
  if (!isIsdPAid(isdP)) found.push(obstacle("aid-range", `${isdP} is not the AID of an ISD-P`, false));
  return found;
}

/** What the EIS states about the card, as far as packages depend on it. */
function cardFactsOf(target: Target): CardFacts {
  const { remainingMemory, additionalProperties } = storedFacts(target);
  return withoutUndefined({ memory: remainingMemory, version: additionalProperties?.profilePackageVersion });
}

function packageFindings({ octets, target }: PreflightInput): PreflightFinding[] {
  const findings = checkPackage(octets, cardFactsOf(target));
  const refused = findings.filter((one) => isRefused([one]));
  return refused.map(({ message, type, element, offset }) => {
    const where = type === undefined ? `offset ${offset}` : `element ${element} (${type}), offset ${offset}`;
    return obstacle("package", `${where}: ${message}`);
  });
}

function profileFindings({ target, octets, isdP, order }: PreflightInput): PreflightFinding[] {
  const found: PreflightFinding[] = [];
  const { iccid } = packageFacts(octets, order.blockOctets);
  if (target.esimProfiles.some(({ aid }) => aid === isdP))
    found.push(obstacle("aid-in-use", `the card has the ISD-P ${isdP} already`));
  const same = target.esimProfiles.find((profile) => iccid !== undefined && profile.iccid === iccid);
  if (same !== undefined)
    found.push(obstacle("iccid-in-use", `the card has a profile with ICCID ${iccid} already: ${same.aid}`));
  return found;
}
