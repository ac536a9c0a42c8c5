import { z } from "zod";
import { octetsOf } from "../../base/octet-text.ts";
import type { Target } from "../model/target.ts";

/** The facts of a stored EIS that a download depends on; a fact in another form counts as absent. SGP.02 Annex E */
const StoredFacts = z.looseObject({
  ecasd: z
    .looseObject({ certificate: octetsOf(z.string().regex(/^7F21([0-9a-fA-F]{2})+$/i)) })
    .optional()
    .catch(undefined),
  capabilities: z
    .looseObject({ HttpSupport: z.union([z.boolean(), z.string()]).optional() })
    .optional()
    .catch(undefined),
  remainingMemory: z.number().optional().catch(undefined),
  additionalProperties: z.looseObject({ profilePackageVersion: z.string().optional() }).optional().catch(undefined),
});

/** What the stored EIS of a target states. */
export function storedFacts({ eis }: Target): z.output<typeof StoredFacts> {
  const read = StoredFacts.safeParse(eis ?? {});
  return read.success ? read.data : {};
}
