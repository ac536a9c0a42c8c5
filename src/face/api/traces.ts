import { z } from "zod";
import { nearest } from "../../base/nearest.ts";
import { frameKinds } from "../../link/trace.ts";
import { targetFilter } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

const text = z.string().min(1).max(512).optional();

const moment = z.coerce.number().min(0).max(1e15).optional();

/** Kinds of frames, separated by commas. */
const kindList = z
  .string()
  .max(200)
  .transform((list, context) => {
    const kinds = list.split(",");
    for (const one of kinds) {
      if (frameKinds.some((kind) => kind === one)) continue;
      const near = nearest(one, frameKinds);
      const hint = near === undefined ? `use ${frameKinds.join(", ")}` : `did you mean '${near}'?`;
      context.addIssue({ code: "custom", message: `'${one.slice(0, 40)}' is not a kind of frame; ${hint}` });
    }
    return kinds;
  });

/** Which frames. */
export const frameFilter = z.strictObject({
  link: text.describe("Only of links whose id contains this text"),
  target: targetFilter,
  job: text.describe("Only for this job"),
  kind: kindList.optional().describe(`Only of these kinds, separated by commas: ${frameKinds.join(", ")}`),
  since: moment.describe("Not before, milliseconds since 1970"),
  until: moment.describe("Not after, milliseconds since 1970"),
});

/** A frame as the examples show it. */
const example = {
  kind: "apdu",
  dir: "out",
  link: sample.reader,
  at: sample.at,
  seq: 1,
  hex: "00A40004023F00",
} as const;

/** Frames as they were exchanged. */
export const traceOperations = {
  list: operation({
    route: "GET /v1/traces lines",
    scope: "read",
    operationId: "listFrames",
    example: { query: { kind: "apdu", link: sample.reader }, answer: `${JSON.stringify(example)}\n` },
    tags: ["traces"],
    summary: "Export recorded frames",
    description: "JSON lines, oldest first, from the trace files.",
    query: frameFilter,
    mediaType: "application/jsonl",
    answers: { 200: z.string().describe("Frames") },
  }),

  live: operation({
    route: "GET /v1/traces/live lines",
    scope: "read",
    operationId: "streamFrames",
    example: { query: { kind: "apdu" }, answer: `${JSON.stringify(example)}\n` },
    tags: ["traces"],
    summary: "Stream frames",
    description:
      "JSON lines without end. A client that reads too slowly misses frames, but never receives a partial one.",
    query: frameFilter,
    mediaType: "application/jsonl",
    answers: { 200: z.string().describe("Frames") },
  }),
};
