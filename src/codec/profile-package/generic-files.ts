import { concatBytes } from "../../base/hex.ts";
import { isKeyFile } from "../secrets/key-files.ts";
import type { PackageNode, ProfileElement } from "./element.ts";
import { contentOf, filesOf, filledTo, type PackageFile } from "./package-files.ts";
import { valueWords } from "./value-words.ts";

/** Name of what fills a file, as a field. */
export const fileName = "content";

/** Files whose content identifies a subscriber and is no secret: EF.ICCID and EF.IMSI. */
const publicFiles: ReadonlySet<number> = new Set([0x2fe2, 0x6f07]);

/** A file of a genericFileManagement element as it is compared. */
export interface GenericFile {
  readonly fcp?: PackageNode;
  /** The commands that fill it. */
  readonly commands: Uint8Array;
  /** What they write, in words. */
  readonly content: string;
  /** It is certain that the content contains no key. */
  readonly isPublic: boolean;
}

/** Files of an element by folder and identifier; those of one name are numbered. */
export function genericFilesByName(element: ProfileElement): Map<string, GenericFile> {
  const found = new Map<string, GenericFile>();
  for (const file of filesOf(element)) {
    const name = nameOf(file);
    let number = 2;
    let free = name;
    while (found.has(free)) free = `${name} (${number++})`;
    found.set(free, genericFile(file));
  }
  return found;
}

function genericFile(file: PackageFile): GenericFile {
  const length = Math.min(filledTo(file), 64);
  const value = contentOf(file, length);
  return {
    commands: concatBytes(...file.fills.map(({ octets }) => octets)),
    content:
      filledTo(file) > length ? `${filledTo(file)} octets` : valueWords({ ...file.node, field: undefined, value }),
    isPublic: file.identifier !== undefined && publicFiles.has(file.identifier),
    ...(file.fcp === undefined ? {} : { fcp: file.fcp }),
  };
}

function nameOf({ folder, identifier }: PackageFile): string {
  const path = folder === undefined ? "" : `${folder.match(/.{4}/g)?.join("/") ?? "MF"}/`;
  return `${path}${identifier === undefined ? "?" : identifier.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Whether a file is one of those that hold keys, by its identifiers. 3GPP TS 31.102 §4.2, §4.4 */
export function holdsKeys({ folder, identifier }: PackageFile): boolean {
  return identifier !== undefined && isKeyFile(identifier, [Number.parseInt(folder?.slice(-4) ?? "", 16)]);
}
