import { z } from "zod";
import { knownScheme } from "./checks.ts";
import { SecretReference } from "./secret-reference.ts";

/** One account at an operator's SMSC; beside these, everything docs/smpp.md lists. */
export const SmscAccountConfig = z.looseObject({
  /** Link id; `smsc:` and a name by default. */
  name: z.string().min(1).max(60),
  /** `smpp://[system_id@]host[:port]` or `smpps://…`; options as a query or beside it. */
  address: z
    .string()
    .regex(/^[a-z][a-z0-9+.-]*:./, "smpp://host:port or smpps://host:port")
    .superRefine(knownScheme),
  password: SecretReference.optional(),
});
