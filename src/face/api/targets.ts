import { z } from "zod";
import { octetsOf } from "../../base/octet-text.ts";
import { strict } from "../../base/strict.ts";
import { eidText, iccidText, msisdnText, tarText } from "../../codec/euicc/identity-shapes.ts";
import { notificationModes } from "../../gateway/model/notification-mode.ts";
import { nameText, ReachShape, TargetSettingsShape, TargetShape, tagList } from "../../gateway/targets/target-shape.ts";
import { keySetExample, keySetShape } from "./key-sets.ts";
import { idPage, ifMatchHeaders, listOf, moment, pageShape, referenceParams } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

/** A profile of an eUICC. */
const esimProfileShape = z
  .object({
    aid: z.string().describe("ISD-P AID"),
    iccid: z.string().optional(),
    imsi: z.string().optional(),
    msisdn: z.string().optional(),
    state: z.enum(["created", "disabled", "enabled"]),
    fallback: z.boolean(),
    mnoId: z.string().optional(),
    smdpId: z.string().optional(),
    profileType: z.string().optional(),
    allocatedMemory: z.number().optional(),
    freeMemory: z.number().optional(),
    pol1: z.number().optional(),
    pol2: listOf(z.object({ action: z.string(), qualification: z.string() })).optional(),
  })
  .meta({ id: "EsimProfile", description: "A profile of an eUICC" });

const reachShape = z.object({ smsLink: z.string().optional(), reader: z.string().optional() });

const settingsShape = z.object({
  spi: z.string().optional(),
  scriptFormat: z.enum(["expanded-definite", "expanded-indefinite", "compact"]).optional(),
  originator: z.string().optional(),
  serviceCentre: z.string().optional(),
  answerTimeoutMs: z.number().optional(),
  notifications: z.enum(notificationModes).optional(),
  unsecuredNotifications: z.enum(["show", "accept"]).optional(),
  scp81Buffer: z.number().optional(),
  scp81Framing: z.enum(["chunked", "content-length"]).optional(),
  agentId: z.string().optional(),
});

const targetFields = z.object({
  id: z.string(),
  kind: z.enum(["euicc", "uicc"]),
  name: z.string().optional(),
  eid: z.string().optional(),
  iccid: z.string().optional(),
  imsi: z.string().optional(),
  msisdn: z.string().optional(),
  tags: listOf(z.string()),
  esimProfiles: listOf(esimProfileShape),
  reach: reachShape.describe("Links that reach the target, if restricted"),
  settings: settingsShape.describe("Settings that differ from the defaults"),
  version: z.number().int().describe("Increases with each change; the ETag"),
  createdAt: moment,
  updatedAt: moment,
});

export const targetShape = targetFields.meta({ id: "Target", description: "An eUICC or UICC" });

/** A target with its key sets. */
const targetDetailShape = z
  .object({ ...targetFields.shape, keySets: listOf(keySetShape) })
  .meta({ id: "TargetDetail", description: "A target with its key sets" });

const changedTargetShape = z
  .object({
    ...targetFields.shape,
    warnings: listOf(z.string()).optional().describe("Warnings about the change, such as an unknown link"),
  })
  .meta({ id: "ChangedTarget", description: "A target after a change" });

type Nullable<S> = { [K in keyof S]: S[K] extends z.ZodType ? z.ZodOptional<z.ZodNullable<S[K]>> : never };

/** Fields that a merge patch may remove. */
function nullable<S extends Readonly<Record<string, z.ZodType>>>(shape: S): Nullable<S> {
  const fields: unknown[][] = Object.entries(shape).map(([name, field]) => [name, field.nullable().optional()]);
  return Object.fromEntries(fields);
}

const flag = z.enum(["true", "false"]).optional();

/** Outcome of one imported description. */
export const importOutcomeShape = z
  .object({
    target: targetShape,
    created: z.boolean(),
    keySets: listOf(keySetShape),
    warnings: listOf(z.string()).describe("Warnings about the import"),
    changes: listOf(
      z.object({
        field: z.string(),
        before: z.string().optional().describe("Absent: no previous value"),
        after: z.string().optional().describe("Absent: the value was removed"),
      }),
    ).describe("Changes by field; key sets are listed, keys never"),
  })
  .meta({ id: "ImportOutcome", description: "Result for one imported target" });

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A description of a target; checked by the import itself, which suggests the nearest known field for an unknown one.
 * A record of zod would visit each field of each item: 50 ms for a body of one megabyte.
 */
const description = z.unknown().refine(isObject, "must be an object").meta({
  title: "Target description",
  type: "object",
  description: "A target as JSON of its EIS, keys included; unknown fields are refused",
  properties: described(),
});

function described(): unknown {
  return z.toJSONSchema(TargetShape, { io: "input" }).properties;
}

const name = z.string().min(1).max(100).optional();

/** A target as the examples show it. */
const example = {
  id: sample.target,
  kind: "euicc",
  name: "rack 1",
  eid: sample.eid,
  tags: ["lab"],
  esimProfiles: [{ aid: sample.isdP, iccid: sample.iccid, imsi: "901704554612243", state: "enabled", fallback: true }],
  reach: {},
  settings: { answerTimeoutMs: 60_000 },
  version: 3,
  createdAt: sample.at,
  updatedAt: sample.at,
} as const;

const exampleOutcome = {
  target: example,
  created: true,
  keySets: [keySetExample],
  warnings: [],
  changes: [{ field: "name", after: "rack 1" }],
} as const;

/** Targets. Keys are written, never read. */
export const targetOperations = {
  list: operation({
    route: "GET /v1/targets",
    scope: "read",
    operationId: "listTargets",
    example: { query: { tag: "lab", limit: 20 }, answer: { items: [example] } },
    tags: ["targets"],
    summary: "List targets",
    description: "In the order in which they were added.",
    query: idPage.extend({
      tag: name.describe("Only with this tag"),
      eid: eidText.optional().describe("Only with this EID"),
      iccid: iccidText.optional().describe("Only with this ICCID; fillers and case are ignored"),
      msisdn: msisdnText.optional().describe("Only with this MSISDN, with or without +"),
    }),
    answers: { 200: pageShape(targetShape) },
  }),

  import: operation({
    route: "POST /v1/targets",
    scope: "targets",
    operationId: "importTarget",
    example: {
      body: {
        eid: "89001012012341234012345678901422",
        name: "rack 2",
        tags: ["lab"],
        keySets: [
          {
            type: "SCP80",
            kvn: 1,
            algorithm: "AES",
            keys: [
              { id: 1, value: "000102030405060708090A0B0C0D0E0F" },
              { id: 2, value: "0F0E0D0C0B0A09080706050403020100" },
            ],
          },
        ],
      },
      status: 201,
      answer: exampleOutcome,
    },
    tags: ["targets"],
    summary: "Add a target or merge into an existing one",
    description:
      "From its EIS as JSON, keys included. In an existing target with the same EID (or ICCID, for a plain UICC), given " +
      "fields replace the stored ones and absent fields do not change. Counters never decrease.",
    query: z.strictObject({
      replace: flag.describe("Remove everything that is not in the import, except id, name, tags and key sets"),
      dryRun: flag.describe("Store nothing and return the changes"),
    }),
    body: description,
    answers: { 200: importOutcomeShape.describe("Changed, or a dry run"), 201: importOutcomeShape.describe("Added") },
  }),

  importAll: operation({
    route: "POST /v1/targets/import",
    scope: "targets",
    operationId: "importTargets",
    example: {
      body: { format: "csv", text: "eid,name,tags\n89001012012341234012345678901422,rack 2,lab\n", dryRun: true },
      answer: { items: [exampleOutcome], notes: [] },
    },
    tags: ["targets"],
    summary: "Import targets",
    description:
      "A JSON list in `items`; or in `text` CSV (RFC 4180: a header line, then one target a line) or SGP.02 EISs as XML, " +
      "v3 or v4. Absent fields do not change, unless `replace` is set. If one target is refused, none is stored. A long " +
      "import is stored in several steps: if a later step fails because of a concurrent change, the error contains the " +
      "number of targets that are already stored (`imported`). " +
      "With `eum` or `ci` the manufacturer's signature and certificates must verify; an EIS in which one of them is missing is refused.",
    body: strict({
      format: z.enum(["json", "csv", "xml"]),
      text: z.string().max(8_000_000).optional().describe("CSV or XML"),
      eum: z.string().max(20_000).optional().describe("Certificate of the eUICC manufacturer, PEM (XML only)"),
      ci: z.string().max(20_000).optional().describe("Certificate of the issuer, PEM (XML only)"),
      transportKey: octetsOf(z.string().regex(/^[0-9a-fA-F]{32}$/, "must be 16 hexadecimal octets"))
        .optional()
        .describe("Key that unwraps the key values (XML only)"),
      items: z.array(description).max(10_000).optional(),
      algorithm: z
        .enum(["AES", "3DES", "DES"])
        .optional()
        .describe("Algorithm for SCP80 keys without one in the file (CSV only)"),
      tars: z.array(tarText).max(64).optional().describe("TARs for SCP80 keys without TARs in the file (CSV only)"),
      replace: z.boolean().default(false).describe("Each item replaces its whole target"),
      dryRun: z.boolean().default(false).describe("Store nothing and return the changes"),
    }),
    answers: {
      200: z.object({
        items: listOf(importOutcomeShape),
        notes: listOf(z.string()).describe("Ignored fields and assumptions about the whole file"),
      }),
    },
  }),

  get: operation({
    route: "GET /v1/targets/:ref",
    scope: "read",
    operationId: "getTarget",
    example: { params: { ref: sample.eid }, answer: { ...example, keySets: [keySetExample] } },
    tags: ["targets"],
    summary: "Get a target with its key sets",
    description: "Use its ETag in If-Match of a change. Keys are never returned.",
    params: referenceParams,
    answers: { 200: targetDetailShape },
  }),

  change: operation({
    route: "PATCH /v1/targets/:ref",
    scope: "targets",
    operationId: "changeTarget",
    example: {
      params: { ref: sample.eid },
      headers: { "if-match": "*" },
      body: { name: "rack 1", tags: ["lab"], settings: { answerTimeoutMs: 60_000, spi: null } },
      answer: example,
    },
    tags: ["targets"],
    summary: "Change a target",
    description:
      "A merge patch (RFC 7396): fields that are given change, `null` removes one, also inside `reach` and `settings`; lists " +
      "are replaced. With If-Match, only when the target still has that ETag (412 otherwise).",
    params: referenceParams,
    headers: ifMatchHeaders,
    body: strict({
      name: nameText.nullish(),
      tags: tagList.nullish(),
      msisdn: msisdnText.nullish(),
      reach: strict(nullable(ReachShape.shape)).nullish(),
      settings: strict(nullable(TargetSettingsShape.shape)).nullish(),
    }),
    answers: { 200: changedTargetShape },
  }),

  remove: operation({
    route: "DELETE /v1/targets/:ref",
    scope: "targets",
    operationId: "removeTarget",
    example: { params: { ref: sample.eid } },
    tags: ["targets"],
    summary: "Remove a target and its keys",
    description: "Refused while the target has open jobs.",
    params: referenceParams,
    headers: ifMatchHeaders,
    answers: { 204: z.null().describe("Removed") },
  }),
};

/** A target in an answer. */
export type TargetAnswer = z.output<typeof targetShape>;

/** A target with its key sets, in an answer. */
export type TargetDetail = z.output<typeof targetDetailShape>;

/** Outcome of one imported description, in an answer. */
export type ImportOutcomeAnswer = z.output<typeof importOutcomeShape>;
