import { z } from "zod";
import { first as since } from "./facts.ts";

const download = z.string().describe("Id of the download");

/** Downloads of profile packages. */
export const downloadEvents = {
  "download.step": {
    text: "A download began a step",
    clause: "SGP.02 §3.1",
    since,
    data: z.object({
      download,
      step: z.enum([
        "planned",
        "isd-p",
        "certificate",
        "keys",
        "opening",
        "authenticating",
        "loading",
        "state",
        "clean-up",
        "enabling",
        "verifying",
        "ended",
      ]),
      attempt: z.number().int().describe("From 1"),
    }),
  },
  "download.ended": {
    text: "A download has ended",
    clause: "SGP.02 §3.1",
    since,
    data: z.object({
      download,
      outcome: z.enum(["installed", "failed", "cancelled", "unknown"]),
      card: z.enum(["absent", "created", "disabled", "enabled", "unknown"]).describe("What is on the card"),
      text: z.string().describe("The outcome in one sentence"),
    }),
  },
} as const;
