import { writeFileSync } from "node:fs";
import { unreadable } from "./input-file.ts";

/** Writes to the file that a flag names. @throws api.usage naming flag and file */
export function writeOutput(flag: string, file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw unreadable(`--${flag}`, file, cause, "written");
  }
}
