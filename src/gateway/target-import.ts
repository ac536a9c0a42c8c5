import { z } from "zod";
import { GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { newId } from "../base/id.ts";
import { Secret } from "../base/secret.ts";
import { parseAid } from "../codec/euicc/aid.ts";
import { eidCheckDigitsOk, parseEid } from "../codec/euicc/eid.ts";
import { type KeySet, maxCounter } from "./key-set.ts";
import type { EsimProfile, Target } from "./target.ts";

const hex = (octets: string) => z.string().regex(new RegExp(`^([0-9a-fA-F]{2}){${octets}}$`), "hexadecimal octets");
const keyValue = hex("8,64");
const cntr = z.union([
  z.number().int().min(0).max(maxCounter),
  z
    .string()
    .regex(/^[0-9a-fA-F]{1,10}$/)
    .transform((text) => Number.parseInt(text, 16)),
]);

const Key = z.strictObject({ id: z.number().int().min(0).max(127), type: z.string().optional(), value: keyValue });

/** A key set as given from outside, values included. */
export const KeySetShape = z.strictObject({
  kvn: z.number().int().min(1).max(127),
  type: z.enum(["SCP80", "SCP81", "SCP03", "token", "receipt"]).default("SCP80"),
  algorithm: z.enum(["AES", "3DES", "DES", "PSK"]).optional(),
  keys: z.array(Key).min(1),
  cntr: cntr.default(0),
  ccLength: z.union([z.literal(4), z.literal(8)]).default(8),
  tars: z.array(hex("3")).default([]),
  pskIdentity: z.string().min(1).max(512).optional(),
});

const ProfileShape = z.object({
  aid: z.string(),
  iccid: z.string().optional(),
  imsi: z.string().optional(),
  msisdn: z.string().optional(),
  state: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(["created", "disabled", "enabled"])),
  fallback: z.boolean().default(false),
  mnoId: z.string().optional(),
  smdpId: z.string().optional(),
  profileType: z.string().optional(),
  allocatedMemory: z.number().int().optional(),
  freeMemory: z.number().int().optional(),
  pol1: z.number().int().min(0).max(255).optional(),
  pol2: z
    .array(
      z.strictObject({
        action: z.enum(["ENABLE", "DISABLE", "DELETE"]),
        qualification: z.enum(["Not-Allowed", "Auto-Delete"]),
      }),
    )
    .optional(),
});

const DomainShape = z.object({ aid: z.string().optional(), keySets: z.array(KeySetShape).default([]) });

/** {@link TargetSettings} as given from outside. */
export const TargetSettingsShape = z.strictObject({
  spi: hex("2").optional(),
  scriptFormat: z.enum(["expanded-definite", "expanded-indefinite", "compact"]).optional(),
  originator: z.string().optional(),
  serviceCentre: z.string().optional(),
  answerTimeoutMs: z.number().int().positive().optional(),
  notifications: z.enum(["bench", "relay", "withhold"]).optional(),
  unsecuredNotifications: z.enum(["show", "accept"]).optional(),
  scp81Buffer: z.number().int().min(256).optional(),
  scp81Framing: z.enum(["chunked", "content-length"]).optional(),
  agentId: z
    .string()
    .regex(
      /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/,
      "1 to 256 printable ASCII characters, no space at either end",
    )
    .optional(),
});

/** {@link Reach} as given from outside. */
export const ReachShape = z.strictObject({ smsLink: z.string().optional(), reader: z.string().optional() });

/** One target as people and other systems describe it: a plain JSON of its EIS, keys included. */
export const TargetShape = z.object({
  eid: z.string().optional(),
  name: z.string().min(1).max(100).optional(),
  kind: z.enum(["euicc", "uicc"]).optional(),
  iccid: z.string().optional(),
  imsi: z.string().optional(),
  msisdn: z.string().optional(),
  tags: z.array(z.string()).default([]),
  isdR: DomainShape.optional(),
  /** Key sets of a plain UICC, or of security domains besides the ISD-R; `tars` says what they serve. */
  keySets: z.array(KeySetShape).default([]),
  profiles: z.array(ProfileShape).default([]),
  settings: TargetSettingsShape.default({}),
  reach: ReachShape.default({}),
});
export type TargetShape = z.infer<typeof TargetShape>;

/** A target ready to be stored, with its key sets and what is odd about it. */
export interface ImportedTarget {
  readonly target: Target;
  readonly keySets: readonly KeySet[];
  readonly warnings: readonly string[];
}

/**
 * A target from its JSON description.
 * @throws target.invalid naming the field (never its value: it may be a key)
 */
export function importTarget(raw: unknown, at: number): ImportedTarget {
  const parsed = TargetShape.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.join(".") ?? "";
    throw new GatewayError("target.invalid", `${field === "" ? "target" : field}: ${issue?.message ?? "not valid"}`, {
      detail: { field: field === "" ? "target" : field },
    });
  }
  return imported(parsed.data, raw, at);
}

function imported(shape: TargetShape, raw: unknown, at: number): ImportedTarget {
  if (shape.eid === undefined && shape.iccid === undefined) {
    throw new GatewayError("target.invalid", "eid: a target needs an EID or an ICCID", { detail: { field: "eid" } });
  }
  const warnings: string[] = [];
  const eid = shape.eid === undefined ? undefined : field("eid", () => parseEid(shape.eid ?? ""));
  if (eid !== undefined && !eidCheckDigitsOk(eid)) warnings.push(`EID ${eid} has wrong check digits`);
  const esimProfiles = shape.profiles.map((profile, index) => profileOf(profile, index));
  const enabled = esimProfiles.find((profile) => profile.state === "enabled");
  const msisdn = shape.msisdn ?? enabled?.msisdn;
  const id = newId("tgt", at);
  const target: Target = {
    id,
    kind: shape.kind ?? (eid === undefined ? "uicc" : "euicc"),
    ...(shape.name === undefined ? {} : { name: shape.name }),
    ...(eid === undefined ? {} : { eid }),
    ...(shape.iccid === undefined ? {} : { iccid: shape.iccid }),
    ...(shape.imsi === undefined ? {} : { imsi: shape.imsi }),
    ...(msisdn === undefined ? {} : { msisdn: msisdn.replace(/^\+/, "") }),
    tags: shape.tags,
    esimProfiles,
    reach: withoutUndefined(shape.reach),
    settings: withoutUndefined(shape.settings),
    eis: withoutKeys(raw),
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
  const keySets = [
    ...(shape.isdR?.keySets ?? []).map((set, index) => keySetOf(id, set, `isdR.keySets.${index}`, at)),
    ...shape.keySets.map((set, index) => keySetOf(id, set, `keySets.${index}`, at)),
  ];
  if (keySets.length === 0) warnings.push("no keys: packets secured upstream can be carried, nothing else");
  return { target, keySets, warnings };
}

/** Key sets for a target that is there already. @throws target.invalid naming the field, never its value */
export function importKeySets(target: string, shapes: readonly z.infer<typeof KeySetShape>[], at: number): KeySet[] {
  return shapes.map((shape, index) => keySetOf(target, shape, `keySets.${index}`, at));
}

function field<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "not valid";
    throw new GatewayError("target.invalid", `${name}: ${why}`, { detail: { field: name }, cause });
  }
}

function profileOf(shape: z.infer<typeof ProfileShape>, index: number): EsimProfile {
  const { aid, ...others } = shape;
  return { aid: field(`profiles.${index}.aid`, () => parseAid(aid)), ...withoutUndefined(others) };
}

export type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The same object without keys whose value is undefined. */
export function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Defined<T>;
}

function keySetOf(target: string, shape: z.infer<typeof KeySetShape>, at: string, now: number): KeySet {
  const keys = new Map(shape.keys.map((key) => [key.id, new Secret(Buffer.from(key.value, "hex"))]));
  const algorithm = shape.algorithm ?? algorithmOf(shape);
  if (shape.type === "SCP80") {
    if (shape.kvn > 15)
      throw new GatewayError("target.invalid", `${at}.kvn: a SCP80 key set has KVN 1 to 15`, {
        detail: { field: `${at}.kvn` },
      });
    checkScp80(keys, algorithm, at);
  } else if (shape.type === "SCP81" && !keys.has(1)) {
    throw new GatewayError("target.invalid", `${at}.keys: a SCP81 key set needs the PSK as key 1`, {
      detail: { field: `${at}.keys` },
    });
  }
  return {
    id: newId("key", now),
    target,
    type: shape.type,
    kvn: shape.kvn,
    tars: shape.tars.map((tar) => tar.toUpperCase()),
    algorithm,
    ccLength: shape.ccLength,
    cntr: shape.cntr,
    ...(shape.pskIdentity === undefined ? {} : { pskIdentity: shape.pskIdentity }),
    keys,
  };
}

function algorithmOf(shape: z.infer<typeof KeySetShape>): KeySet["algorithm"] {
  if (shape.type === "SCP81") return "PSK";
  const type = shape.keys[0]?.type?.toUpperCase() ?? "AES";
  if (type === "88" || type.startsWith("AES")) return "AES";
  if (/^(81|82|83|84|3DES|TDES|TRIPLE)/.test(type)) return "3DES";
  if (/^(80|DES)/.test(type)) return "DES";
  return "AES";
}

const lengths: Readonly<Record<string, readonly number[]>> = { AES: [16, 24, 32], "3DES": [16, 24], DES: [8] };

function checkScp80(keys: ReadonlyMap<number, Secret>, algorithm: string, at: string): void {
  for (const [id, what] of [
    [1, "KIc"],
    [2, "KID"],
  ] as const) {
    const key = keys.get(id);
    if (key === undefined)
      throw new GatewayError("target.invalid", `${at}.keys: ${what} (key ${id}) is missing`, {
        detail: { field: `${at}.keys` },
      });
    if (!(lengths[algorithm] ?? []).includes(key.length)) {
      throw new GatewayError(
        "target.invalid",
        `${at}.keys: ${what} has ${key.length} octets, which is no ${algorithm} key`,
        { detail: { field: `${at}.keys` } },
      );
    }
  }
}

/** The description without any key value, to be kept for people. */
function withoutKeys(raw: unknown): unknown {
  if (Array.isArray(raw)) return raw.map(withoutKeys);
  if (typeof raw !== "object" || raw === null) return raw;
  return Object.fromEntries(
    Object.entries(raw).flatMap(([key, value]) =>
      key === "keySets" || key === "keys" || key === "value" ? [] : [[key, withoutKeys(value)]],
    ),
  );
}

const csvColumns = [
  "eid",
  "iccid",
  "imsi",
  "msisdn",
  "name",
  "kvn",
  "algorithm",
  "kic",
  "kid",
  "dek",
  "cntr",
  "tars",
  "psk",
  "psk_kvn",
  "tags",
] as const;

/**
 * Targets from a CSV with a header line: one target a line, its SCP80 keys in `kvn, kic, kid, dek` and its PSK in
 * `psk, psk_kvn`. Columns may be in any order and missing. All lines are checked before any of them is handed out.
 * @throws target.invalid naming line and column
 */
export function csvTargets(text: string): unknown[] {
  const lines = text.split(/\r?\n/).map((line, index) => ({ line, number: index + 1 }));
  const [header, ...rows] = lines.filter(({ line }) => line.trim() !== "");
  if (header === undefined) {
    throw new GatewayError("target.invalid", "text: no header line", {
      detail: { field: "text", columns: csvColumns },
    });
  }
  const columns = header.line.split(/[,;]/).map((name) => name.trim().toLowerCase());
  for (const name of columns) {
    if (!csvColumns.some((known) => known === name)) {
      throw new GatewayError("target.invalid", `line ${header.number}: unknown column '${name}'`, {
        detail: { field: name, columns: csvColumns },
      });
    }
  }
  return rows.map(({ line, number }) => {
    const cells = line.split(/[,;]/).map((cell) => cell.trim());
    if (cells.length > columns.length) {
      throw new GatewayError("target.invalid", `line ${number}: more cells than columns`, {
        detail: { field: `line ${number}`, line: number },
      });
    }
    const description = csvTarget(
      Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? ""]).filter(([, cell]) => cell !== "")),
    );
    checkLine(description, number);
    return description;
  });
}

/** @throws target.invalid with the line and the column in place of the description's field */
function checkLine(description: CsvTarget, line: number): void {
  try {
    importTarget(description, 0);
  } catch (cause) {
    if (!isGatewayError(cause, "target.invalid")) throw cause;
    const path = String(cause.detail.field ?? "");
    const column = columnOf(path, description);
    const why = cause.message.startsWith(`${path}: `) ? cause.message.slice(path.length + 2) : cause.message;
    throw new GatewayError("target.invalid", `line ${line}, ${column}: ${why}`, {
      detail: { field: column, line },
      cause,
    });
  }
}

/** The column that a field of a description came from. */
function columnOf(path: string, { keySets }: CsvTarget): string {
  const [, set, inner] = /^keySets\.(\d+)\.(.+)$/.exec(path) ?? [];
  if (inner === undefined) return path;
  const { type, keys } = keySets[Number(set)] ?? {};
  if (type === "SCP81") return inner === "kvn" ? "psk_kvn" : "psk";
  const key = /^keys\.(\d+)\./.exec(inner)?.[1];
  if (key !== undefined) return ["kic", "kid", "dek"][(keys?.[Number(key)]?.id ?? 1) - 1] ?? "kic";
  return inner === "keys" ? "kic, kid" : inner;
}

interface CsvTarget {
  readonly keySets: readonly {
    readonly type: string;
    readonly keys: readonly { readonly id: number; readonly value: string }[];
  }[];
}

function csvTarget(cell: Readonly<Record<string, string>>): CsvTarget {
  const keySets: CsvTarget["keySets"][number][] = [];
  if (cell.kic !== undefined || cell.kid !== undefined) {
    const keys = [cell.kic, cell.kid, cell.dek].flatMap((value, index) =>
      value === undefined ? [] : [{ id: index + 1, value }],
    );
    const set = {
      kvn: Number(cell.kvn ?? 1),
      type: "SCP80",
      keys,
      ...(cell.algorithm === undefined ? {} : { algorithm: cell.algorithm.toUpperCase() }),
      ...(cell.cntr === undefined ? {} : { cntr: Number(cell.cntr) }),
      ...(cell.tars === undefined ? {} : { tars: cell.tars.split(/\s+/) }),
    };
    keySets.push(set);
  }
  if (cell.psk !== undefined) {
    const set = { kvn: Number(cell.psk_kvn ?? 64), type: "SCP81", keys: [{ id: 1, value: cell.psk }] };
    keySets.push(set);
  }
  const named = Object.fromEntries(
    ["eid", "iccid", "imsi", "msisdn", "name"].flatMap((name) =>
      cell[name] === undefined ? [] : [[name, cell[name]]],
    ),
  );
  return { ...named, keySets, ...(cell.tags === undefined ? {} : { tags: cell.tags.split(/\s+/) }) };
}
