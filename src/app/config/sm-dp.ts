import { z } from "zod";
import { SecretReference } from "./secret-reference.ts";

/** Credentials of an SM-DP, for downloads of profile packages. */
export const SmDpConfig = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9._-]{1,60}$/, "must be 1 to 60 letters, digits, dots, dashes or underscores"),
  /** File with the certificate of the SM-DP (7F21): octets, or hexadecimal text. */
  certificate: z.string().min(1),
  /** Its private key: PEM, or PEM sealed with the master key (`otagate sm-dp seal`). */
  key: SecretReference,
  /** File with the certificate of the CI, PEM or DER. */
  ci: z.string().min(1).optional(),
  /** Files with certificates of manufacturers whose cards trust the CI, PEM or DER. */
  eums: z.array(z.string().min(1)).default([]),
});
export type SmDpConfig = z.infer<typeof SmDpConfig>;
