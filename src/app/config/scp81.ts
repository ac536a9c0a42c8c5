import { isIP } from "node:net";
import { z } from "zod";
import { isHost, isNetwork } from "../../link/card/bip/network.ts";
import { defaultDialogSettings } from "../../link/scp81/dialogs.ts";
import { wholeNetwork } from "./checks.ts";
import { TriggerConfig } from "./trigger.ts";

const port = z.number().int().min(0).max(65535);
/** The destinations of a rule; an absent field matches any value. `host` may be a network: `192.0.2.0/24`. */
const destination = z.strictObject({
  protocol: z.enum(["tcp", "udp"]).optional(),
  host: z
    .string()
    .refine(isNetwork, "must be an IP address or a network such as 192.0.2.0/24")
    .superRefine(wholeNetwork)
    .optional(),
  port: port.optional(),
});
const ipAddress = z.string().refine((text) => isIP(text) !== 0, "must be an IP address");

/** The `scp81` part of the configuration. */
export const Scp81Config = z.strictObject({
  enabled: z.boolean().default(true),
  /** Loopback by default; cards in the field require a public address here. */
  host: z.string().default("127.0.0.1"),
  /**
   * 0 = any free port, which is sufficient for cards in readers: their connections end here, whatever port they
   * request.
   */
  port: port.default(0),
  tls13: z.boolean().default(false),
  /** Obsolete versions, for cards that support no others. */
  tls10: z.boolean().default(false),
  /** Suites without encryption, for analysis. */
  nullSuites: z.boolean().default(false),
  framing: z.enum(["chunked", "length"]).default("chunked"),
  uris: z
    .array(z.string().startsWith("/"))
    .min(1)
    .default([...defaultDialogSettings.initialUris]),
  scriptBudgetMs: z.number().int().min(18_000).default(defaultDialogSettings.scriptBudgetMs),
  holdOpenMs: z.number().int().min(0).max(600_000).default(60_000),
  /** SSLKEYLOGFILE for Wireshark: it allows sessions to be decrypted. For the lab only. */
  keyLog: z.string().optional(),
  trigger: TriggerConfig.default({}),
  /** Where cards in readers may connect to. */
  bip: z
    .strictObject({
      rewrite: z
        .array(
          z.strictObject({
            match: destination,
            to: z.union([
              z.literal("own"),
              z.strictObject({
                host: z.string().refine(isHost, "must be a host name or an IP address").optional(),
                port: port.optional(),
              }),
            ]),
          }),
        )
        .default([]),
      allow: z.array(destination).default([]),
      otherTcp: z.enum(["own", "refuse"]).default("own"),
      names: z.array(z.strictObject({ name: z.string().min(1), address: ipAddress })).default([]),
      /** Address of names without a record; `none`: they do not exist. */
      otherNames: z.union([z.literal("none"), ipAddress]).default("192.0.2.1"),
    })
    .prefault({}),
});
export type Scp81Config = z.infer<typeof Scp81Config>;
