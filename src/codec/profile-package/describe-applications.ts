import { withoutUndefined } from "../../base/defined.ts";
import { toHex } from "../../base/hex.ts";
import { childOf, childrenOf, type PackageNode, type ProfileElement } from "./element.ts";
import { hexIn } from "./facts.ts";

/** A key of a security domain without its value. eUICC Profile Package §8.6.3 */
interface KeyFacts {
  /** Key version number and key identifier, hexadecimal. */
  readonly version?: string;
  readonly identifier?: string;
  readonly usage?: string;
  readonly access?: string;
  /** GP key type (80 DES, 85 PSK, 88 AES …), and the length of the value. */
  readonly components: readonly { readonly type?: string; readonly octets: number }[];
}

/** An instance of an application. eUICC Profile Package §8.7.3 */
interface InstanceFacts {
  readonly aid?: string;
  readonly loadPackage?: string;
  readonly class?: string;
  /** AID of the security domain to which it belongs, where the package states it. */
  readonly domain?: string;
  readonly privileges?: string;
  readonly lifeCycle?: string;
  /** Application parameters (C9). */
  readonly parameters?: string;
  readonly toolkitParameters?: string;
}

/** A security domain; the first one of a package is the MNO-SD. eUICC Profile Package §8.6 */
export interface DomainFacts extends InstanceFacts {
  /** Position of the element, from 1. */
  readonly element: number;
  readonly keys: readonly KeyFacts[];
  /** Records of personalization data (STORE DATA). */
  readonly storedData?: number;
}

/** A remote file management application. eUICC Profile Package §8.8 */
export interface RfmFacts {
  /** Position of the element, from 1. */
  readonly element: number;
  readonly aid?: string;
  readonly domain?: string;
  readonly tars: readonly string[];
  /** Minimum security level: an SPI1 octet. */
  readonly msl?: string;
  readonly access?: string;
  readonly adminAccess?: string;
  /** AID of the ADF that is selected by default. */
  readonly adf?: string;
}

/** A load file, instances of applications, or both. eUICC Profile Package §8.7 */
export interface ApplicationFacts {
  /** Position of the element, from 1. */
  readonly element: number;
  readonly loadPackage?: string;
  readonly domain?: string;
  readonly loadFileOctets?: number;
  readonly instances: readonly InstanceFacts[];
}

/** The security domain of a securityDomain element. */
export function domainsOf(element: ProfileElement): DomainFacts {
  const stored = childOf(element, "sdPersoData")?.children.length;
  return {
    element: element.position + 1,
    ...instanceOf(childOf(element, "instance")),
    keys: childrenOf(childOf(element, "keyList"), "key").map(keyOf),
    ...withoutUndefined({ storedData: stored }),
  };
}

function instanceOf(node: PackageNode | undefined): InstanceFacts {
  return withoutUndefined({
    aid: hexIn(childOf(node, "instanceAID")),
    loadPackage: hexIn(childOf(node, "applicationLoadPackageAID")),
    class: hexIn(childOf(node, "classAID")),
    domain: hexIn(childOf(node, "extraditeSecurityDomainAID")),
    privileges: hexIn(childOf(node, "applicationPrivileges")),
    lifeCycle: hexIn(childOf(node, "lifeCycleState")),
    parameters: hexIn(childOf(node, "applicationSpecificParametersC9")),
    toolkitParameters: hexIn(childOf(node, "applicationParameters", "uiccToolkitApplicationSpecificParametersField")),
  });
}

function keyOf(node: PackageNode): KeyFacts {
  return {
    ...withoutUndefined({
      version: hexIn(childOf(node, "keyVersionNumber")),
      identifier: hexIn(childOf(node, "keyIdentifier")),
      usage: hexIn(childOf(node, "keyUsageQualifier")),
      access: hexIn(childOf(node, "keyAccess")),
    }),
    components: childrenOf(childOf(node, "keyComponents"), "component").map((one) => ({
      ...withoutUndefined({ type: hexIn(childOf(one, "keyType")) }),
      octets: childOf(one, "keyData")?.value.length ?? 0,
    })),
  };
}

/** The remote file management of an rfm element; without a list, the TAR is in the AID. */
export function rfmsOf(element: ProfileElement): RfmFacts {
  const aid = childOf(element, "instanceAID");
  const listed = childrenOf(childOf(element, "tarList"), "TAR").map(({ value }) => toHex(value));
  const implied = aid !== undefined && aid.value.length >= 15 ? [toHex(aid.value.subarray(12, 15))] : [];
  return {
    element: element.position + 1,
    tars: listed.length > 0 ? listed : implied,
    ...withoutUndefined({
      aid: hexIn(aid),
      domain: hexIn(childOf(element, "securityDomainAID")),
      msl: hexIn(childOf(element, "minimumSecurityLevel")),
      access: hexIn(childOf(element, "uiccAccessDomain")),
      adminAccess: hexIn(childOf(element, "uiccAdminAccessDomain")),
      adf: hexIn(childOf(element, "adfRFMAccess", "adfAID")),
    }),
  };
}

/** The load file and instances of an application element. */
export function applicationsOf(element: ProfileElement): ApplicationFacts {
  const load = childOf(element, "loadBlock");
  return {
    element: element.position + 1,
    instances: childrenOf(childOf(element, "instanceList"), "instance").map(instanceOf),
    ...withoutUndefined({
      loadPackage: hexIn(childOf(load, "loadPackageAID")),
      domain: hexIn(childOf(load, "securityDomainAID")),
      loadFileOctets: childOf(load, "loadBlockObject")?.value.length,
    }),
  };
}
