import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { Link } from "../../../gateway/links/links.ts";
import { longestText, sendText } from "../../../gateway/smsc/send-text.ts";
import type { ApiDeps } from "../api-deps.ts";
import { pageInMemory, pageShape } from "../page.ts";
import { hexText, idParams, leaseShape, linkShape, problems } from "../shapes.ts";

const leaseId = z.string().regex(/^lse_[0-9a-z]{26}$/, "no lease id");
const leaseParams = z.object({ ...idParams.shape, lease: leaseId });

async function shown(deps: ApiDeps, link: Link) {
  const target = link.card === undefined ? undefined : await deps.gateway.targetOfCard(link.card);
  const lease = deps.leases.find(link.id);
  return {
    id: link.id,
    kind: link.kind,
    up: link.state.up,
    ...(link.state.reason === undefined ? {} : { reason: link.state.reason }),
    ...(link.card === undefined ? {} : { card: { ...link.card } }),
    ...(target === undefined ? {} : { target: target.id }),
    ...(lease === undefined ? {} : { lease: { client: lease.client, expiresAt: lease.expiresAt } }),
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
        operationId: "listLinks",
        tags: ["links"],
        summary: "List links",
        description: "Readers, modems and SMSC accounts as they are now, in the order of their ids.",
        querystring: z.strictObject({
          kind: z.enum(["reader", "modem", "smsc"]).optional().describe("Only of this kind"),
          limit: z.coerce.number().int().min(1).max(1000).default(1000).describe("Items in a page at most"),
          cursor: z.string().min(1).max(512).optional().describe("`cursor` of the page before"),
        }),
        response: { 200: pageShape(linkShape), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ query }) => {
      const wanted = links.list().filter((link) => query.kind === undefined || link.kind === query.kind);
      const page = pageInMemory(
        wanted,
        query,
        (link) => link.id,
        (link) => link,
      );
      return { ...page, items: await Promise.all(page.items.map((link) => shown(deps, link))) };
    },
  );

  routes.get(
    "/v1/links/:id",
    {
      schema: {
        operationId: "getLink",
        tags: ["links"],
        summary: "One link",
        description: "By its id, or by a part of it that no other link has.",
        params: idParams,
        response: { 200: linkShape, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params }) => shown(deps, links.get(params.id)),
  );

  routes.post(
    "/v1/links/:id/lease",
    {
      schema: {
        operationId: "openLease",
        tags: ["links"],
        summary: "Take the card behind a link for yourself",
        description:
          "Until the lease is given back, or the card was idle for `idleMs`, only requests with its id reach the card or the modem " +
          "that it is in: APDUs, AT commands, text messages, resets and power. " +
          "Jobs wait meanwhile. Waits up to ten seconds for exchanges of others to end.",
        params: idParams,
        body: z.strictObject({
          idleMs: z.number().int().min(1000).max(600_000).default(30_000).describe("Idle time after which it ends"),
        }),
        response: { 201: leaseShape, ...problems },
      },
      config: { scope: "cards" },
    },
    async ({ params, body, principal }, reply) => {
      const lease = await deps.leases.open(params.id, principal?.client ?? "local", body.idleMs);
      return reply
        .code(201)
        .header("location", leasePath(lease.link, lease.id))
        .send({ ...lease });
    },
  );

  routes.delete(
    "/v1/links/:id/lease/:lease",
    {
      schema: {
        operationId: "closeLease",
        tags: ["links"],
        summary: "Give a leased card back",
        description: "An exchange that runs is finished first.",
        params: leaseParams,
        response: { 204: z.null().describe("The card is free"), ...problems },
      },
      config: { scope: "cards" },
    },
    async ({ params }, reply) => {
      await deps.leases.close(params.id, params.lease);
      return reply.code(204).send(null);
    },
  );

  routes.post(
    "/v1/links/:id/apdu",
    {
      schema: {
        operationId: "exchangeApdus",
        tags: ["links"],
        summary: "Exchange APDUs with the card",
        description:
          "The APDUs of one request are exchanged with nothing in between. For more than one request, take a lease and " +
          "name it here: each request under it starts its idle time anew.",
        params: idParams,
        body: z.strictObject({
          apdus: z.array(hexText.min(8).max(1040)).min(1).max(256).describe("C-APDUs in hexadecimal"),
          stopAtError: z.boolean().default(false).describe("Stop at the first status word other than 90xx and 91xx"),
          lease: leaseId.optional().describe("Lease that the card is under"),
        }),
        response: {
          200: z.object({ responses: z.array(z.object({ apdu: z.string(), data: z.string(), sw: z.string() })) }),
          ...problems,
        },
      },
      config: { scope: "cards" },
    },
    async ({ params, body }) => ({
      responses: await deps.leases.exchange(params.id, body.lease, body.apdus, body.stopAtError),
    }),
  );

  routes.post(
    "/v1/links/:id/reset",
    {
      schema: {
        operationId: "resetLink",
        tags: ["links"],
        summary: "Reset the card or modem behind the link",
        description: "A card that is leased is only reset for whoever names the lease, which ends with it.",
        params: idParams,
        body: z.strictObject({ kind: z.enum(["warm", "cold"]).default("cold"), lease: leaseId.optional() }).nullish(),
        response: { 200: linkShape, ...problems },
      },
      config: { scope: "cards" },
    },
    async ({ params, body }) => shown(deps, await deps.leases.reset(params.id, body?.kind ?? "cold", body?.lease)),
  );

  routes.post(
    "/v1/links/:id/power",
    {
      schema: {
        tags: ["links"],
        operationId: "powerCycleLink",
        summary: "Take the power of a modem away and give it back",
        params: idParams,
        description:
          "With the means that the hardware profile or the configuration names for it. A link that is leased only for whoever names " +
          "the lease, which ends with it.",
        body: z.strictObject({ lease: leaseId.optional() }).nullish(),
        response: { 200: linkShape, ...problems },
      },
      config: { scope: "cards" },
    },
    async ({ params, body }) => shown(deps, await deps.leases.powerCycle(params.id, body?.lease)),
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
          lease: leaseId.optional().describe("Lease that the card behind the modem is under"),
        }),
        description: "Answers with the lines that the modem sent, its final result last.",
        response: { 200: z.object({ lines: z.array(z.string()) }), ...problems },
      },
      config: { scope: "cards" },
    },
    async ({ params, body }) => {
      const lines = await deps.leases.use(params.id, body.lease, (link) => {
        if (link.command === undefined) throw new GatewayError("link.unavailable", `${link.id} is no modem`);
        return link.command(body.line);
      });
      return { lines: [...lines] };
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
          text: z.string().min(1).max(longestText),
          lease: leaseId.optional().describe("Lease that the card behind the modem is under"),
        }),
        description:
          "In the GSM alphabet when it has all characters, else in UCS2; in several messages when one is not enough. " +
          "Answers with what the network said to each.",
        response: { 200: z.object({ parts: z.array(z.record(z.string(), z.unknown())) }), ...problems },
      },
      config: { scope: "cards" },
    },
    async ({ params, body }) => {
      const parts = await deps.leases.use(params.id, body.lease, (link) => {
        const { bearer } = link;
        if (bearer === undefined || link.kind === "reader")
          throw new GatewayError("link.unavailable", `${link.id} carries no text messages`);
        return sendText(bearer, body.to, body.text);
      });
      return { parts: parts.map((part) => ({ ...part })) };
    },
  );
}

function leasePath(link: string, lease: string): string {
  return `/v1/links/${encodeURIComponent(link)}/lease/${lease}`;
}
