import { z } from "zod";

const digits = z.string().regex(/^\+?[0-9]{1,20}$/, "must be 1 to 20 digits, with or without +");
const durationMs = z.number().int().positive();

/** Settings of short messages to cards, and time limits for answers. */
export const SmsConfig = z.strictObject({
  originator: digits.default("447700900000"),
  serviceCentre: digits.default("447700900999"),
  answerTimeoutMs: durationMs.default(300_000),
  envelopeAnswerTimeoutMs: durationMs.default(60_000),
  retransmissions: z.number().int().min(0).max(10).default(2),
});
