import { z } from "zod";

/** Where secrets come from: `file:PATH`, `env:NAME` or `credential:NAME` (systemd). Never the secret itself. */
export const SecretReference = z
  .string()
  .regex(/^(file|env|credential):.+/, "a reference like file:/path, env:NAME or credential:NAME");
