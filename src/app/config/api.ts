import { z } from "zod";
import { defaultStreamLimits } from "../../face/http/open-streams.ts";
import { scopes } from "../../gateway/model/api-token.ts";
import { isLoopback } from "../loopback.ts";

/** The `api` part of the configuration: the API over TCP, in addition to the control socket of the state folder. */
export const ApiConfig = z
  .strictObject({
    /** Loopback by default. */
    host: z.string().min(1).default("127.0.0.1"),
    /** Absent: the API is on the control socket only. 0 = any free port. */
    port: z.number().int().min(0).max(65535).optional(),
    tls: z.strictObject({ cert: z.string(), key: z.string() }).optional(),
    /** CA of client certificates; needs `tls`. */
    clientCa: z.string().optional(),
    /** Scopes of client certificates by attributes of the subject: `CN=smsr,O=Example`. */
    certificates: z
      .array(
        z.strictObject({
          subject: z
            .string()
            .regex(/^[A-Za-z]+=[^,]+(,\s*[A-Za-z]+=[^,]+)*$/, "must be attributes such as CN=smsr,O=Example"),
          scopes: z.array(z.enum(scopes)).min(1),
        }),
      )
      .default([]),
    /** Serves other machines without TLS: for use behind a proxy that terminates TLS. */
    allowPlain: z.boolean().default(false),
    /** Maximum number of open event streams and traces: of one client, and of all. */
    maxStreamsPerClient: z.number().int().min(1).max(10_000).default(defaultStreamLimits.maxPerClient),
    maxStreams: z.number().int().min(1).max(10_000).default(defaultStreamLimits.maxTotal),
  })
  .superRefine((api, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (api.port === undefined) return;
    if (api.tls === undefined && api.clientCa !== undefined) refuse("clientCa", "requires tls");
    if (api.clientCa === undefined && api.certificates.length > 0) refuse("certificates", "requires clientCa");
    if (api.tls === undefined && !api.allowPlain && !isLoopback(api.host))
      refuse("tls", "is required when other machines can reach the API (or set allowPlain: true)");
  });
export type ApiConfig = z.infer<typeof ApiConfig>;
