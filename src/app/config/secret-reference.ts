import { z } from "zod";

/** Where secrets come from: `file:PATH`, `env:NAME` or `credential:NAME` (systemd). Never the secret itself. */
export const SecretReference = z
  .string()
  .regex(/^(file|env|credential):.+/, "must be a reference such as file:/path, env:NAME or credential:NAME");
