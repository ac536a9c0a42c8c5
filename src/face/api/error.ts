import { z } from "zod";
import { facts } from "./fields.ts";

/** Answers every error may give. */
export const problemShape = z
  .object({
    type: z.string().describe("Stable code, `family.name`"),
    title: z.string().describe("What the code means"),
    status: z.number().int(),
    detail: z.string().describe("What it is about here; begins with the field"),
    facts: facts.optional().describe("Facts for programs: `field`, `in`, `sw`, `executed` …"),
  })
  .describe("A refusal (RFC 9457)");
