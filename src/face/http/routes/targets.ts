import { setImmediate } from "node:timers/promises";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { strict } from "../../../base/strict.ts";
import { eidText, iccidText, msisdnText } from "../../../gateway/model/identity-shapes.ts";
import type { Target } from "../../../gateway/model/target.ts";
import { csvTargets } from "../../../gateway/targets/target-csv.ts";
import { describedTarget, type TargetDescription } from "../../../gateway/targets/target-import.ts";
import {
  nameText,
  ReachShape,
  TargetSettingsShape,
  TargetShape,
  tagList,
} from "../../../gateway/targets/target-shape.ts";
import type { ImportOutcome } from "../../../gateway/targets/targets.ts";
import type { ApiDeps } from "../api-deps.ts";
import { ifMatch, ifMatchHeaders } from "../if-match.ts";
import { idPage, pageShape, sendPage, sendWritten } from "../page.ts";
import { keySetShape, problems, referenceParams, targetDetailShape, targetShape } from "../shapes.ts";

const flag = z.enum(["true", "false"]).optional();

const outcome = z
  .object({
    target: targetShape,
    created: z.boolean(),
    keySets: z.array(keySetShape),
    warnings: z.array(z.string()).describe("What is odd about the description"),
    changes: z
      .array(
        z.object({
          field: z.string(),
          before: z.string().optional().describe("Absent: there was none"),
          after: z.string().optional().describe("Absent: there is none any longer"),
        }),
      )
      .describe("What the import changed, field by field; key sets are named, keys are never shown"),
  })
  .meta({ id: "ImportOutcome", description: "What became of one imported description" });

/** A description of a target; checked by the import itself, which names the field with the nearest that is known. */
const description = z.record(z.string(), z.unknown()).meta({
  title: "Target description",
  description: "A target as JSON of its EIS, keys included; any other field is refused",
  properties: described(),
});

function described(): unknown {
  return z.toJSONSchema(TargetShape, { io: "input" }).properties;
}

function shownOutcome(result: ImportOutcome) {
  return {
    target: mutable(result.target),
    created: result.created,
    keySets: result.keySets.map((set) => ({ ...set, tars: [...set.tars] })),
    warnings: [...result.warnings],
    changes: result.changes.map((change) => ({ ...change })),
  };
}

/** Targets. Keys are written, never read. */
export async function targetRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { targets } = deps;
  const name = z.string().min(1).max(100).optional();

  routes.get(
    "/v1/targets",
    {
      schema: {
        operationId: "listTargets",
        tags: ["targets"],
        summary: "List targets",
        description: "In the order in which they were added.",
        querystring: idPage.extend({
          tag: name.describe("Only with this tag"),
          eid: eidText.optional().describe("Only with this EID"),
          iccid: iccidText.optional().describe("Only with this ICCID; fillers and case do not matter"),
          msisdn: msisdnText.optional().describe("Only with this MSISDN, with or without +"),
        }),
        response: { 200: pageShape(targetShape), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ query: { limit, cursor, ...filter } }, reply) =>
      sendPage<Target, string>(
        reply,
        { limit, cursor },
        {
          find: (after, count) => targets.list(withoutUndefined(filter), after, count),
          position: ({ id }) => id,
          shown: (target) => target,
          item: targetShape,
        },
      ),
  );

  routes.post(
    "/v1/targets",
    {
      schema: {
        operationId: "importTarget",
        tags: ["targets"],
        summary: "Add a target or complete what is known of it",
        description:
          "From its EIS as JSON, keys included. One with the same EID (or ICCID, for a plain UICC) is completed: what the " +
          "description says goes before what was known, the rest stays. Counters never go down.",
        querystring: z.strictObject({
          replace: flag.describe("The description stands for all there is; only id, name, tags and key sets stay"),
          dryRun: flag.describe("Nothing is stored; the answer says what would change"),
        }),
        body: description,
        response: { 200: outcome.describe("Changed, or a dry run"), 201: outcome.describe("Added"), ...problems },
      },
      config: { scope: "targets" },
    },
    async ({ body, query }, reply) => {
      const dryRun = query.dryRun === "true";
      const result = await targets.import(body, { replace: query.replace === "true", dryRun });
      if (dryRun) return reply.code(200).send(shownOutcome(result));
      return reply
        .code(result.created ? 201 : 200)
        .headers({ location: `/v1/targets/${result.target.id}`, etag: `"${result.target.version}"` })
        .send(shownOutcome(result));
    },
  );

  routes.post(
    "/v1/targets/import",
    {
      schema: {
        operationId: "importTargets",
        tags: ["targets"],
        summary: "Add many targets or complete what is known of them",
        description:
          "A JSON list in `items`; or in `text` CSV (RFC 4180: a header line, then one target a line) or SGP.02 EISs as XML, " +
          "v3 or v4. What a description does not say stays as it is, unless `replace` is set. All of them are stored or, when one is refused, none; " +
          "should another change refuse one in the middle of a long import, the error says how many are stored (`imported`). " +
          "With `eum` or `ci` the manufacturer's signature and certificates must verify; an EIS in which one of them is missing is refused.",
        body: strict({
          format: z.enum(["json", "csv", "xml"]),
          text: z.string().max(8_000_000).optional().describe("CSV or XML"),
          eum: z.string().max(20_000).optional().describe("Certificate of the eUICC manufacturer, PEM (XML only)"),
          ci: z.string().max(20_000).optional().describe("Certificate of the issuer, PEM (XML only)"),
          transportKey: z
            .string()
            .regex(/^[0-9a-fA-F]{32}$/, "16 octets in hexadecimal")
            .optional()
            .describe("Key that the key values are wrapped with (XML only)"),
          items: z.array(description).max(10_000).optional(),
          algorithm: z
            .enum(["AES", "3DES", "DES"])
            .optional()
            .describe("Of SCP80 keys that the file gives none for (CSV only)"),
          tars: z
            .array(z.string().regex(/^[0-9a-fA-F]{6}$/, "a TAR of 3 octets in hexadecimal"))
            .max(64)
            .optional()
            .describe("TARs of SCP80 keys that the file gives none for (CSV only)"),
          replace: z.boolean().default(false).describe("Each description stands for all there is of its target"),
          dryRun: z.boolean().default(false).describe("Nothing is stored; the answer says what would change"),
        }),
        response: {
          200: z.object({
            items: z.array(outcome),
            notes: z.array(z.string()).describe("What was left out or assumed of the file as a whole"),
          }),
          ...problems,
        },
      },
      config: { scope: "targets" },
    },
    async ({ body }, reply) => {
      const missing = body.format === "json" ? "items" : "text";
      if (body[missing] === undefined)
        throw new GatewayError("api.usage", `${missing}: is needed with this format`, {
          detail: { field: missing, in: "body" },
        });
      for (const field of ["eum", "ci", "transportKey"] as const)
        if (body.format !== "xml" && body[field] !== undefined)
          throw new GatewayError("api.usage", `${field}: only an EIS in XML is signed, not ${body.format}`, {
            detail: { field, in: "body" },
          });
      for (const field of ["algorithm", "tars"] as const)
        if (body.format !== "csv" && body[field] !== undefined)
          throw new GatewayError("api.usage", `${field}: only for CSV; the other formats say it themselves`, {
            detail: { field, in: "body" },
          });
      const { text = "", replace, dryRun } = body;
      if (body.format === "xml") {
        const { eum, ci, transportKey } = body;
        const outcomes = await deps.eis.importXml(text, withoutUndefined({ eum, ci, transportKey }), {
          replace,
          dryRun,
        });
        return sendOutcomes(reply, outcomes, []);
      }
      const { algorithm, tars } = body;
      const read =
        body.format === "csv"
          ? await csvTargets(text, withoutUndefined({ algorithm, tars }))
          : { targets: describedItems(body.items ?? []), notes: [] };
      const outcomes = await targets.importAll(read.targets, { replace, dryRun }, refuseItem);
      return sendOutcomes(reply, outcomes, read.notes);
    },
  );

  routes.get(
    "/v1/targets/:ref",
    {
      schema: {
        operationId: "getTarget",
        tags: ["targets"],
        summary: "One target with its key sets",
        description: "Its ETag goes into If-Match of a change. Keys are never shown.",
        params: referenceParams,
        response: { 200: targetDetailShape, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params }, reply) => {
      const { target, keySets } = await targets.show(params.ref);
      return reply
        .header("etag", `"${target.version}"`)
        .send({ ...mutable(target), keySets: keySets.map((set) => ({ ...set, tars: [...set.tars] })) });
    },
  );

  routes.patch(
    "/v1/targets/:ref",
    {
      schema: {
        operationId: "changeTarget",
        tags: ["targets"],
        summary: "Change a target",
        description:
          "Only fields that are given change. With If-Match, only when nobody changed it in the meantime (412).",
        params: referenceParams,
        headers: ifMatchHeaders,
        body: strict({
          name: nameText.optional(),
          tags: tagList.optional(),
          msisdn: msisdnText.optional(),
          reach: ReachShape.optional(),
          settings: TargetSettingsShape.optional(),
        }),
        response: { 200: targetShape, ...problems },
      },
      config: { scope: "targets" },
    },
    async ({ params, body, headers }, reply) => {
      const changed = await targets.change(
        params.ref,
        {
          ...withoutUndefined({ name: body.name, tags: body.tags, msisdn: body.msisdn }),
          ...(body.reach === undefined ? {} : { reach: withoutUndefined(body.reach) }),
          ...(body.settings === undefined ? {} : { settings: withoutUndefined(body.settings) }),
        },
        ifMatch(headers["if-match"]),
      );
      return reply.header("etag", `"${changed.version}"`).send(mutable(changed));
    },
  );

  routes.delete(
    "/v1/targets/:ref",
    {
      schema: {
        operationId: "removeTarget",
        tags: ["targets"],
        summary: "Remove a target and its keys",
        description: "Refused while jobs of it are open.",
        params: referenceParams,
        headers: ifMatchHeaders,
        response: { 204: z.null().describe("Removed"), ...problems },
      },
      config: { scope: "targets" },
    },
    async ({ params, headers }, reply) => {
      await targets.remove(params.ref, ifMatch(headers["if-match"]));
      return reply.code(204).send(null);
    },
  );
}

/** Outcomes that are written before others get a turn. */
const outcomesPerTurn = 50;

/** Answers with what became of many descriptions, written in turns with others: there may be thousands. */
async function sendOutcomes(reply: FastifyReply, outcomes: readonly ImportOutcome[], notes: readonly string[]) {
  const items: string[] = [];
  for (const one of outcomes) {
    items.push(JSON.stringify(outcome.parse(shownOutcome(one))));
    if (items.length % outcomesPerTurn === 0) await setImmediate();
  }
  const text = `{"items":[${items.join(",")}],"notes":${JSON.stringify(notes)}}`;
  return sendWritten(reply, text);
}

/** Descriptions of a list, each checked when its turn comes. */
function* describedItems(items: readonly unknown[]): Generator<TargetDescription> {
  for (const [index, item] of items.entries()) {
    let shape: TargetDescription["shape"];
    try {
      shape = describedTarget(item);
    } catch (error) {
      refuseItem(error, index, 0);
    }
    yield { shape };
  }
}

/** Says which of many descriptions was refused, and how many of those before it are stored: none, as a rule. */
function refuseItem(error: unknown, index: number, stored: number): never {
  if (!(error instanceof GatewayError)) throw error;
  const field = error.detail.field === undefined ? `items.${index}` : `items.${index}.${String(error.detail.field)}`;
  const before = stored === 0 ? "nothing is imported" : `the first ${stored} are imported`;
  throw error.with({
    message: `items.${index}: ${error.message} (${before})`,
    detail: { field, imported: stored },
  });
}

type Mutable<T> = T extends readonly (infer E)[]
  ? Mutable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;

/** The same value for serialisers that want writable types. */
export function mutable<T>(value: T): Mutable<T> {
  return value as Mutable<T>;
}
