import { writeFileSync } from "node:fs";
import { unreadable } from "./input-file.ts";

/** Writes what a flag names a file for. @throws api.usage naming flag and file */
export function writeOutput(flag: string, file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw unreadable(`--${flag}`, file, cause, "written");
  }
}
