import { z } from "zod";
import { failureInShort, first as since } from "./facts.ts";

const origin = z
  .object({
    face: z.enum(["cli", "api", "smpp", "system", "campaign", "scenario", "upstream"]),
    client: z.string().optional(),
    reference: z.string().optional().describe("The client's own reference"),
  })
  .describe("Who ordered the job");

const ended = z.object({
  origin,
  error: failureInShort.optional(),
  commands: z.number().int().optional().describe("Number of R-APDUs that came back"),
});

const answer = {
  link: z.string().describe("Link that the answer arrived on"),
  status: z.string().describe("Response status or script status, in words"),
};

const bearer = z.enum(["https", "envelope", "sms"]);

/** The life of a job. */
export const jobEvents = {
  "job.queued": {
    text: "A job was accepted",
    since,
    data: z.object({ origin, reason: z.string().optional().describe("Why the gateway ordered it itself") }),
  },
  "job.sending": {
    text: "A packet is stored and about to leave, or a session hands out a script",
    since,
    data: z.object({
      bearer,
      link: z.string().optional(),
      why: z.string().optional().describe("Why this bearer was chosen"),
      cntr: z.number().int().optional().describe("Counter of the packet"),
      segments: z.number().int().optional().describe("Number of short messages"),
      octets: z.number().int().optional().describe("Size of the script in a session"),
      part: z.number().int().optional().describe("Part of the script, from 0"),
      partsLeft: z.number().int().optional(),
    }),
  },
  "job.rerouted": {
    text: "No SCP81 session came in time: the job goes by short message",
    since,
    data: z.object({ from: bearer, why: z.string() }),
  },
  "job.answered": {
    text: "The card answered the packet of a job",
    clause: "ETSI TS 102 225 §5.2",
    since,
    data: z.object(answer),
  },
  "job.unproven-answer": {
    text: "A response arrived that does not prove its origin; the job goes on",
    clause: "ETSI TS 102 225 §5.2",
    since,
    data: z.object({ link: z.string().optional(), why: z.string() }),
  },
  "job.late-answer": {
    text: "The card answered a job that had ended",
    since,
    data: z.object({ ...answer, response: z.string().optional().describe("Octets that no record holds") }),
  },
  "job.done": { text: "A job succeeded", since, data: ended },
  "job.failed": { text: "A job failed", since, data: ended },
  "job.expired": { text: "The validity period of a job ended first", since, data: ended },
  "job.cancelled": { text: "A job was cancelled", since, data: ended },
} as const;
