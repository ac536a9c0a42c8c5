import { z } from "zod";
import { keyLike } from "../../base/key-like.ts";
import { scopes } from "../../gateway/model/api-token.ts";
import { idPage, listOf, moment, pageShape } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

/** An API token, without the token. */
const tokenShape = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: listOf(z.enum(scopes)),
    createdAt: moment,
    expiresAt: moment.optional(),
    lastUsedAt: moment.optional(),
    revokedAt: moment.optional(),
  })
  .meta({ id: "Token", description: "An API token, without the token" });

/** A token as the examples show it. */
const example = {
  id: sample.token,
  name: "ci",
  scopes: ["jobs"],
  createdAt: sample.at,
  expiresAt: sample.at + 2_592_000_000,
} as const;

/** API tokens. */
export const tokenOperations = {
  create: operation({
    route: "POST /v1/tokens",
    scope: "admin",
    operationId: "createToken",
    example: {
      body: { name: "ci", scopes: ["jobs"], validMs: 2_592_000_000 },
      answer: { token: "otg_…", about: example },
    },
    tags: ["access"],
    summary: "Create an API token",
    description: "The answer contains the token, which cannot be read again: only a hash is stored.",
    body: z.strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,60}$/, {
          error: "must be 1 to 60 letters, digits, dots, dashes or underscores",
          abort: true,
        })
        .refine((text) => keyLike(text) === undefined, "could be a key; names are stored and shown in clear"),
      scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
      validMs: z
        .number()
        .int()
        .positive()
        .max(10 * 366 * 86_400_000)
        .optional()
        .describe("Validity period; absent: unlimited"),
    }),
    answers: { 201: z.object({ token: z.string().describe("The token itself"), about: tokenShape }) },
  }),

  list: operation({
    route: "GET /v1/tokens",
    scope: "admin",
    operationId: "listTokens",
    example: { query: { limit: 20 }, answer: { items: [example] } },
    tags: ["access"],
    summary: "List API tokens",
    description: "Revoked ones too, without the tokens themselves.",
    query: idPage,
    answers: { 200: pageShape(tokenShape) },
  }),

  revoke: operation({
    route: "DELETE /v1/tokens/:token",
    scope: "admin",
    operationId: "revokeToken",
    example: { params: { token: "ci" } },
    tags: ["access"],
    summary: "Revoke an API token",
    description: "Identified by its id or name. It is refused from now on.",
    params: z.object({ token: z.string().min(1).max(100).describe("Id or name of the token") }),
    answers: { 204: z.null().describe("Revoked") },
  }),
};

/** A token in an answer, without the token. */
export type TokenAnswer = z.output<typeof tokenShape>;
