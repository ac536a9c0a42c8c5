import { z } from "zod";
import { noneTwice } from "./checks.ts";

/** Simulated hardware inside the daemon. */
export const SimulateConfig = z.strictObject({
  /** State files of simulated eUICCs, one reader each; created if missing. */
  euiccs: z.array(z.string()).superRefine(noneTwice).default([]),
  /** Faults of these cards from the start, in the notation of `sim euicc --misbehave`. */
  misbehave: z.string().optional(),
  /** Local socket for control lines of these cards. */
  control: z.string().min(1).optional(),
});
