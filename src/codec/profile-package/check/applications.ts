import { toHex } from "../../../base/hex.ts";
import { peStatus } from "../../euicc/euicc-response.ts";
import {
  childOf,
  childrenOf,
  numberIn,
  type PackageNode,
  type ProfileElement,
  type ProfilePackage,
} from "../element.ts";
import { elementsOf } from "../facts.ts";
import { applicationAids } from "./authentication.ts";
import { type Finding, findingAt, findingOf } from "./finding.ts";

/** Lengths of key values by GP key type; types without an entry are not judged. GP Card Specification §11.1.8 */
const keyLengths: Readonly<Record<number, readonly number[]>> = {
  128: [8, 16, 24],
  130: [8, 16, 24],
  136: [16, 24, 32],
};

/** Security domains, their keys, RFM and applications. eUICC Profile Package §8.6 to §8.8 */
export function checkApplications(profile: ProfilePackage): readonly Finding[] {
  const domains = elementsOf(profile, "securityDomain");
  return [
    ...issuerDomain(profile, domains),
    ...domains.flatMap(keyFindings),
    ...dependents(profile, domains),
    ...repeatedInstances(profile),
    ...elementsOf(profile, "rfm").flatMap((element) => rfmFindings(profile, element)),
  ];
}

/** The first security domain is the MNO-SD; RFM, applications and other domains stand behind it. */
function issuerDomain({ elements, octets }: ProfilePackage, domains: readonly ProfileElement[]): readonly Finding[] {
  const [first] = domains;
  const users = elements.filter(({ type }) => type === "rfm" || type === "application");
  if (first === undefined) {
    if (elements.length < 2) return [];
    return [findingOf("may be refused", undefined, octets.length, "the package has no security domain: no MNO-SD")];
  }
  const found = users
    .filter(({ position }) => position < first.position)
    .map((element) => findingAt(element, "refused", peStatus.invalidFormat, "it stands before the MNO-SD"));
  const domain = childOf(first, "instance", "extraditeSecurityDomainAID");
  if (domain !== undefined) {
    const message = "the MNO-SD belongs to itself and names no security domain";
    found.push(findingAt(first, "may be refused", peStatus.badValues, message, domain));
  }
  if (childOf(first, "keyList") === undefined && childOf(first, "sdPersoData") === undefined) {
    found.push(findingAt(first, "odd", undefined, "the MNO-SD has no keys"));
  }
  return found;
}

function keyFindings(element: ProfileElement): readonly Finding[] {
  const found: Finding[] = [];
  const seen = new Set<string>();
  for (const key of childrenOf(childOf(element, "keyList"), "key")) {
    const version = childOf(key, "keyVersionNumber");
    const identifier = childOf(key, "keyIdentifier");
    if (version === undefined || identifier === undefined) continue;
    const name = `${toHex(version.value.subarray(0, 1))}-${toHex(identifier.value.subarray(0, 1))}`;
    if (seen.has(name))
      found.push(findingAt(element, "refused", peStatus.badValues, `key ${name} stands there twice`, key));
    seen.add(name);
    if ((version.value[0] ?? 1) === 0 || (version.value[0] ?? 1) > 0x7f) {
      found.push(findingAt(element, "may be refused", peStatus.badValues, `key ${name}: no such version`, version));
    }
    found.push(...componentFindings(element, key, name));
  }
  return found;
}

function componentFindings(element: ProfileElement, key: PackageNode, name: string): readonly Finding[] {
  const types = new Set<number>();
  return childrenOf(childOf(key, "keyComponents"), "component").flatMap((component) => {
    const type = numberIn(childOf(component, "keyType"));
    if (type === undefined) return [];
    const data = childOf(component, "keyData");
    const repeated = types.has(type);
    types.add(type);
    const found: Finding[] = [];
    if (repeated) {
      const message = `key ${name} has two components of one type`;
      found.push(findingAt(element, "refused", peStatus.badValues, message, component));
    }
    const lengths = keyLengths[type];
    if (lengths !== undefined && data !== undefined && !lengths.includes(data.value.length)) {
      const message = `key ${name} has ${data.value.length} octets, not ${lengths.join(", ")}`;
      found.push(findingAt(element, "refused", peStatus.badValues, message, data));
    }
    return found;
  });
}

/** Security domains that RFM and applications name must stand before them. */
function dependents({ elements }: ProfilePackage, domains: readonly ProfileElement[]): readonly Finding[] {
  const aids = domains.map((domain) => ({
    position: domain.position,
    aid: toHex(childOf(domain, "instance", "instanceAID")?.value ?? new Uint8Array()),
  }));
  return elements.flatMap((element) =>
    domainsNamed(element).flatMap((node) => {
      const before = aids.some(({ aid, position }) => position < element.position && aid === toHex(node.value));
      if (before) return [];
      const message = "no security domain of this AID stands before it";
      return [findingAt(element, "may be refused", peStatus.badValues, message, node)];
    }),
  );
}

function domainsNamed(element: ProfileElement): readonly PackageNode[] {
  const instances = childrenOf(childOf(element, "instanceList"), "instance");
  return [
    childOf(element, "securityDomainAID"),
    childOf(element, "loadBlock", "securityDomainAID"),
    ...instances.map((instance) => childOf(instance, "extraditeSecurityDomainAID")),
  ].filter((node) => node !== undefined);
}

/** An AID is that of one instance only. */
function repeatedInstances({ elements }: ProfilePackage): readonly Finding[] {
  const seen = new Set<string>();
  return elements.flatMap((element) => {
    const instances = childrenOf(childOf(element, "instanceList"), "instance");
    const nodes = [
      childOf(element, "instanceAID"),
      childOf(element, "instance", "instanceAID"),
      ...instances.map((instance) => childOf(instance, "instanceAID")),
    ].filter((node) => node !== undefined);
    return nodes.flatMap((node) => {
      const aid = toHex(node.value);
      if (!seen.has(aid)) {
        seen.add(aid);
        return [];
      }
      return [findingAt(element, "refused", peStatus.badValues, "another instance has this AID", node)];
    });
  });
}

function rfmFindings(profile: ProfilePackage, element: ProfileElement): readonly Finding[] {
  const found: Finding[] = [];
  const aid = childOf(element, "instanceAID");
  if (childOf(element, "tarList") === undefined && aid !== undefined && aid.value.length < 15) {
    const message = "there is no list of TARs, and the AID is too short to contain one";
    found.push(findingAt(element, "refused", peStatus.badValues, message, aid));
  }
  const adf = childOf(element, "adfRFMAccess", "adfAID");
  if (adf === undefined) return found;
  const position = applicationAids(profile).get(toHex(adf.value));
  if (position === undefined || position > element.position) {
    const message = "no application of this AID stands before it";
    found.push(findingAt(element, "may be refused", peStatus.badValues, message, adf));
  }
  return found;
}
