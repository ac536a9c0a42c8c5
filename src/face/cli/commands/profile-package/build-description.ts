import { parse } from "yaml";
import { z } from "zod";
import { withoutUndefined } from "../../../../base/defined.ts";
import { GatewayError, isGatewayError } from "../../../../base/gateway-error.ts";
import { firstIssue, strict } from "../../../../base/strict.ts";
import { yamlTooDeep } from "../../../../base/yaml-depth.ts";
import type { PackageOutline } from "../../../../codec/profile-package/build.ts";
import { parseValueName } from "../../../../codec/profile-package/personalize/value-name.ts";
import { readInput, valueOrFile } from "../../input-file.ts";

const keyType = z.enum(["aes", "3des"]);

/** Version of a key set: two hexadecimal digits, as in names of values. */
export const keyVersion = z
  .string()
  .regex(/^[0-9a-f]{1,2}$/i, "must be 1 or 2 hexadecimal digits, as 01 or 40")
  .transform((text) => Number.parseInt(text, 16));

const domain = {
  keyVersion: keyVersion.optional(),
  keyType: keyType.optional(),
  pskVersion: keyVersion.optional(),
  channels: z.string().optional(),
};

/** Texts only: a YAML parser would round ICCIDs, and read 01 as 1. */
const description = strict({
  format: z.string().optional(),
  algorithm: z.enum(["milenage", "tuak", "test"]).optional(),
  mnoSd: strict(domain).optional(),
  ssd: strict({ ...domain, aid: z.string().optional(), tar: z.string().optional() }).optional(),
  values: z.record(z.string(), z.string()).optional(),
});

/** A package to build, as far as it is described. */
type Description = z.output<typeof description>;

/** A description in JSON or YAML; values `@file` are read. @throws api.usage naming file and field, never a value */
export function readDescription(file: string): Description {
  const text = readInput("description", file);
  const deep = yamlTooDeep(text);
  if (deep !== undefined) throw refused(file, undefined, `is ${deep}`);
  const checked = description.safeParse(parsed(file, text));
  if (!checked.success) {
    const { field, message } = firstIssue(checked.error);
    throw refused(file, field, message);
  }
  const values = Object.entries(checked.data.values ?? {}).map(([name, value]): [string, string] => {
    assertName(file, name);
    return [name.trim().toLowerCase(), valueOrFile(`values.${name}`, value)];
  });
  return { ...checked.data, values: Object.fromEntries(values) };
}

function parsed(file: string, text: string): unknown {
  try {
    return parse(text, { schema: "failsafe" }) ?? {};
  } catch (cause) {
    // The parser's message quotes the line, which may contain a key.
    const at = cause instanceof Error && "linePos" in cause ? cause.linePos : undefined;
    const [place] = Array.isArray(at) ? at : [];
    const line = typeof place === "object" && place !== null && "line" in place ? ` (line ${place.line})` : "";
    throw refused(file, undefined, `cannot be read as YAML or JSON${line}`);
  }
}

function assertName(file: string, name: string): void {
  try {
    parseValueName(name);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    throw refused(file, "values", error.message);
  }
}

function refused(file: string, field: string | undefined, why: string): GatewayError {
  const message = field === undefined || field === "" ? `${file} ${why}` : `${file}: ${field}: ${why}`;
  return new GatewayError("api.usage", message, { detail: { file, ...(field === undefined ? {} : { field }) } });
}

/** The package of a description, with defaults where it has nothing: a PSK of the MNO-SD has version 40. */
export function outlineOf(described: Description): PackageOutline {
  const { format = "2.3", algorithm = "milenage", mnoSd = {}, ssd, values = {} } = described;
  const keys = (one: NonNullable<Description["ssd"]>) =>
    withoutUndefined({ ...one, keyVersion: one.keyVersion ?? 0x01, keyType: one.keyType ?? ("aes" as const) });
  const pskVersion = mnoSd.pskVersion ?? (values.psk === undefined ? undefined : 0x40);
  return {
    version: format,
    algorithm,
    mnoSd: keys({ ...mnoSd, pskVersion }),
    ...(ssd === undefined ? {} : { ssd: keys(ssd) }),
    values,
  };
}
