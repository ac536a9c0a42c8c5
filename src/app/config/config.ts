import { readFileSync } from "node:fs";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { withoutUndefined } from "../../base/defined.ts";
import { checked, knownFields } from "../../base/field-words.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { nearest } from "../../base/nearest.ts";
import { yamlTooDeep } from "../../base/yaml-depth.ts";
import { reasonOf } from "../../face/cli/input-file.ts";
import { notificationMode } from "../../gateway/model/notification-mode.ts";
import { ApiConfig } from "./api.ts";
import { portsOfTheirOwn, uniqueBy } from "./checks.ts";
import { knownProfiles, ModemConfig, ModemDiscoveryConfig } from "./modems.ts";
import { ReadersConfig } from "./readers.ts";
import { RetentionConfig } from "./retention.ts";
import { Scp81Config } from "./scp81.ts";
import { SecretReference } from "./secret-reference.ts";
import { SimulateConfig } from "./simulate.ts";
import { SmDpConfig } from "./sm-dp.ts";
import { SmppFaceConfig } from "./smpp-face.ts";
import { SmsConfig } from "./sms.ts";
import { SmscAccountConfig } from "./smsc.ts";
import { configFile, defaultState, given } from "./state-folder.ts";
import { TerminalConfig } from "./terminal.ts";
import { UpstreamConfig } from "./upstream.ts";

/** The configuration of one daemon. */
export const Config = z
  .strictObject({
    version: z.literal(1).default(1),
    /** Folder for everything durable. */
    state: z.string().optional(),
    /** Key that seals the stored keys; created in the state folder if absent. */
    masterKey: SecretReference.optional(),
    log: z.strictObject({ level: z.enum(["debug", "info", "warn", "error"]).default("info") }).prefault({}),
    notifications: notificationMode.default("local"),
    retention: RetentionConfig.prefault({}),
    terminal: TerminalConfig.prefault({}),
    sms: SmsConfig.prefault({}),
    readers: ReadersConfig.prefault({}),
    simulate: SimulateConfig.prefault({}),
    api: ApiConfig.prefault({}),
    upstream: z.array(UpstreamConfig).superRefine(uniqueBy("name")).default([]),
    scp81: Scp81Config.prefault({}),
    modems: z.array(ModemConfig).superRefine(uniqueBy("name")).superRefine(portsOfTheirOwn).default([]),
    modemDiscovery: ModemDiscoveryConfig.prefault({}),
    smsc: z.array(SmscAccountConfig).superRefine(uniqueBy("name")).default([]),
    smDp: z.array(SmDpConfig).superRefine(uniqueBy("name")).default([]),
    smppFace: SmppFaceConfig.prefault({}),
  })
  .superRefine(knownProfiles);
export type Config = z.infer<typeof Config>;

/**
 * Reads the configuration: the given file, otherwise the first of {@link configPaths}, otherwise defaults.
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
    ...withoutUndefined({ path: file }),
    state: given(env.OTAGATE_STATE) ?? config.state ?? defaultState(env),
  };
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new GatewayError("config.unreadable", `cannot read ${file}${reasonOf(cause)}`, { detail: { file }, cause });
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
  const parsed = checked(Config, raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path.join(".") ?? "";
  if (issue?.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const hint = nearest(key, knownFields(Config, issue.path));
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
