import { z } from "zod";
import { isAddressRule } from "../../face/smpp/password.ts";
import { smscFaceOptions } from "../../face/smpp/server.ts";
import { uniqueBy, wholeNetwork } from "./checks.ts";

const count = (max: number) => z.number().int().min(1).max(max);

/** Limits for clients of the SMSC face, most of them for unbound connections. */
const SmppFaceLimits = z.strictObject({
  /** Maximum number of connections. */
  maxConnections: count(100_000).default(smscFaceOptions.maxConnections),
  /** From one address; IPv6: from one /64 network. */
  maxConnectionsPerAddress: count(100_000).default(smscFaceOptions.maxConnectionsPerAddress),
  /** Connections that are not bound yet; TLS handshakes count. */
  maxUnbound: count(10_000).default(smscFaceOptions.maxUnbound),
  maxUnboundPerAddress: count(10_000).default(smscFaceOptions.maxUnboundPerAddress),
  /** How long a connection may stay without a bind. */
  bindMs: z.number().int().min(100).max(600_000).default(30_000),
  /** PDUs without a bind, and malformed PDUs, after which a connection is closed; one forgiven per 5 s. */
  maxUnboundPdus: count(10_000).default(smscFaceOptions.maxUnboundPdus),
  maxFaults: count(10_000).default(smscFaceOptions.maxFaults),
  /** Refused binds after which a connection is closed. */
  maxBindTries: count(1_000).default(smscFaceOptions.maxBindTries),
  /** Passwords checked at once, and waiting to be. */
  maxVerifications: count(16).default(1),
  maxVerificationQueue: z.number().int().min(0).max(1_000).default(16),
  /** Delay of the answer to a refused bind; doubled with each refusal of one address in a row. */
  failureDelayMs: z.number().int().min(0).max(600_000).default(1_000),
  maxFailureDelayMs: z.number().int().min(0).max(600_000).default(20_000),
});

/** The SMSC that other platforms bind to. */
export const SmppFaceConfig = z.strictObject({
  enabled: z.boolean().default(false),
  host: z.string().default("127.0.0.1"),
  port: z.number().int().min(0).max(65535).default(2775),
  systemId: z.string().max(15).default("otagate"),
  tls: z.strictObject({ cert: z.string(), key: z.string(), ca: z.string().optional() }).optional(),
  /** Validity of a message whose client gives none. */
  validityMs: z
    .number()
    .int()
    .min(1_000)
    .default(24 * 3_600_000),
  /** How long a segment waits for the others of its message before it is sent without them. */
  segmentWaitMs: z.number().int().min(0).max(3_600_000).default(10_000),
  /** How long a network may still report the outcome of a message after its validity, or if it is unknown. */
  graceMs: z
    .number()
    .int()
    .min(0)
    .default(10 * 60_000),
  /** Maximum time until a submit in transaction mode is answered. */
  transactionMs: z.number().int().min(0).max(600_000).default(30_000),
  limits: SmppFaceLimits.prefault({}),
  clients: z
    .array(
      z.strictObject({
        systemId: z.string().min(1).max(64),
        /** `otagate smsc hash-password` makes it. */
        passwordHash: z
          .string()
          .regex(/^scrypt:[A-Za-z0-9+/]+=*:[A-Za-z0-9+/]+=*$/, "must be the output of `otagate smsc hash-password`"),
        allow: z
          .array(
            z
              .string()
              .refine(isAddressRule, "must be an address or a network, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32")
              .superRefine(wholeNetwork),
          )
          .optional(),
        maxBinds: z.number().int().min(1).max(100).default(4),
        window: z.number().int().min(1).max(10_000).default(100),
        rate: z.number().positive().optional(),
        deliverAs: z.enum(["deliver_sm", "data_sm"]).default("deliver_sm"),
      }),
    )
    .superRefine(uniqueBy("systemId"))
    .default([]),
});
