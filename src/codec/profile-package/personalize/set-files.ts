import { codecError } from "../../../base/gateway-error.ts";
import { concatBytes, equalBytes, fromHex } from "../../../base/hex.ts";
import { iccidOctets, imsiOctets, parseIccid, parseImsi } from "../../euicc/iccid.ts";
import type { ProfilePackage } from "../element.ts";
import { headerOf } from "../facts.ts";
import { contentOf } from "../package-files.ts";
import type { Edits } from "./edits.ts";
import { writeFile } from "./file-content.ts";
import {
  efAcc,
  efIccid,
  efImsi,
  efMsisdn,
  efSmsp,
  efSpn,
  type FileKind,
  filesOfKind,
  type PlacedFile,
  recordLength,
} from "./find-files.ts";
import { alphaValue, hexValue, numberValue } from "./value-octets.ts";

/** A value for a package: its name as given, its text, and the element that it sets alone. */
export interface PackageValue {
  readonly name: string;
  readonly text: string;
  readonly position: number | undefined;
}

/** ICCID in the header (digits in order) and in every EF.ICCID (swapped). eUICC Profile Package §8.2.1 */
export function setIccid(edits: Edits, profile: ProfilePackage, { name, text, position }: PackageValue): void {
  const iccid = parseIccid(text);
  const header = headerOf(profile);
  if (header === undefined) throw missing(profile, name, "profile header");
  if (position === undefined || position === header.position + 1) {
    edits.field(name, header, "iccid", fromHex(iccid.padEnd(20, "F")));
  }
  for (const file of filesOfKind(profile, efIccid, position)) {
    writeFile(edits, name, file, { at: 0, octets: iccidOctets(iccid) });
  }
}

/** EF.IMSI, and EF.ACC by the last digit unless the class is a value of its own. 3GPP TS 31.102 §4.2.2, §4.2.15 */
export function setImsi(edits: Edits, profile: ProfilePackage, value: PackageValue, withClass: boolean): void {
  const { name, text, position } = value;
  const imsi = parseImsi(text);
  const files = filesOfKind(profile, efImsi, position);
  const former = files.map(({ file }) => contentOf(file, efImsi.length));
  assertSame(profile, value, efImsi.label, files, former);
  for (const file of files) writeFile(edits, name, file, { at: 0, octets: imsiOctets(imsi) });
  if (!withClass) return;
  const accessClass = 1 << Number(imsi.at(-1));
  for (const file of filesOfKind(profile, efAcc, position)) {
    writeFile(edits, name, file, { at: 0, octets: Uint8Array.of(accessClass >> 8, accessClass & 0xff) });
  }
}

/** EF.ACC as given. 3GPP TS 31.102 §4.2.15 */
export function setAccessClass(edits: Edits, profile: ProfilePackage, value: PackageValue): void {
  const octets = hexValue(value.name, value.text, [2]);
  for (const file of present(profile, efAcc, value)) writeFile(edits, value.name, file, { at: 0, octets });
}

/** Name in EF.SPN; the display condition stays. 3GPP TS 31.102 §4.2.12 */
export function setServiceProvider(edits: Edits, profile: ProfilePackage, value: PackageValue): void {
  const octets = alphaValue(value.name, value.text, 16);
  for (const file of present(profile, efSpn, value)) {
    const [condition = 0xff] = contentOf(file.file, 1);
    const whole = condition === 0xff ? concatBytes(new Uint8Array(1), octets) : octets;
    writeFile(edits, value.name, file, { at: 17 - whole.length, octets: whole });
  }
}

/** Service centre address in the first record of EF.SMSP; the rest of the record stays. 3GPP TS 31.102 §4.2.27 */
export function setServiceCentre(edits: Edits, profile: ProfilePackage, value: PackageValue): void {
  const address = numberValue(value.name, value.text);
  for (const file of present(profile, efSmsp, value)) {
    const { length, alpha } = record(profile, efSmsp, value, file, 28);
    const content = contentOf(file.file, length);
    content[alpha] = (content[alpha] ?? 0xff) & ~0x02;
    content.fill(0xff, alpha + 13, alpha + 25);
    content.set([address.length, ...address], alpha + 13);
    writeFile(edits, value.name, file, { at: alpha, octets: content.subarray(alpha, alpha + 25) });
  }
}

/** Number in the first record of EF.MSISDN; its name stays. 3GPP TS 31.102 §4.2.26 */
export function setMsisdn(edits: Edits, profile: ProfilePackage, value: PackageValue): void {
  const address = numberValue(value.name, value.text);
  for (const file of present(profile, efMsisdn, value)) {
    const { alpha } = record(profile, efMsisdn, value, file, 14);
    const octets = new Uint8Array(14).fill(0xff);
    octets.set([address.length, ...address]);
    writeFile(edits, value.name, file, { at: alpha, octets });
  }
}

/** Length of a record whose last `fixed` octets have a meaning behind a name of any length. */
function record(profile: ProfilePackage, kind: FileKind, { name }: PackageValue, file: PlacedFile, fixed: number) {
  const length = recordLength(profile, name, kind, file);
  if (length < fixed) {
    const message = `${name}: a record of ${kind.label} has ${length} octets, and ${fixed} are needed`;
    throw codecError("codec.length", message, file.file.node.offset, { field: name });
  }
  return { length, alpha: length - fixed };
}

function present(profile: ProfilePackage, kind: FileKind, { name, position }: PackageValue): readonly PlacedFile[] {
  const found = filesOfKind(profile, kind, position);
  if (found.length === 0) throw missing(profile, name, kind.label, position);
  return found;
}

/** The error of a value whose place the package does not have. */
export function missing(profile: ProfilePackage, name: string, what: string, position?: number) {
  const where = position === undefined ? "the package" : `element ${position}`;
  const offset = position === undefined ? profile.octets.length : (profile.elements[position - 1]?.offset ?? 0);
  return codecError("codec.tag", `${name}: ${where} has no ${what}`, offset, { field: name });
}

/** Several places are one value only if they agree now. @throws codec.tag without a place, codec.value for different ones */
export function assertSame(
  profile: ProfilePackage,
  { name, position }: PackageValue,
  what: string,
  places: readonly { readonly element: { readonly position: number; readonly offset: number } }[],
  former: readonly Uint8Array[],
): void {
  const [first] = former;
  if (first === undefined) throw missing(profile, name, what, position);
  const other = former.findIndex((octets) => !equalBytes(octets, first));
  if (other < 0) return;
  const elements = [...new Set(places.map(({ element }) => element.position + 1))];
  const hint = position === undefined ? `: choose one of them, as ${name}@${elements[0]}` : "";
  const message = `${name}: the package has different ${what}s in elements ${elements.join(", ")}${hint}`;
  throw codecError("codec.value", message, places[other]?.element.offset ?? 0, { field: name, elements });
}
