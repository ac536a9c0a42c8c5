import { setImmediate } from "node:timers/promises";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { octetText } from "../../../base/octet-text.ts";
import type { Target } from "../../../gateway/model/target.ts";
import { csvTargets } from "../../../gateway/targets/target-csv.ts";
import { describedTarget, type TargetDescription } from "../../../gateway/targets/target-import.ts";
import type { ImportOutcome } from "../../../gateway/targets/targets.ts";
import { importOutcomeShape, targetOperations, targetShape } from "../../api/targets.ts";
import type { ApiDeps } from "../api-deps.ts";
import { ifMatch } from "../if-match.ts";
import { sendPage, sendWritten } from "../page.ts";
import { projectionOf } from "../projection.ts";
import { routeOf } from "../route.ts";

/** A target with the octets of its settings as text; the other octets are no part of an answer. */
function targetAnswer(target: Target) {
  return { ...target, settings: octetText(target.settings) };
}

function outcomeAnswer(outcome: ImportOutcome) {
  return { ...outcome, target: targetAnswer(outcome.target) };
}

/** Targets. Keys are written, never read. */
export async function targetRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { targets } = deps.gateway;

  routes.route({
    ...routeOf(targetOperations.list),
    handler: async ({ query: { limit, cursor, ...filter } }, reply) =>
      sendPage(
        reply,
        { limit, cursor },
        {
          find: (after, count) => targets.list(withoutUndefined(filter), after, count),
          position: ({ id }) => id,
          answerOf: targetAnswer,
          item: targetShape,
        },
      ),
  });

  routes.route({
    ...routeOf(targetOperations.import),
    handler: async ({ body, query }, reply) => {
      const dryRun = query.dryRun === "true";
      const outcome = await targets.import(body, { replace: query.replace === "true", dryRun });
      const result = outcomeAnswer(outcome);
      if (dryRun) return reply.code(200).send(result);
      return reply
        .code(result.created ? 201 : 200)
        .headers({ location: `/v1/targets/${result.target.id}`, etag: `"${result.target.version}"` })
        .send(result);
    },
  });

  routes.route({
    ...routeOf(targetOperations.importAll),
    handler: async ({ body }, reply) => {
      const missing = body.format === "json" ? "items" : "text";
      if (body[missing] === undefined)
        throw new GatewayError("api.usage", `${missing}: is required with this format`, {
          detail: { field: missing, in: "body" },
        });
      for (const field of ["eum", "ci", "transportKey"] as const)
        if (body.format !== "xml" && body[field] !== undefined)
          throw new GatewayError("api.usage", `${field}: only an EIS in XML is signed, not ${body.format}`, {
            detail: { field, in: "body" },
          });
      for (const field of ["algorithm", "tars"] as const)
        if (body.format !== "csv" && body[field] !== undefined)
          throw new GatewayError("api.usage", `${field}: only for CSV; the other formats contain it`, {
            detail: { field, in: "body" },
          });
      const { text = "", replace, dryRun } = body;
      if (body.format === "xml") {
        const { eum, ci, transportKey } = body;
        const outcomes = await deps.gateway.eis.importXml(text, withoutUndefined({ eum, ci, transportKey }), {
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
  });

  routes.route({
    ...routeOf(targetOperations.get),
    handler: async ({ params }, reply) => {
      const { target, keySets } = await targets.show(params.ref);
      return reply.header("etag", `"${target.version}"`).send({ ...targetAnswer(target), keySets });
    },
  });

  routes.route({
    ...routeOf(targetOperations.change),
    handler: async ({ params, body, headers }, reply) => {
      const changed = await targets.change(params.ref, body, ifMatch(headers["if-match"]));
      const { smsLink, reader } = body.reach ?? {};
      const warnings = [smsLink, reader].flatMap((link) => deps.gateway.links.warningsOf(link ?? undefined));
      return reply
        .header("etag", `"${changed.version}"`)
        .send({ ...targetAnswer(changed), ...(warnings.length === 0 ? {} : { warnings }) });
    },
  });

  routes.route({
    ...routeOf(targetOperations.remove),
    handler: async ({ params, headers }, reply) => {
      await targets.remove(params.ref, ifMatch(headers["if-match"]));
      return reply.code(204).send(null);
    },
  });
}

const projectOutcome = projectionOf(importOutcomeShape);
/** Number of outcomes that are written before other work gets a turn. */
const outcomesPerTurn = 50;

/** Answers with the outcomes of descriptions; writing yields to other work, since there may be thousands. */
async function sendOutcomes(reply: FastifyReply, outcomes: readonly ImportOutcome[], notes: readonly string[]) {
  const items: string[] = [];
  for (const one of outcomes) {
    items.push(JSON.stringify(projectOutcome(outcomeAnswer(one))));
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

/** Adds to an error which description was refused, and how many of those before it are stored (usually none). */
function refuseItem(error: unknown, index: number, stored: number): never {
  if (!(error instanceof GatewayError)) throw error;
  const field = error.detail.field === undefined ? `items.${index}` : `items.${index}.${String(error.detail.field)}`;
  const before = stored === 0 ? "nothing is imported" : `the first ${stored} are imported`;
  throw error.with({
    message: `items.${index}: ${error.message} (${before})`,
    detail: { field, imported: stored },
  });
}
