import { peStatus } from "../../euicc/euicc-response.ts";
import { childOf, type ProfilePackage } from "../element.ts";
import { headerOf, servicesOf, versionOf } from "../facts.ts";
import { type Finding, findingAt, findingOf } from "./finding.ts";

/** What is known about the card, from its EIS or otherwise; what is absent is not checked. */
export interface CardFacts {
  /** Newest version of the format that it installs: `2.3.1`. */
  readonly version?: string;
  /** Free memory for profiles, octets. */
  readonly memory?: number;
  /** Services by name: whether the card has them. */
  readonly services?: Readonly<Record<string, boolean>>;
}

/** Memory that a profile takes on a card, in octets of its package: a guess. */
const memoryFactor = 1.5;

/** What a certain card refuses. eUICC Profile Package §8.2.1 */
export function checkCard(profile: ProfilePackage, { version, memory, services = {} }: CardFacts): readonly Finding[] {
  const found: Finding[] = [];
  const header = headerOf(profile);
  const own = versionOf(header);
  if (header !== undefined && version !== undefined && own !== undefined && isNewer(own, version)) {
    const message = `version ${own} is newer than ${version}, which the card supports`;
    found.push(findingAt(header, "refused", peStatus.versionNotSupported, message, childOf(header, "major-version")));
  }
  if (header !== undefined) {
    for (const service of servicesOf(header)) {
      if (services[service] !== false) continue;
      const message = `the card does not have service ${service}`;
      found.push(findingAt(header, "refused", peStatus.featureNotSupported, message));
    }
  }
  const needed = Math.ceil(profile.octets.length * memoryFactor);
  if (memory !== undefined && needed > memory) {
    const severity = profile.octets.length > memory ? "refused" : "may be refused";
    const message = `the card has ${memory} octets free; the profile may take ${needed}`;
    found.push(findingOf(severity, peStatus.notEnoughMemory, 0, message));
  }
  return found;
}

/** Compares major and minor number; a revision does not matter. */
function isNewer(one: string, other: string): boolean {
  const [major = 0, minor = 0] = one.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split(".").map(Number);
  return major > otherMajor || (major === otherMajor && minor > otherMinor);
}
