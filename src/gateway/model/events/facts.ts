import { z } from "zod";

/** The version that first had an event log. */
export const first = "0.1.0";

/** A failure in short; the job contains all of it. */
export const failureInShort = z.object({
  code: z.string().describe("Error code"),
  message: z.string(),
});

/** ISD-P of a profile. */
export const aid = z.string().describe("AID of the ISD-P");
