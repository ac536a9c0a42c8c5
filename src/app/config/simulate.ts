import { z } from "zod";
import { noneTwice } from "./checks.ts";

/** Simulated hardware inside the daemon. */
export const SimulateConfig = z.strictObject({
  /** State files of simulated eUICCs, one reader each; created if missing. */
  euiccs: z.array(z.string()).superRefine(noneTwice).default([]),
});
