import { z } from "zod";
import { knownScheme } from "./checks.ts";
import { SecretReference } from "./secret-reference.ts";

/** One account at an operator's SMSC; further fields are the options in docs/smpp.md. */
export const SmscAccountConfig = z.looseObject({
  /** Link id; `smsc:` and a name by default. */
  name: z.string().min(1).max(60),
  /** `smpp://[system_id@]host[:port]` or `smpps://…`; options as a query or as fields. */
  address: z
    .string()
    .regex(/^[a-z][a-z0-9+.-]*:./, "must be smpp://host:port or smpps://host:port")
    .superRefine(knownScheme),
  password: SecretReference.optional(),
});
