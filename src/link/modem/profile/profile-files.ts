import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { asGatewayError, GatewayError } from "../../../base/gateway-error.ts";
import { parseJson } from "../../../base/json.ts";
import { doubleKeys } from "../../../codec/text/json-keys.ts";
import { type FileProblem, type ProfileContent, ProfileSet } from "./profile.ts";

/** The folder of the package's profiles, for a run from the sources and from the build. */
export const shippedProfiles = join(packageFolder(dirname(fileURLToPath(import.meta.url))), "hardware-profiles");

function packageFolder(from: string): string {
  const above = dirname(from);
  return existsSync(join(from, "hardware-profiles")) || above === from ? from : packageFolder(above);
}

/**
 * Reads all profiles: those of the product, then those of the user's folders, which replace profiles of the same name.
 * A user's file that cannot be used is omitted, and {@link ProfileSet.problems} contains the reason.
 * @throws profile.invalid naming the file of the product
 */
export function loadProfiles(userFolders: readonly string[] = [], shipped = shippedProfiles): ProfileSet {
  const unread: FileProblem[] = [];
  const own = readableProfiles(userFolders, unread);
  return new ProfileSet([...profileContents([], shipped), ...own], unread);
}

/** The user's files that are JSON; why the others are not is added to `unread`. */
export function readableProfiles(
  userFolders: readonly string[],
  unread: FileProblem[] = [],
): readonly (ProfileContent & { readonly own: true })[] {
  return userFolders
    .flatMap((folder) => filesOf(folder, unread))
    .flatMap((path) => {
      try {
        return [{ ...readProfileFile(path), own: true as const }];
      } catch (error) {
        unread.push({ source: path, problem: asGatewayError(error).message });
        return [];
      }
    });
}

/**
 * The content of all profile files; later ones replace earlier ones. @throws profile.invalid for a file that is not
 * JSON
 */
export function profileContents(
  userFolders: readonly string[] = [],
  shipped = shippedProfiles,
): readonly ProfileContent[] {
  const folders = [join(shipped, "base"), join(shipped, "modems"), ...userFolders];
  return folders.flatMap((folder) => jsonFiles(folder)).map(readProfileFile);
}

/** One file's content, not yet checked. @throws profile.invalid when it cannot be read or is not JSON */
export function readProfileFile(source: string): { readonly source: string; readonly content: unknown } {
  try {
    const text = readFileSync(source, "utf8");
    const content = parseJson(text);
    const [double] = doubleKeys(text);
    if (double === undefined) return { source, content };
    throw new Error(`line ${double.line}: duplicate key ${JSON.stringify(double.key)} in one object`);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError("profile.invalid", `${source}: ${why}`, { detail: { source }, cause });
  }
}

function filesOf(folder: string, problems: FileProblem[]): string[] {
  if (!existsSync(folder)) problems.push({ source: folder, problem: `${folder}: no such folder` });
  return jsonFiles(folder);
}

function jsonFiles(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".json"));
    return files.map((entry) => join(entry.parentPath, entry.name)).sort();
  } catch {
    return [];
  }
}
