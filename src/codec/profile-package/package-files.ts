import { withoutUndefined } from "../../base/defined.ts";
import { toHex } from "../../base/hex.ts";
import { unsignedOf } from "../kit/unsigned.ts";
import { childOf, childrenOf, numberIn, type PackageNode, type ProfileElement } from "./element.ts";
import { isTemplateElement } from "./elements/table.ts";

/** A file that an element makes or fills. */
export interface PackageFile {
  /** Its field in an element with a template, as `ef-imsi`; undefined for a file by its identifier. */
  readonly name?: string;
  /** Identifier, where the package states it. */
  readonly identifier?: number;
  /** Folder by the identifiers from the MF on, as `7FF05F3B`; absent where the element does not select one. */
  readonly folder?: string;
  /** What creates it; absent where it is only filled, or where the template supplies everything. */
  readonly fcp?: PackageNode;
  readonly isFolder: boolean;
  /** `skip` and `content` commands, in their order. */
  readonly fills: readonly PackageNode[];
  /** The element makes it. */
  readonly created: boolean;
  /** The field, or the first command. */
  readonly node: PackageNode;
}

/** Files of an element in their order; none for an element without files. eUICC Profile Package §8.3 */
export function filesOf(element: ProfileElement): readonly PackageFile[] {
  if (element.type === "genericFileManagement") return genericFiles(element);
  return isTemplateElement(element.type) ? element.children.flatMap(templateFile) : [];
}

/** A field makes one file, or several, each with its own descriptor. */
function templateFile(field: PackageNode): readonly PackageFile[] {
  if (field.field?.type.is !== "list") return [];
  const { name } = field.field;
  const common = { name, isFolder: !name.startsWith("ef-"), created: childOf(field, "doNotCreate") === undefined };
  const found: Open[] = [];
  for (const node of field.children) {
    const isDescriptor = node.field?.id === "fileDescriptor";
    if (isDescriptor || found.length === 0)
      found.push({ file: { ...common, node: field, ...facts(isDescriptor ? node : undefined) }, fills: [] });
    if (isFill(node)) found.at(-1)?.fills.push(node);
  }
  return found.length === 0 ? [{ ...common, node: field, fills: [] }] : found.map(fileOf);
}

function fileOf({ file, fills }: Open): PackageFile {
  return { ...file, fills };
}

function facts(fcp: PackageNode | undefined): Pick<PackageFile, "fcp" | "identifier"> {
  if (fcp === undefined) return {};
  const identifier = childOf(fcp, "fileID");
  return {
    fcp,
    ...withoutUndefined({ identifier: identifier?.value.length === 2 ? numberIn(identifier) : undefined }),
  };
}

function isFill({ field }: PackageNode): boolean {
  return field?.id === "fillFileOffset" || field?.id === "fillFileContent";
}

/** Whether an FCP makes a folder: by its descriptor, or by its DF name. ETSI TS 102 222 §6.3.2.2.2 */
function makesFolder(fcp: PackageNode): boolean {
  const descriptor = childOf(fcp, "fileDescriptor")?.value[0];
  return descriptor === undefined ? childOf(fcp, "dfName") !== undefined : (descriptor & 0x38) === 0x38;
}

/** A file while its commands are followed. */
interface Open {
  readonly file: Omit<PackageFile, "fills">;
  readonly fills: PackageNode[];
}

/** Follows the commands of a genericFileManagement: a path selects, a created file is selected, content fills it. */
function genericFiles(element: ProfileElement): readonly PackageFile[] {
  const found: Open[] = [];
  let folder: string | undefined;
  let open: Open | undefined;
  const begin = (file: Open["file"]): Open => {
    const begun = { file, fills: [] };
    found.push(begun);
    return begun;
  };
  const commands = childrenOf(childOf(element, "fileManagementCMD"), "commands").flatMap(({ children }) => children);
  for (const node of commands) {
    if (node.field?.id === "filePath") {
      folder = toHex(node.value);
      open = undefined;
    } else if (node.field?.id === "createFCP") {
      const isFolder = makesFolder(node);
      open = begin({ node, isFolder, created: true, ...(folder === undefined ? {} : { folder }), ...facts(node) });
      if (isFolder) folder = createdFolder(open.file, folder);
    } else if (isFill(node)) {
      open ??= begin(selectedFile(node, folder));
      open.fills.push(node);
    }
  }
  return found.map(fileOf);
}

/** Path of a folder that was created: an ADF stands beside the MF. */
function createdFolder({ fcp, identifier }: Open["file"], folder: string | undefined): string | undefined {
  if (identifier === undefined || folder === undefined) return undefined;
  if (identifier === 0x3f00) return "";
  return childOf(fcp, "dfName") === undefined ? folder + hex4(identifier) : hex4(identifier);
}

/** The file that a path selected and that is filled without being created. */
function selectedFile(node: PackageNode, path: string | undefined): Open["file"] {
  const file = { node, isFolder: false, created: false };
  if (path === undefined || path.length < 4) return file;
  return { ...file, folder: path.slice(0, -4), identifier: Number.parseInt(path.slice(-4), 16) };
}

function hex4(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, "0");
}

/** The first `count` octets of a file's content: its pattern, then what is filled in; FF elsewhere. */
export function contentOf({ fcp, fills }: PackageFile, count: number): Uint8Array {
  const content = patternOf(fcp, count);
  let at = 0;
  for (const { field, value } of fills) {
    if (at >= count) break;
    if (field?.id === "fillFileOffset") at += unsignedOf(value.subarray(0, 4)) ?? 0;
    else {
      content.set(value.subarray(0, count - at), at);
      at += value.length;
    }
  }
  return content;
}

/** A fill pattern ends with repetitions of its last octet; a repeat pattern begins again. ETSI TS 102 222 §6.3.2.2.2 */
function patternOf(fcp: PackageNode | undefined, count: number): Uint8Array {
  const proprietary = childOf(fcp, "proprietaryEFInfo");
  const fill = childOf(proprietary, "fillPattern")?.value;
  const repeat = childOf(proprietary, "repeatPattern")?.value;
  const content = new Uint8Array(count).fill(0xff);
  if (fill !== undefined && fill.length > 0) return content.map((_, at) => fill[Math.min(at, fill.length - 1)] ?? 0xff);
  if (repeat !== undefined && repeat.length > 0) return content.map((_, at) => repeat[at % repeat.length] ?? 0xff);
  return content;
}

/** Octets that the commands of a file reach, from its start. */
export function filledTo({ fills }: PackageFile): number {
  return fills.reduce(
    (end, node) => end + (node.field?.id === "fillFileOffset" ? (numberIn(node) ?? 0) : node.value.length),
    0,
  );
}

/** Size that an FCP states, octets. */
export function statedSize(fcp: PackageNode | undefined): number | undefined {
  return numberIn(childOf(fcp, "efFileSize"));
}
