import { z } from "zod";
import { errorCodes } from "../../../base/error-catalogue.ts";
import { facts } from "./fields.ts";
import { sample } from "./sample.ts";

/** The codes of the error catalogue. */
export const errorCodeShape = z
  .enum(errorCodes)
  .meta({ id: "ErrorCode", description: "Stable code, `family.name`; docs/errors.md lists them" });

/** The answer for every error. */
export const problemShape = z
  .object({
    type: errorCodeShape,
    title: z.string().describe("Meaning of the code"),
    status: z.number().int(),
    detail: z.string().describe("Details of this occurrence; starts with the field"),
    facts: facts.optional().describe("Facts for programs: `field`, `in`, `sw`, `executed` …"),
  })
  .describe("An error (RFC 9457)");

/** An error as the examples show it. */
export const problemExample = {
  type: "target.unknown",
  title: "No such target",
  status: 404,
  detail: `no target matches '${sample.eid}'`,
  facts: { target: sample.eid },
} as const;
