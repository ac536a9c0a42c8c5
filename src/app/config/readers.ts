import { z } from "zod";
import { defaultAddresses } from "../../../drivers/all.ts";
import { knownScheme } from "./checks.ts";

/** The `readers` part of the configuration. */
export const ReadersConfig = z.strictObject({
  enabled: z.boolean().default(true),
  /** Only readers whose name contains one of these; all when empty. */
  only: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
  /** Addresses that are searched for readers; options as a query. */
  addresses: z.array(z.string().superRefine(knownScheme)).default([...defaultAddresses.readers]),
  client: z.enum(["auto", "socket", "pcsclite"]).optional(),
  socket: z.string().optional(),
});
