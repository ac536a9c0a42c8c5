import { writeFileSync } from "node:fs";
import { GatewayError } from "../../base/gateway-error.ts";

/** Writes what a flag names a file for. @throws api.usage naming flag and file */
export function writeOutput(flag: string, file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    const detail = { field: flag, file };
    throw new GatewayError("api.usage", `--${flag}: ${file} cannot be written`, { detail, cause });
  }
}
