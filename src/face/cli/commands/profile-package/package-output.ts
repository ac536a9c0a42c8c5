import { writeFileSync } from "node:fs";
import { GatewayError } from "../../../../base/gateway-error.ts";
import { toHex } from "../../../../base/hex.ts";
import { parseValueName } from "../../../../codec/profile-package/personalize/value-name.ts";
import { unreadable, valueOrFile } from "../../input-file.ts";

/** Options of the commands that write packages. */
export interface OutputFlags {
  readonly output?: string;
  readonly hex?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** @throws api.usage if there is no place for a package */
export function assertOutput({ output, dryRun }: OutputFlags): void {
  if (output === undefined && dryRun !== true)
    throw new GatewayError("api.usage", "--output is required, or --dry-run", { detail: { field: "output" } });
}

/** Values of `--set`, where `@file` stands for the text of a file. @throws api.usage */
export function valuesOf(flags: readonly string[]): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const flag of flags) {
    const at = flag.indexOf("=");
    const name = flag.slice(0, at).trim().toLowerCase();
    if (at < 1) throw usage("--set: must be name=value");
    parseValueName(name);
    if (values.has(name)) throw usage(`--set: ${name} is set twice`);
    values.set(name, valueOrFile("--set", flag.slice(at + 1)));
  }
  return Object.fromEntries(values);
}

function usage(message: string): GatewayError {
  return new GatewayError("api.usage", message, { detail: { field: "set" } });
}

/** Only the user may read a package: it contains keys. */
export function writePackage(path: string, octets: Uint8Array, { hex, force }: OutputFlags): void {
  try {
    writeFileSync(path, hex === true ? `${toHex(octets)}\n` : octets, {
      mode: 0o600,
      flag: force === true ? "w" : "wx",
    });
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") {
      const message = `--output: ${path} exists; --force replaces it`;
      throw new GatewayError("api.usage", message, { detail: { field: "output", file: path }, cause });
    }
    throw unreadable("--output", path, cause, "written");
  }
}
