import { z } from "zod";
import { failureInShort, first as since } from "./facts.ts";

const origin = z
  .object({
    face: z.enum(["cli", "api", "smpp", "system", "campaign", "download", "scenario", "upstream"]),
    client: z.string().optional(),
    reference: z.string().optional().describe("The client's own reference"),
  })
  .describe("Origin of the job");

const ended = z.object({
  origin,
  error: failureInShort.optional(),
  commands: z.number().int().optional().describe("Number of received R-APDUs"),
});

const answer = {
  link: z.string().describe("Link on which the answer arrived"),
  status: z.string().describe("Response status or script status, as text"),
};

const bearer = z.enum(["https", "envelope", "sms"]);

/** The life of a job. */
export const jobEvents = {
  "job.queued": {
    text: "A job was accepted",
    since,
    data: z.object({ origin, reason: z.string().optional().describe("Why the gateway created it") }),
  },
  "job.sending": {
    text: "A packet is stored and about to be sent, or a session sends a script",
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
    text: "No SCP81 session was opened in time: the job is sent by SMS",
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
    text: "A response without the required proof arrived; the job continues",
    clause: "ETSI TS 102 225 §5.2",
    since,
    data: z.object({ link: z.string().optional(), why: z.string() }),
  },
  "job.late-answer": {
    text: "The card answered a job that had ended",
    since,
    data: z.object({ ...answer, response: z.string().optional().describe("Octets that are not in any record") }),
  },
  "job.done": { text: "A job succeeded", since, data: ended },
  "job.failed": { text: "A job failed", since, data: ended },
  "job.expired": { text: "The validity period of a job ended first", since, data: ended },
  "job.cancelled": { text: "A job was cancelled", since, data: ended },
} as const;
