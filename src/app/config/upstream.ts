import { z } from "zod";
import { SecretReference } from "./secret-reference.ts";

const url = z
  .url({ protocol: /^https?$/ })
  .refine(
    (text) => !URL.canParse(text) || (new URL(text).username === "" && new URL(text).hash === ""),
    "must not contain credentials or a fragment",
  );
const milliseconds = (fallback: number, least: number, most: number) =>
  z.number().int().min(least).max(most).default(fallback);

/** One upstream SM-SR, and its uses. */
export const UpstreamConfig = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "must be lower-case letters, digits and dashes"),
    /** Signs events (Standard Webhooks 1.0): at least 24 octets. */
    secret: SecretReference.optional(),
    /** Sent with every request as a bearer token. */
    token: SecretReference.optional(),
    /** PEM files: client certificate and key for mutual TLS, and the CA of the upstream's certificate. */
    tls: z
      .strictObject({
        cert: z.string().optional(),
        key: z.string().optional(),
        ca: z.string().optional(),
        serverName: z.string().optional(),
      })
      .optional(),
    /** Events are posted here. */
    webhook: z.strictObject({ url, concurrency: z.number().int().min(1).max(64).default(8) }).optional(),
    /** Work is fetched from `url`/work and events are posted to `url`/results, over one outgoing connection. */
    pull: z.strictObject({ url, waitSeconds: z.number().int().min(1).max(120).default(25) }).optional(),
    /** Events that it receives. */
    events: z
      .array(z.string().regex(/^[a-z][a-z.-]*\*?$|^\*$/, "must be an event type, `job.*` or `*`"))
      .min(1)
      .default(["*"]),
    /** Sessions of these targets are served by the SM-SR's own Amendment B endpoint. */
    proxy: z
      .strictObject({
        url,
        /**
         * `all`; `unknown`: cards without a target here; otherwise targets with one of these tags, and unknown cards.
         */
        targets: z.union([z.enum(["all", "unknown"]), z.array(z.string().min(1)).min(1)]).default("unknown"),
        timeoutMs: milliseconds(60_000, 1000, 600_000),
        maxOctets: z.number().int().min(1024).max(16_777_216).default(1_048_576),
      })
      .optional(),
    /** PSKs of identities that the gateway does not have. */
    keys: z
      .strictObject({
        url,
        timeoutMs: milliseconds(3000, 100, 9000),
        keepMs: milliseconds(60_000, 0, 3_600_000),
        unknownMs: milliseconds(10_000, 0, 3_600_000),
      })
      .optional(),
    timeoutMs: milliseconds(15_000, 500, 300_000),
    firstRetryMs: milliseconds(1000, 10, 60_000),
    maxRetryMs: milliseconds(300_000, 10, 3_600_000),
    /** Number of refusals after which an event is abandoned; failures without an answer do not count. */
    maxAttempts: z.number().int().min(1).max(100_000).default(300),
  })
  .superRefine((upstream, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (upstream.webhook !== undefined && upstream.pull !== undefined)
      refuse("pull", "cannot be combined with webhook");
    if ((upstream.tls?.cert === undefined) !== (upstream.tls?.key === undefined))
      refuse("tls", "cert and key must be given together");
  });
export type UpstreamConfig = z.infer<typeof UpstreamConfig>;
