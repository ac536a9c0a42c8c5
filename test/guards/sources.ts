import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { packageRoot } from "../../src/app/version.ts";

/** A file of the repository. */
export interface SourceFile {
  /** From the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

const generated = new Set(["node_modules", "dist", ".git", "coverage"]);

/** Every file below the folders whose name ends as wanted. */
export function filesBelow(folders: readonly string[], ending: RegExp): SourceFile[] {
  const found: SourceFile[] = [];
  const walk = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (generated.has(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (ending.test(entry.name))
        found.push({ path: relative(packageRoot, path), text: readFileSync(path, "utf8") });
    }
  };
  for (const folder of folders) walk(join(packageRoot, folder));
  return found;
}
