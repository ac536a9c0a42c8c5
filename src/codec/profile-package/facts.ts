import { isGatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { oidText } from "../euicc/certificate.ts";
import { type Iccid, type Imsi, iccidFromOctets, imsiFromOctets } from "../euicc/iccid.ts";
import {
  childOf,
  childrenOf,
  numberIn,
  type PackageNode,
  type ProfileElement,
  type ProfilePackage,
} from "./element.ts";
import { serviceNames } from "./elements/header.ts";
import { contentOf, filesOf, type PackageFile } from "./package-files.ts";

/** A value with the element in which it stands. */
interface Placed<T> {
  readonly element: ProfileElement;
  readonly value: T;
}

const efIccid = 0x2fe2;
const efImsi = 0x6f07;

/** Elements of a type, in their order. */
export function elementsOf({ elements }: ProfilePackage, type: ProfileElement["type"]): readonly ProfileElement[] {
  return elements.filter((element) => element.type === type);
}

/** The first profile header, wherever it stands. */
export function headerOf(profile: ProfilePackage): ProfileElement | undefined {
  return elementsOf(profile, "header")[0];
}

/** Version as `3.3`. */
export function versionOf(header: ProfileElement | undefined): string | undefined {
  const major = numberIn(childOf(header, "major-version"));
  const minor = numberIn(childOf(header, "minor-version"));
  return major === undefined || minor === undefined ? undefined : `${major}.${minor}`;
}

/** ICCID of the profile header: digits in order, filled up with F. eUICC Profile Package §8.2.1 */
export function headerIccid(header: ProfileElement | undefined): string | undefined {
  const octets = childOf(header, "iccid")?.value;
  return octets === undefined ? undefined : toHex(octets).replace(/F+$/, "");
}

/** Contents of every EF.ICCID of the package, as ICCIDs. */
export function fileIccids(profile: ProfilePackage): readonly Placed<Iccid | undefined>[] {
  return contentsOf(profile, "ef-iccid", efIccid).map(({ element, value }) => ({
    element,
    value: readable(() => iccidFromOctets(contentOf(value, 10))),
  }));
}

/** IMSI of every EF.IMSI that has one. */
export function fileImsis(profile: ProfilePackage): readonly Placed<Imsi>[] {
  return contentsOf(profile, "ef-imsi", efImsi).flatMap(({ element, value }) => {
    const imsi = readable(() => imsiFromOctets(contentOf(value, 9)));
    return imsi === undefined ? [] : [{ element, value: imsi }];
  });
}

/** Files with content, by their name in a template or by their identifier. */
function contentsOf({ elements }: ProfilePackage, name: string, identifier: number): readonly Placed<PackageFile>[] {
  return elements.flatMap((element) =>
    filesOf(element)
      .filter((file) => (file.name === undefined ? file.identifier === identifier : file.name === name))
      .filter(({ fills, fcp }) => fills.length > 0 || childOf(fcp, "proprietaryEFInfo") !== undefined)
      .map((value) => ({ element, value })),
  );
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

/** Services that the header demands, in their order; one without a name by its tag. */
export function servicesOf(header: ProfileElement | undefined): readonly string[] {
  const services = childOf(header, "eUICC-Mandatory-services")?.children ?? [];
  return services.map(({ field, tag }) => field?.id ?? `tag ${tag.toString(16).toUpperCase()}`);
}

/** Whether a service is one of the table. eUICC Profile Package §8.2.1 */
export function isKnownService(name: string): boolean {
  return serviceNames.includes(name);
}

/** Templates that the header demands, as object identifiers. */
export function templatesOf(header: ProfileElement | undefined): readonly string[] {
  return childrenOf(childOf(header, "eUICC-Mandatory-GFSTEList"), "template").map(oidOf);
}

/** The template of an element; undefined where it has none. */
export function templateOf(element: ProfileElement): string | undefined {
  const node = childOf(element, "templateID");
  return node === undefined ? undefined : oidOf(node);
}

function oidOf({ field, value }: PackageNode): string {
  const text = value.length > (field?.usual ?? 0) ? undefined : oidText(value);
  return text ?? `[${value.length} octets]`;
}

/** A value in hexadecimal, its length alone if it is a secret or may be one; undefined for an absent field. */
export function hexIn(node: PackageNode | undefined): string | undefined {
  if (node === undefined) return undefined;
  const { field, value } = node;
  return field === undefined || field.secret || value.length > field.usual ? `[${value.length} octets]` : toHex(value);
}
