import { peStatus } from "../../euicc/euicc-response.ts";
import { childOf, childrenOf, type ProfileElement } from "../element.ts";
import { filesOf, filledTo, type PackageFile, statedSize } from "../package-files.ts";
import { type Finding, findingAt } from "./finding.ts";

/** Files that an element creates and fills. eUICC Profile Package §8.3 */
export function checkFiles(element: ProfileElement): readonly Finding[] {
  const files = filesOf(element);
  return [
    ...files.flatMap((file) => fileFindings(element, file)),
    ...(element.type === "genericFileManagement" ? [...pathFindings(element), ...repeatedFiles(element, files)] : []),
  ];
}

function fileFindings(element: ProfileElement, file: PackageFile): readonly Finding[] {
  const { name, fcp, fills, node } = file;
  const found: Finding[] = [];
  const isLink = childOf(fcp, "linkPath") !== undefined;
  const size = statedSize(fcp);
  if (size !== undefined && !isLink && filledTo(file) > size) {
    const message = `${nameOf(file)} is filled up to octet ${filledTo(file)}, and has ${size}`;
    found.push(findingAt(element, "may be refused", peStatus.badValues, message, node));
  }
  if (file.isFolder && fills.length > 0) {
    found.push(findingAt(element, "refused", peStatus.badValues, `${nameOf(file)} is a folder, and is filled`, node));
  }
  if (name === undefined) found.push(...genericFindings(element, file, isLink));
  else if (!file.created && node.children.length > 1) {
    const message = `${name} is not created, but described or filled`;
    found.push(findingAt(element, "may be refused", peStatus.badValues, message, node));
  }
  return found;
}

function nameOf({ name, identifier }: PackageFile): string {
  if (name !== undefined) return name;
  return identifier === undefined ? "the file" : `file ${identifier.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A file without a template needs everything in its FCP. eUICC Profile Package §8.3.5 */
function genericFindings(element: ProfileElement, file: PackageFile, isLink: boolean): readonly Finding[] {
  const { fcp, identifier, created, isFolder, node } = file;
  if (!created) {
    if (identifier !== undefined) return [];
    return [findingAt(element, "refused", peStatus.badValues, "content, but no file is selected", node)];
  }
  const missing = [
    identifier === undefined ? "a file identifier" : undefined,
    childOf(fcp, "fileDescriptor") === undefined && !isLink ? "a file descriptor" : undefined,
    childOf(fcp, "efFileSize") === undefined && !isFolder && !isLink ? "a file size" : undefined,
  ].filter((one) => one !== undefined);
  return missing.map((what) =>
    findingAt(element, "may be refused", peStatus.badValues, `${nameOf(file)} is created without ${what}`, node),
  );
}

/** A path consists of file identifiers. */
function pathFindings(element: ProfileElement): readonly Finding[] {
  return childrenOf(childOf(element, "fileManagementCMD"), "commands").flatMap((commands) =>
    childrenOf(commands, "filePath").flatMap((path) =>
      path.value.length % 2 === 0
        ? []
        : [findingAt(element, "refused", peStatus.badValues, "the path is not one of file identifiers", path)],
    ),
  );
}

function repeatedFiles(element: ProfileElement, files: readonly PackageFile[]): readonly Finding[] {
  const seen = new Set<string>();
  return files.flatMap((file) => {
    const { folder, identifier, created, node } = file;
    if (!created || folder === undefined || identifier === undefined) return [];
    const key = `${folder}/${identifier}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [findingAt(element, "refused", peStatus.badValues, `${nameOf(file)} is created twice in its folder`, node)];
  });
}
