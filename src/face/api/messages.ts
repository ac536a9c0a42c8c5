import { z } from "zod";
import { pageShape, seqPage } from "./fields.ts";
import { operation } from "./operation.ts";

const messageShape = z
  .object({
    id: z.string(),
    seq: z.number().int(),
    link: z.string(),
    target: z.string().optional(),
    kind: z.enum(["message", "receipt"]),
    state: z.string(),
    verdict: z.string().optional(),
    from: z.string().optional(),
    to: z.string().optional(),
    userData: z.string().optional(),
    text: z.string().optional().describe("Of a text message; of several messages joined, the whole in each of them"),
    receivedAt: z.number(),
  })
  .meta({ id: "Message", description: "A short message or receipt as a link brought it" });

/** Short messages and receipts that links brought. */
export const messageOperations = {
  list: operation({
    route: "GET /v1/messages",
    scope: "read",
    operationId: "listMessages",
    tags: ["notifications"],
    summary: "Short messages and receipts that links brought in",
    description: "Newest first, as they came; `verdict` says what was made of them.",
    query: seqPage,
    answers: { 200: pageShape(messageShape) },
  }),
};

/** A short message in an answer. */
export type MessageAnswer = z.output<typeof messageShape>;
