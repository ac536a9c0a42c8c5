import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder, and those above it that are missing, for its owner alone. Where the system refuses one with "no such
 * file", as below /proc, Node's own recursive call never returns. @throws the system's error
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let above = folder; !existsSync(above); above = dirname(above)) missing.unshift(above);
  for (const one of missing) mkdirSync(one, { mode: 0o700 });
  // An existing path must be a folder.
  if (missing.length === 0) mkdirSync(folder, { recursive: true });
}
