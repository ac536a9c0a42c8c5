import { readFileSync } from "node:fs";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { defaultAddresses } from "../../../drivers/all.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { nearest } from "../../base/nearest.ts";
import { yamlTooDeep } from "../../base/yaml-depth.ts";
import { imeiText } from "../../codec/euicc/identity-shapes.ts";
import { Scp81Config } from "../scp81-service.ts";
import { ApiConfig } from "./api.ts";
import { knownScheme, noneTwice, portsOfTheirOwn } from "./checks.ts";
import { isLanguageCode } from "./language-codes.ts";
import { knownProfiles, ModemConfig, ModemDiscoveryConfig } from "./modems.ts";
import { RetentionConfig } from "./retention.ts";
import { SecretReference } from "./secret-reference.ts";
import { SmppFaceConfig, SmscAccountConfig } from "./smpp-face.ts";
import { configFile, defaultState } from "./state-folder.ts";
import { uniqueBy } from "./unique.ts";
import { UpstreamConfig } from "./upstream.ts";

const digits = z.string().regex(/^\+?[0-9]{1,20}$/, "digits, with or without +");
const durationMs = z.number().int().positive();

/** What the terminal tells cards in readers. */
const Terminal = z.strictObject({
  imei: imeiText.pipe(z.string().length(15, "an IMEI of 15 digits")).default("350000000000006"),
  imeisv: imeiText.pipe(z.string().length(16, "an IMEISV of 16 digits")).optional(),
  /** MCC and MNC, 5 or 6 digits. */
  plmn: z
    .string()
    .regex(/^[0-9]{5,6}$/)
    .default("00101"),
  areaCode: z.number().int().min(0).max(0xffff).default(1),
  cellId: z.number().int().min(0).max(0xfffffff).default(1),
  timeZoneQuarters: z.number().int().min(-48).max(56).default(0),
  language: z
    .string()
    .refine(isLanguageCode, "must be a language code of two lower-case letters (ISO 639-1), such as 'en'")
    .default("en"),
  /** TERMINAL PROFILE, hexadecimal; default: what this terminal does. */
  profile: z
    .string()
    .regex(/^([0-9a-fA-F]{2})+$/)
    .optional(),
});

/** How short messages to cards are made and how long answers may take. */
const Sms = z.strictObject({
  originator: digits.default("447700900000"),
  serviceCentre: digits.default("447700900999"),
  answerTimeoutMs: durationMs.default(300_000),
  envelopeAnswerTimeoutMs: durationMs.default(60_000),
  retransmissions: z.number().int().min(0).max(10).default(2),
});

/** The PC/SC side. */
const Readers = z.strictObject({
  enabled: z.boolean().default(true),
  /** Only readers whose name contains one of these; all when empty. */
  only: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
  /** Where readers are looked for; options as a query. */
  addresses: z.array(z.string().superRefine(knownScheme)).default([...defaultAddresses.readers]),
  client: z.enum(["auto", "socket", "pcsclite"]).optional(),
  socket: z.string().optional(),
});

/** Simulated hardware inside the daemon. */
const Simulate = z.strictObject({
  /** State files of simulated eUICCs, one reader each; made when missing. */
  euiccs: z.array(z.string()).superRefine(noneTwice).default([]),
});

/** The configuration of one daemon. */
export const Config = z
  .strictObject({
    version: z.literal(1).default(1),
    /** Folder for everything durable. */
    state: z.string().optional(),
    /** Key that seals the stored keys; made in the state folder when absent. */
    masterKey: SecretReference.optional(),
    log: z.strictObject({ level: z.enum(["debug", "info", "warn", "error"]).default("info") }).prefault({}),
    notifications: z.enum(["bench", "relay", "withhold"]).default("bench"),
    retention: RetentionConfig.prefault({}),
    terminal: Terminal.prefault({}),
    sms: Sms.prefault({}),
    readers: Readers.prefault({}),
    simulate: Simulate.prefault({}),
    api: ApiConfig.prefault({}),
    upstream: z.array(UpstreamConfig).superRefine(uniqueBy("name")).default([]),
    scp81: Scp81Config.prefault({}),
    modems: z.array(ModemConfig).superRefine(uniqueBy("name")).superRefine(portsOfTheirOwn).default([]),
    modemDiscovery: ModemDiscoveryConfig.prefault({}),
    smsc: z.array(SmscAccountConfig).superRefine(uniqueBy("name")).default([]),
    smppFace: SmppFaceConfig.prefault({}),
  })
  .superRefine(knownProfiles);
export type Config = z.infer<typeof Config>;

/**
 * Reads the configuration: the given file, else the first of {@link configPaths}, else defaults.
 * @throws config.unreadable, config.invalid naming the key
 */
export function loadConfig(
  path: string | undefined,
  env: NodeJS.ProcessEnv,
): { config: Config; path?: string; state: string } {
  const file = configFile(path, env);
  const config = parseConfig(file === undefined ? {} : readYaml(file), file);
  return {
    config,
    ...(file === undefined ? {} : { path: file }),
    state: env.OTAGATE_STATE ?? config.state ?? defaultState(env),
  };
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new GatewayError("config.unreadable", `cannot read ${file}`, { detail: { file }, cause });
  }
  const deep = yamlTooDeep(text);
  if (deep !== undefined) throw new GatewayError("config.invalid", `${file} is ${deep}`, { detail: { file } });
  try {
    return parse(text) ?? {};
  } catch (cause) {
    const where = cause instanceof YAMLParseError ? ` (line ${cause.linePos?.[0].line})` : "";
    throw new GatewayError("config.invalid", `${file}${where} is not valid YAML`, { detail: { file }, cause });
  }
}

/** Checks a parsed configuration. @throws config.invalid naming the first bad key, with the nearest valid one */
export function parseConfig(raw: unknown, file = "the configuration"): Config {
  const parsed = Config.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path.join(".") ?? "";
  if (issue?.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const hint = nearest(key, validKeys(issue.path));
    const full = at === "" ? key : `${at}.${key}`;
    throw new GatewayError(
      "config.invalid",
      `${file}: unknown key '${full}'${hint === undefined ? "" : `; did you mean '${hint}'?`}`,
      { detail: { file, key: full } },
    );
  }
  throw new GatewayError("config.invalid", `${file}: ${at === "" ? "" : `${at}: `}${issue?.message ?? "not valid"}`, {
    detail: { file, key: at },
  });
}

function validKeys(path: readonly PropertyKey[]): string[] {
  let schema: unknown = Config;
  for (const step of path) schema = shapeOf(schema)[String(step)];
  return Object.keys(shapeOf(schema));
}

function shapeOf(schema: unknown): Record<string, unknown> {
  let inner = schema;
  for (let depth = 0; depth < 5; depth++) {
    if (inner instanceof z.ZodObject) return inner.shape;
    if (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional || inner instanceof z.ZodDefault)
      inner = inner.unwrap();
    else if (inner instanceof z.ZodArray) inner = inner.element;
    else break;
  }
  return {};
}
