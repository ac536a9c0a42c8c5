import { z } from "zod";
import { aid, first as since } from "./facts.ts";

const version = z.number().int().describe("Version of the target; its ETag");
const changed = z.object({ why: z.string(), version });
const side = z.union([z.string(), z.number(), z.boolean()]).optional();

/** Targets, their EIS and their keys. */
export const targetEvents = {
  "target.added": { text: "A target was added", since, data: changed },
  "target.changed": { text: "A target or its EIS changed", since, data: changed },
  "target.removed": { text: "A target was removed", since, data: z.object({ eid: z.string().optional() }) },
  "target.differs": {
    text: "An audit of the card differs from the EIS",
    clause: "SGP.02 §4.1.1.5",
    since,
    data: z.object({
      differences: z
        .array(
          z.object({
            aid: aid.optional(),
            iccid: z.string().optional(),
            what: z.enum(["profile", "state", "fallback", "freeMemory", "remainingMemory"]),
            eis: side.describe("What the EIS has; absent when it has nothing"),
            card: side.describe("What the card has; absent when it has nothing"),
          }),
        )
        .readonly(),
      adopted: z.boolean().describe("The EIS took over what the card has"),
    }),
  },
  "target.keys-gone": {
    text: "Key sets were removed that the card has deleted after a change of the SM-SR",
    clause: "SGP.02 §4.1.1.10",
    since,
    data: z.object({
      keySets: z
        .array(
          z.object({
            id: z.string(),
            type: z.enum(["SCP80", "SCP81", "SCP03", "token", "receipt"]),
            kvn: z.number().int(),
            cntr: z.number().int(),
          }),
        )
        .readonly(),
    }),
  },
} as const;
