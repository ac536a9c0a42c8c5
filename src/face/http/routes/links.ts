import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import { fromHex, toHex } from "../../../base/hex.ts";
import { newId } from "../../../base/id.ts";
import type { Link } from "../../../gateway/links.ts";
import type { ApiDeps } from "../server.ts";
import { hexText, linkShape, problems } from "../shapes.ts";

const idParams = z.object({ id: z.string().min(1) });

async function shown(deps: ApiDeps, link: Link) {
  const target = link.card === undefined ? undefined : await deps.gateway.targetOfCard(link.card);
  return {
    id: link.id,
    kind: link.kind,
    up: link.state.up,
    ...(link.state.reason === undefined ? {} : { reason: link.state.reason }),
    ...(link.card === undefined ? {} : { card: { ...link.card } }),
    ...(target === undefined ? {} : { target: target.id }),
    facts: { ...link.describe() },
  };
}

/** Readers, modems and SMSC binds as they are now. */
export async function linkRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { links } = deps.gateway;

  routes.get(
    "/v1/links",
    {
      schema: {
        tags: ["links"],
        summary: "List links",
        querystring: z.object({ kind: z.enum(["reader", "modem", "smsc"]).optional() }),
        response: { 200: z.object({ items: z.array(linkShape) }), ...problems },
      },
    },
    async ({ query }) => ({
      items: await Promise.all(
        links
          .list()
          .filter((link) => query.kind === undefined || link.kind === query.kind)
          .map((link) => shown(deps, link)),
      ),
    }),
  );

  routes.get(
    "/v1/links/:id",
    { schema: { tags: ["links"], summary: "One link", params: idParams, response: { 200: linkShape, ...problems } } },
    async ({ params }) => shown(deps, links.get(params.id)),
  );

  routes.post(
    "/v1/links/:id/apdu",
    {
      schema: {
        tags: ["links"],
        summary: "Exchange APDUs with the card; nothing else reaches it in between",
        params: idParams,
        body: z.strictObject({
          apdus: z.array(hexText.min(8).max(1040)).min(1).max(256),
          stopAtError: z.boolean().default(false),
        }),
        response: {
          200: z.object({ responses: z.array(z.object({ apdu: z.string(), data: z.string(), sw: z.string() })) }),
          ...problems,
        },
      },
    },
    async ({ params, body }) => {
      const link = links.get(params.id);
      if (link.withCard === undefined)
        throw new GatewayError("link.unavailable", `${link.id} gives no access to a card`);
      return link.withCard(async (transmit) => {
        const responses = [];
        for (const apdu of body.apdus) {
          const { data, sw } = await transmit(fromHex(apdu));
          responses.push({
            apdu: apdu.toUpperCase(),
            data: toHex(data),
            sw: sw.toString(16).toUpperCase().padStart(4, "0"),
          });
          if (body.stopAtError && sw >> 8 !== 0x90 && sw >> 8 !== 0x91) break;
        }
        return { responses };
      });
    },
  );

  routes.post(
    "/v1/links/:id/reset",
    {
      schema: {
        tags: ["links"],
        summary: "Reset the card or modem behind the link",
        params: idParams,
        body: z.strictObject({ kind: z.enum(["warm", "cold"]).default("cold") }).optional(),
        response: { 200: linkShape, ...problems },
      },
    },
    async ({ params, body }) => {
      const link = links.get(params.id);
      if (link.reset === undefined) throw new GatewayError("link.unavailable", `${link.id} cannot be reset`);
      await link.reset(body?.kind ?? "cold");
      return shown(deps, link);
    },
  );

  routes.post(
    "/v1/links/:id/power",
    {
      schema: {
        tags: ["links"],
        operationId: "powerCycleLink",
        summary: "Take the power of a modem away and give it back",
        params: idParams,
        response: { 200: linkShape, ...problems },
      },
    },
    async ({ params }) => {
      const link = links.get(params.id);
      if (link.powerCycle === undefined) throw new GatewayError("link.unavailable", `${link.id} has no power control`);
      await link.powerCycle();
      return shown(deps, link);
    },
  );

  routes.post(
    "/v1/links/:id/at",
    {
      schema: {
        tags: ["links"],
        operationId: "sendAtCommand",
        summary: "One AT command, in between those of the gateway",
        params: idParams,
        body: z.strictObject({
          line: z
            .string()
            .regex(/^[aA][tT][\x20-\x7e]*$/, "a line that begins with AT")
            .max(1000),
        }),
        response: { 200: z.object({ lines: z.array(z.string()) }), ...problems },
      },
    },
    async ({ params, body }) => {
      const link = links.get(params.id);
      if (link.command === undefined) throw new GatewayError("link.unavailable", `${link.id} is no modem`);
      return { lines: [...(await link.command(body.line))] };
    },
  );

  routes.post(
    "/v1/links/:id/sms",
    {
      schema: {
        tags: ["links"],
        operationId: "sendTextMessage",
        summary: "Send a plain text message, for tests of a link",
        params: idParams,
        body: z.strictObject({
          to: z.string().regex(/^\+?[0-9]{1,20}$/, "digits, with or without +"),
          text: z.string().min(1).max(70, "70 characters fit one message"),
        }),
        response: { 200: z.object({ parts: z.array(z.record(z.string(), z.unknown())) }), ...problems },
      },
    },
    async ({ params, body }) => {
      const link = links.get(params.id);
      const { bearer } = link;
      if (bearer === undefined || link.kind === "reader")
        throw new GatewayError("link.unavailable", `${link.id} carries no text messages`);
      const outcome = await bearer.submit(
        {
          reference: newId("sms"),
          to: body.to,
          userData: Buffer.from(body.text, "utf16le").swap16(),
          userDataHeader: false,
          protocolId: 0,
          dataCoding: 0x08,
          moreToCome: false,
          receipt: true,
        },
        AbortSignal.timeout(120_000),
      );
      return { parts: [{ ...outcome }] };
    },
  );
}
