import { codecError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import { childOf, type ProfileElement, type ProfilePackage } from "../element.ts";
import { filesOf, type PackageFile } from "../package-files.ts";

/** A file of the package with its element. */
export interface PlacedFile {
  readonly element: ProfileElement;
  readonly file: PackageFile;
  /** Its name in the standards: `EF.IMSI`. */
  readonly label: string;
}

/** A file by its field in a template and by its identifier elsewhere. */
export interface FileKind {
  readonly label: string;
  readonly field: string;
  readonly identifier: number;
  /** Octets of the file, or of its record, unless the package states them. TCA Profile Package, annex A */
  readonly length: number;
}

export const efIccid: FileKind = { label: "EF.ICCID", field: "ef-iccid", identifier: 0x2fe2, length: 10 };
export const efImsi: FileKind = { label: "EF.IMSI", field: "ef-imsi", identifier: 0x6f07, length: 9 };
export const efAcc: FileKind = { label: "EF.ACC", field: "ef-acc", identifier: 0x6f78, length: 2 };
export const efSpn: FileKind = { label: "EF.SPN", field: "ef-spn", identifier: 0x6f46, length: 17 };
export const efSmsp: FileKind = { label: "EF.SMSP", field: "ef-smsp", identifier: 0x6f42, length: 38 };
export const efMsisdn: FileKind = { label: "EF.MSISDN", field: "ef-msisdn", identifier: 0x6f40, length: 24 };

/** Elements whose files of these names belong to another application. */
const otherApplications: ReadonlySet<ProfileElement["type"]> = new Set(["csim", "opt-csim", "telecom", "cd"]);

/** Application of a USIM, without its country and provider. ETSI TS 101 220 §E */
const usimAid = "A0000000871002";

/**
 * Every file of a kind that the package fills or makes, in the elements that the position (from 1) selects. In an ADF of
 * another application than a USIM the identifiers stand for other files.
 */
export function filesOfKind(profile: ProfilePackage, kind: FileKind, position?: number): readonly PlacedFile[] {
  const others = foreignFolders(profile);
  return profile.elements.flatMap((element) => {
    if (position !== undefined && element.position + 1 !== position) return [];
    if (otherApplications.has(element.type)) return [];
    return filesOf(element)
      .filter((file) => (file.name === undefined ? isGeneric(file, kind, others) : file.name === kind.field))
      .filter(({ fcp, isFolder }) => !isFolder && childOf(fcp, "linkPath") === undefined)
      .map((file) => ({ element, file, label: kind.label }));
  });
}

function isGeneric({ identifier, folder }: PackageFile, kind: FileKind, others: ReadonlySet<string>): boolean {
  return identifier === kind.identifier && (folder === undefined || !others.has(folder.slice(0, 4)));
}

/** Identifiers of ADFs that are not those of a USIM. */
function foreignFolders({ elements }: ProfilePackage): ReadonlySet<string> {
  const found = new Set<string>();
  for (const element of elements) {
    for (const { fcp } of filesOf(element)) {
      const [name, identifier] = [childOf(fcp, "dfName"), childOf(fcp, "fileID")];
      if (name === undefined || identifier === undefined) continue;
      if (!toHex(name.value).startsWith(usimAid)) found.add(toHex(identifier.value));
    }
  }
  return found;
}

/**
 * Octets of a record of a file: as its descriptor states it, as the file of the same identifier that was made before, as
 * the template has it.
 * @throws codec.value where the package does not state it
 */
export function recordLength(
  profile: ProfilePackage,
  name: string,
  kind: FileKind,
  { file, label }: PlacedFile,
): number {
  const stated = statedRecord(file);
  if (stated !== undefined) return stated;
  if (file.name !== undefined) return kind.length;
  for (const element of profile.elements) {
    for (const made of filesOf(element)) {
      if (!made.created || made.identifier !== file.identifier || made.folder !== file.folder) continue;
      const length = statedRecord(made);
      if (length !== undefined) return length;
    }
  }
  const [first] = file.fills;
  if (first?.field?.id === "fillFileContent" && first.value.length > 0) return first.value.length;
  const message = `${name}: the package does not state the length of a record of ${label}`;
  throw codecError("codec.value", message, file.node.offset, { field: name });
}

/** Length of a record by the file descriptor. ETSI TS 102 222 §6.3.2.2.1 */
function statedRecord({ fcp }: PackageFile): number | undefined {
  const descriptor = childOf(fcp, "fileDescriptor")?.value;
  if (descriptor === undefined || descriptor.length < 4) return undefined;
  return (descriptor[2] ?? 0) * 256 + (descriptor[3] ?? 0);
}
