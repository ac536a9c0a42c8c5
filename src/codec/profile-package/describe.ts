import { withoutUndefined } from "../../base/defined.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { readTlvs } from "../kit/ber.ts";
import { loginRanges } from "../secrets/login-secrets.ts";
import { withoutRanges } from "../secrets/secret-data.ts";
import { readBcdAddress, showAddress } from "../sms/address.ts";
import {
  type ApplicationFacts,
  applicationsOf,
  type DomainFacts,
  domainsOf,
  type RfmFacts,
  rfmsOf,
} from "./describe-applications.ts";
import { type AkaFacts, akaOf, type CodeFacts, codesOf } from "./describe-codes.ts";
import { childOf, childrenOf, type ProfileElement, type ProfilePackage } from "./element.ts";
import {
  elementsOf,
  fileIccids,
  fileImsis,
  headerIccid,
  headerOf,
  hexIn,
  servicesOf,
  templateOf,
  templatesOf,
  versionOf,
} from "./facts.ts";
import { filesOf } from "./package-files.ts";
import { templateName } from "./templates.ts";
import { pol1Words } from "./words.ts";

/** One element of a package. */
interface ElementFacts {
  /** Place in the package, from 1. */
  readonly position: number;
  readonly type: string;
  readonly offset: number;
  readonly octets: number;
  readonly identification?: number;
  readonly mandated?: boolean;
  readonly template?: string;
  /** Files that it makes. */
  readonly files?: number;
}

/** What a profile package contains, without its secrets. Offsets count octets from its start. */
export interface PackageDescription {
  readonly version?: string;
  readonly profileType?: string;
  /** Of the header. */
  readonly iccid?: string;
  /** Of EF.ICCID. */
  readonly iccidFile?: string;
  readonly imsi?: string;
  /** Every IMSI, with the position of its element. */
  readonly imsis: readonly { readonly imsi: string; readonly element: number }[];
  readonly pol1?: { readonly octets: string; readonly rules: readonly string[] };
  readonly services: readonly string[];
  readonly templates: readonly { readonly oid: string; readonly name?: string }[];
  readonly applicationsDemanded: readonly { readonly aid?: string; readonly version?: string }[];
  readonly connectivity?: { readonly octets: string; readonly serviceCentre?: string };
  readonly iotPix?: string;
  readonly aka: readonly AkaFacts[];
  readonly codes: readonly CodeFacts[];
  readonly securityDomains: readonly DomainFacts[];
  readonly rfm: readonly RfmFacts[];
  readonly applications: readonly ApplicationFacts[];
  readonly elements: readonly ElementFacts[];
  readonly files: number;
  readonly octets: number;
  /** Octets behind the end element. */
  readonly trailing: number;
}

/** What a package contains: everything but its keys, PINs and PUKs. */
export function describePackage(profile: ProfilePackage): PackageDescription {
  const header = headerOf(profile);
  const imsis = fileImsis(profile).map(({ element, value }) => ({ imsi: value, element: element.position + 1 }));
  const elements = profile.elements.map(elementFacts);
  return {
    ...headerFacts(header),
    ...withoutUndefined({ iccidFile: fileIccids(profile)[0]?.value, imsi: imsis[0]?.imsi }),
    imsis,
    services: servicesOf(header),
    templates: templatesOf(header).map((oid) => ({ oid, ...withoutUndefined({ name: templateName(oid) }) })),
    applicationsDemanded: demandedOf(header),
    aka: elementsOf(profile, "akaParameter").map(akaOf),
    codes: profile.elements.flatMap(codesOf),
    securityDomains: elementsOf(profile, "securityDomain").map(domainsOf),
    rfm: elementsOf(profile, "rfm").map(rfmsOf),
    applications: elementsOf(profile, "application").map(applicationsOf),
    elements,
    files: elements.reduce((sum, { files = 0 }) => sum + files, 0),
    octets: profile.octets.length,
    trailing: profile.trailing.length,
  };
}

function headerFacts(header: ProfileElement | undefined) {
  const type = childOf(header, "profileType");
  const pol = childOf(header, "pol")?.value;
  const connectivity = childOf(header, "connectivityParameters")?.value;
  return withoutUndefined({
    version: versionOf(header),
    profileType: type === undefined ? undefined : new TextDecoder().decode(type.value.subarray(0, 400)),
    iccid: headerIccid(header),
    pol1: pol === undefined ? undefined : { octets: toHex(pol.subarray(0, 8)), rules: pol1Words(pol[0] ?? 0) },
    connectivity: connectivity === undefined ? undefined : connectivityFacts(connectivity),
    iotPix: hexIn(childOf(header, "iotOptions", "pix")),
  });
}

function demandedOf(header: ProfileElement | undefined) {
  return childrenOf(childOf(header, "eUICC-Mandatory-AIDs"), "application").map((one) =>
    withoutUndefined({ aid: hexIn(childOf(one, "aid")), version: hexIn(childOf(one, "version")) }),
  );
}

/** SMS parameters hold the SMSC's address (06); logins of other bearers are zeros. SGP.02 §4.1.3.4, ETSI TS 102 223 §8.1 */
function connectivityFacts(octets: Uint8Array): NonNullable<PackageDescription["connectivity"]> {
  const shown = withoutRanges(octets, loginRanges(octets));
  return { octets: toHex(shown), ...withoutUndefined({ serviceCentre: serviceCentreOf(octets) }) };
}

function serviceCentreOf(octets: Uint8Array): string | undefined {
  try {
    const sms = readTlvs(octets).find(({ tag }) => tag === 0xa0);
    const address = readTlvs(sms?.value ?? new Uint8Array()).find(({ tag }) => tag === 0x06 || tag === 0x86);
    return address === undefined ? undefined : showAddress(readBcdAddress(address.value));
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

function elementFacts(element: ProfileElement): ElementFacts {
  const { position, type, offset, octets, header } = element;
  const files = filesOf(element).filter(({ created }) => created).length;
  return {
    position: position + 1,
    type: type === "unknown" ? `unknown (tag ${element.tag.toString(16).toUpperCase()})` : type,
    offset,
    octets: octets.length,
    ...withoutUndefined({ identification: header?.identification, mandated: header?.mandated }),
    ...withoutUndefined({ template: templateOf(element), files: files === 0 ? undefined : files }),
  };
}
