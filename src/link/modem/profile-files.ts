import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { GatewayError } from "../../base/gateway-error.ts";
import { parseJson } from "../../base/json.ts";
import { ProfileSet } from "./profile.ts";

/** The folder that ships with the package, whether it runs from its sources or as built. */
export const shippedProfiles = join(packageFolder(dirname(fileURLToPath(import.meta.url))), "hardware-profiles");

function packageFolder(from: string): string {
  const above = dirname(from);
  return existsSync(join(from, "hardware-profiles")) || above === from ? from : packageFolder(above);
}

/**
 * Reads all profiles: those of the product, then those of the user's folders, which win by name.
 * @throws profile.invalid naming the file
 */
export function loadProfiles(userFolders: readonly string[] = [], shipped = shippedProfiles): ProfileSet {
  return new ProfileSet(profileContents(userFolders, shipped));
}

/** The content of all profile files, those that win last. @throws profile.invalid for a file that is no JSON */
export function profileContents(
  userFolders: readonly string[] = [],
  shipped = shippedProfiles,
): readonly { readonly source: string; readonly content: unknown }[] {
  const folders = [join(shipped, "base"), join(shipped, "modems"), ...userFolders];
  return folders.flatMap((folder) => jsonFiles(folder)).map(readProfileFile);
}

/** One file's content, not yet checked. @throws profile.invalid when it cannot be read or is no JSON */
export function readProfileFile(source: string): { readonly source: string; readonly content: unknown } {
  try {
    return { source, content: parseJson(readFileSync(source, "utf8")) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError("profile.invalid", `${source}: ${why}`, { detail: { source }, cause });
  }
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
