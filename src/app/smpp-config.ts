import { z } from "zod";
import { SecretReference } from "./secret-reference.ts";

/** One account at an operator's SMSC; beside these, everything docs/smpp.md lists. */
export const SmscAccountConfig = z.looseObject({
  /** Link id; `smsc:` and a name by default. */
  name: z.string().min(1).max(60),
  /** `smpp://[system_id@]host[:port]` or `smpps://…`. */
  address: z.string().regex(/^smpps?:\/\/.+/, "smpp://host:port or smpps://host:port"),
  password: SecretReference.optional(),
});

/** The SMSC that other platforms bind to. */
export const SmppFaceConfig = z.strictObject({
  enabled: z.boolean().default(false),
  host: z.string().default("127.0.0.1"),
  port: z.number().int().min(0).max(65535).default(2775),
  systemId: z.string().max(15).default("otagate"),
  tls: z.strictObject({ cert: z.string(), key: z.string(), ca: z.string().optional() }).optional(),
  /** How long a message is kept whose client does not say. */
  validityMs: z
    .number()
    .int()
    .min(1_000)
    .default(24 * 3_600_000),
  /** How long a segment waits for the others of its message before it goes without them. */
  segmentWaitMs: z.number().int().min(0).max(3_600_000).default(10_000),
  /** How long a network below may still tell the fate of a message after its validity, or when it is unknown. */
  graceMs: z
    .number()
    .int()
    .min(0)
    .default(10 * 60_000),
  /** How long the answer to a submit in transaction mode is held back at most. */
  transactionMs: z.number().int().min(0).max(600_000).default(30_000),
  clients: z
    .array(
      z.strictObject({
        systemId: z.string().min(1).max(64),
        /** `otagate smsc hash-password` makes it. */
        passwordHash: z.string().startsWith("scrypt:"),
        allow: z.array(z.string()).optional(),
        maxBinds: z.number().int().min(1).max(100).default(4),
        window: z.number().int().min(1).max(10_000).default(100),
        rate: z.number().positive().optional(),
        deliverAs: z.enum(["deliver_sm", "data_sm"]).default("deliver_sm"),
      }),
    )
    .default([]),
});
