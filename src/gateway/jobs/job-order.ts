import { createHash } from "node:crypto";
import { z } from "zod";
import { withoutUndefined } from "../../base/defined.ts";
import { octetsOf, octetText } from "../../base/octet-text.ts";
import { isdRTar } from "../../codec/euicc/aid.ts";
import { aidText, tarText } from "../../codec/euicc/identity-shapes.ts";
import { spiText } from "../../codec/ota/spi-text.ts";
import type { JobOrigin } from "../model/job.ts";
import type { NewJob } from "../model/new-job.ts";
import { es5Params, es5ParamsSchema } from "../scripts/es5-params.ts";

const upper = (text: string) => text.toUpperCase();
const octets = z.string().regex(/^([0-9a-fA-F]{2})+$/, "must be hexadecimal octets");
const tar = tarText.describe("Toolkit application reference, three octets; 000001 is the ISD-R");
const aid = aidText.describe("Application that receives the script; default: the application of the TAR");

/** Longest duration of a job or a wait, in milliseconds. */
export const validity = z
  .number()
  .int()
  .positive()
  .max(30 * 86_400_000);

/** What a job is to do on the card. */
const Work = z
  .discriminatedUnion("kind", [
    z
      .strictObject({
        kind: z.literal("es5"),
        function: z
          .string()
          .min(1)
          .max(64)
          .meta({ description: "Name of an ES5 function", enum: Object.keys(es5Params) }),
        params: z
          .record(z.string(), z.unknown())
          .optional()
          .describe("Parameters; select profiles by `iccid` or by `aid` (`isdP` is the same)"),
      })
      .meta({
        description: "An ES5 function of SGP.02 by name; the gateway builds the commands",
        // Made when the API is described, so that the daemon starts faster.
        get allOf() {
          return es5ParamsSchema().allOf;
        },
      }),
    z
      .strictObject({
        kind: z.literal("script"),
        tar: tar.prefault(isdRTar),
        aid: aid.optional(),
        apdus: z
          .array(octetsOf(octets.min(8, "must have at least 4 octets").max(131_072, "must have at most 65536 octets")))
          .min(1)
          .max(1000)
          .describe("C-APDUs in order"),
        format: z.enum(["expanded-definite", "expanded-indefinite", "compact"]).optional(),
      })
      .describe("C-APDUs; the gateway builds the script from them (TS 102 226 §5)"),
    z
      .strictObject({
        kind: z.literal("body"),
        tar: tar.prefault(isdRTar),
        aid: aid.optional(),
        body: octetsOf(octets.max(2_097_152, "must have at most 1048576 octets")).describe(
          "The script, sent to the card unchanged",
        ),
      })
      .describe("A complete script (22, AA, AE, 84, 85, 86 …), never re-encoded"),
    z
      .strictObject({
        kind: z.literal("packet"),
        userData: z
          .array(octetsOf(octets.min(6, "must have at least 3 octets").max(280, "must have at most 140 octets")))
          .min(1)
          .max(255)
          .describe("TP-UD of each short message, user data header included, sent unchanged"),
        userDataHeader: z.boolean().optional().describe("Whether the TP-UDs begin with a user data header (default)"),
        protocolId: z.number().int().min(0).max(255).default(0x7f),
        dataCoding: z.number().int().min(0).max(255).default(0xf6),
        from: z
          .string()
          .regex(/^\+?[0-9]{1,20}$/, "must be 1 to 20 digits, with or without +")
          .optional(),
        receipt: z.boolean().optional().describe("Request a status report from the network"),
      })
      .describe("A TS 102 225 command packet that the client secured with its own keys"),
  ])
  .meta({ id: "Work", description: "The work to be done on the card" });

/** How it is to be done. */
const Request = z
  .strictObject({
    bearer: z
      .enum(["auto", "https", "envelope", "sms", "short-message"])
      .optional()
      .describe("`short-message` selects envelope or sms"),
    link: z.string().min(1).max(512).optional().describe("Only over this link"),
    spi: spiText.optional(),
    kvn: z.number().int().min(1).max(15).optional().describe("SCP80 key set to use"),
    maxPackets: z.number().int().min(1).max(20).optional().describe("Fail after this number of counters"),
    answerTimeoutMs: z.number().int().positive().max(86_400_000).optional(),
    budgetMs: z
      .number()
      .int()
      .positive()
      .max(3_600_000)
      .optional()
      .describe("How long the card may work on the script (SCP81)"),
    fireAndForget: z.boolean().optional().describe("Done when the network has accepted it; no answer is expected"),
    onAnswerLost: z.enum(["fail", "repeat"]).optional(),
    secureChannel: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, "must be 1 to 100 letters, digits, dots, dashes or underscores")
      .optional()
      .describe("The client's SCP03 or SCP03t channel of the script; derived from the script when absent"),
    moreToCome: z.boolean().optional().describe("More scripts follow: keep the SCP81 session open for them"),
    oneByOne: z
      .boolean()
      .optional()
      .describe("SCP81: each command, and each SCP03t block (86), in a script of its own within the session"),
    tolerate: z
      .array(
        z
          .string()
          .regex(/^[0-9a-fA-F]{4}$/, "must be a status word: 4 hexadecimal digits")
          .transform(upper),
      )
      .max(20)
      .optional()
      .describe("Status words of the last command that count as success"),
    keepEis: z.boolean().optional().describe("Do not update the EIS from an audit in the script"),
    switchTimeoutMs: z
      .number()
      .int()
      .positive()
      .max(86_400_000)
      .optional()
      .describe("How long a profile switch may take until it counts as lapsed"),
  })
  .meta({ id: "JobRequest", description: "How the job is executed; every field has a default" });

/** A job as a client orders it over the API, or as an upstream hands it out. */
export const JobOrder = z
  .strictObject({
    target: z.string().min(1).max(512).describe("Id, EID, ICCID, IMSI, MSISDN or name"),
    work: Work,
    request: Request.optional(),
    validityMs: validity.optional().describe("Validity of the job; one day when absent"),
    reference: z.string().min(1).max(200).optional().describe("The client's own reference, repeated in every event"),
  })
  .meta({ id: "JobOrder", description: "A new job" });
export type JobOrder = z.infer<typeof JobOrder>;

/** The gateway's order made of a client's; `key` makes it idempotent among the orders of the same client. */
export function newJobOf(order: JobOrder, origin: Omit<JobOrigin, "reference">, key: string | undefined): NewJob {
  return {
    target: order.target,
    work: withoutUndefined(order.work),
    ...(order.request === undefined ? {} : { request: withoutUndefined(order.request) }),
    origin: { ...origin, ...withoutUndefined({ reference: order.reference }) },
    ...withoutUndefined({ validityMs: order.validityMs }),
    ...(key === undefined ? {} : idempotencyOf(order, origin.client, key)),
  };
}

/** The stored form of a client's key: unique among the keys of all clients, with a digest of the order. */
export function idempotencyOf(order: unknown, client: string | undefined, key: string) {
  return {
    idempotencyKey: keyAmongAll(client, key),
    idempotencyDigest: createHash("sha256").update(canonical(order)).digest("base64"),
  };
}

/** A client's name ends at the first blank: otherwise a name with a blank could be taken for another client's. */
function keyAmongAll(client: string | undefined, key: string): string {
  if (client !== undefined) return `${client.replaceAll(/[% ]/g, encodeURIComponent)} ${key}`;
  return key.includes(" ") ? ` ${key}` : key;
}

/** JSON with sorted keys, so that equal orders give equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(octetText(value), (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
