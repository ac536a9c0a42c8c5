import { z } from "zod";

/** A counter of at most five octets in hexadecimal, as a number. ETSI TS 102 225 §5.1 */
export const counterText = z
  .string()
  .regex(/^[0-9a-fA-F]{1,10}$/, "must be a counter of at most five octets")
  .transform((text) => Number.parseInt(text, 16));
