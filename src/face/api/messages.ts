import { z } from "zod";
import { pageShape, seqPage } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

/** A short message or receipt. */
export const messageShape = z
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
    text: z
      .string()
      .optional()
      .describe("The decoded text; for a text in several short messages, each has the whole text"),
    receivedAt: z.number(),
  })
  .meta({ id: "Message", description: "A received short message or receipt" });

/** Received short messages and receipts. */
export const messageOperations = {
  list: operation({
    route: "GET /v1/messages",
    scope: "read",
    operationId: "listMessages",
    example: {
      query: { limit: 1 },
      answer: {
        items: [
          {
            id: sample.message,
            seq: 2,
            link: sample.reader,
            target: sample.target,
            kind: "message",
            state: "done",
            verdict: `PoR OK of job ${sample.job}`,
            to: "+447700900000",
            userData: "027100002412000001DF3C170D8E1259E17979FA87A819A86D3EA32ADDDE0E98BE9386B4303DE85E98",
            receivedAt: sample.at + 34,
          },
        ],
        cursor: "2",
      },
    },
    tags: ["notifications"],
    summary: "List received short messages and receipts",
    description: "Newest first, unchanged; `verdict` describes how they were processed.",
    query: seqPage,
    answers: { 200: pageShape(messageShape) },
  }),
};

/** A short message in an answer. */
export type MessageAnswer = z.output<typeof messageShape>;
