import { z } from "zod";

/** Headers of an order that may be repeated. */
export const idempotencyHeaders = z.looseObject({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, "1 to 200 visible characters")
    .optional()
    .describe("Makes repeating this request safe"),
});
