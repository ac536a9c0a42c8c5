import { z } from "zod";
import { abbreviable, maxIdentifiers } from "../../gateway/model/identifiers.ts";
import { listOf } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

const beginning = new RegExp(`^(${abbreviable.join("|")})_[0-9a-z]{0,26}$`);

/** Identifiers by their beginning. */
export const identifierOperations = {
  find: operation({
    route: "GET /v1/identifiers",
    scope: "read",
    operationId: "findIdentifiers",
    example: { query: { beginning: "job_01" }, answer: { items: [sample.job] } },
    tags: ["health"],
    summary: "Resolve an abbreviated identifier",
    description: `At most ${maxIdentifiers} identifiers with the given beginning, in order; if there is only one, it is unambiguous.`,
    query: z.strictObject({
      beginning: z
        .string()
        .regex(beginning, `must be one of ${abbreviable.join(", ")}, an underscore, and the first characters`)
        .describe("For example `job_01k9`"),
    }),
    answers: { 200: z.object({ items: listOf(z.string()) }) },
  }),
};
