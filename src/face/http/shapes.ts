import { z } from "zod";
import { scopes } from "../../gateway/model/api-token.ts";

/** Upper- or lower-case hexadecimal octets. */
export const hexText = z.string().regex(/^([0-9a-fA-F]{2})*$/, "hexadecimal octets");

/** Something that people name by id, EID, ICCID, MSISDN or name. */
export const referenceParams = z.object({
  ref: z.string().min(1).max(512).describe("Id, EID, ICCID, IMSI, MSISDN or name of the target"),
});

/** An id in a path. */
export const idParams = z.object({ id: z.string().min(1).max(512) });

/** A target to look for in a list. */
export const targetFilter = z.string().min(1).max(512).optional().describe("Only of this target, by any of its names");

export const moment = z.number().describe("Milliseconds since 1970");
const octets = z.string().describe("Octets in hexadecimal");
const facts = z.record(z.string(), z.unknown());

export const commandResultShape = z.object({
  data: octets.describe("Response data in hexadecimal"),
  sw: z.string().describe("Status word, four hexadecimal digits"),
});

const jobResultShape = z
  .object({
    por: z
      .object({ status: z.number().int(), name: z.string(), authenticated: z.boolean() })
      .optional()
      .describe("Proof of receipt (TS 102 225 §5.2); status 0 is ok"),
    data: octets.optional().describe("What came back, octet for octet as it came"),
    commands: z.array(commandResultShape).describe("R-APDUs, in the order of the commands"),
    executed: z.number().int().optional().describe("Commands that the card says it executed"),
    answer: z.unknown().optional(),
    scriptStatus: z.string().optional().describe("X-Admin-Script-Status of an SCP81 session"),
    note: z.string().optional().describe("What the card did not say, in words"),
  })
  .meta({ id: "JobResult", description: "What came back from the card" });

/** Whether the card carried the work of a failed job out. */
export const executedShape = z
  .union([z.boolean(), z.enum(["partly", "unknown"])])
  .describe(
    "Whether the card carried it out: true = all of it, false = none of it, partly = the first `executedCommands` " +
      "commands, unknown = it may have reached the card and nothing proves what it did",
  );

const failureFacts = z.looseObject({
  executed: executedShape,
  executedCommands: z.number().int().optional().describe("Commands carried out, from the first on; with `partly`"),
  command: z.number().int().optional().describe("The command that failed, counted from 1"),
  function: z.string().optional().describe("What that command is, if it is known"),
  sw: z.string().optional().describe("Its status word, four hexadecimal digits"),
  meaning: z.string().optional().describe("What the status word means"),
});

/** Why a job, or a target of a campaign, did not end well. */
export const failureShape = z
  .object({ code: z.string(), message: z.string(), detail: failureFacts })
  .meta({ id: "JobFailure", description: "Why it did not end `done`" });

const jobFields = z.object({
  id: z.string(),
  seq: z.number().int().describe("Order of acceptance"),
  target: z.string().describe("Id of the target"),
  state: z
    .enum(["queued", "running", "waiting", "done", "failed", "expired", "cancelled"])
    .describe("The last four are final"),
  lane: z.enum(["system", "normal"]),
  work: facts.describe(
    "What is done: kind and octets, as ordered; ES5 functions as the commands they became. Keys, PINs, profile packages in clear and logins in them are zeros, and `hidden` says so",
  ),
  request: facts.describe("How it is done"),
  origin: z.object({ face: z.string(), client: z.string().optional(), reference: z.string().optional() }),
  chosen: z
    .object({ bearer: z.enum(["https", "envelope", "sms"]), link: z.string(), why: z.string() })
    .optional()
    .describe("What carries it, and why"),
  attempts: z
    .number()
    .int()
    .describe("Tries so far; counted anew when nothing of it left and a session is to carry it"),
  notBefore: moment,
  validUntil: moment,
  result: jobResultShape.optional(),
  error: failureShape.optional(),
  note: z.string().optional().describe("Last passing trouble, for people"),
  warnings: z.array(z.string()).optional().describe("What the EIS said against it when it was accepted"),
  createdAt: moment,
  startedAt: moment.optional(),
  endedAt: moment.optional(),
});

/** A job as it is stored. */
export const jobShape = jobFields.meta({ id: "Job", description: "A script on its way to one security domain" });

/** The states of a job. */
export const jobState = jobFields.shape.state;

export const packetShape = z
  .object({
    id: z.string(),
    tar: z.string().optional(),
    cntr: z.number().optional().describe("Counter; never used for another packet"),
    spi: z.string().optional(),
    kic: z.string().optional().describe("KIc octet: which key, not the key"),
    kid: z.string().optional().describe("KID octet: which key, not the key"),
    userData: z.array(octets).describe("TP-UD of each short message, as sent"),
    state: z.string(),
    link: z.string().optional(),
    transmissions: z.number().int(),
    response: z.array(octets).optional().describe("TP-UD of each short message of the answer, as received"),
    createdAt: moment,
    sentAt: moment.optional(),
    answeredAt: moment.optional(),
  })
  .meta({ id: "Packet", description: "A TS 102 225 command packet and what answered it" });

/** A job with what belongs to it. */
export const jobDetailShape = z
  .object({
    ...jobFields.shape,
    packets: z.array(packetShape),
    decoded: z.array(facts).describe("Commands that the card answered, named and decoded"),
    procedure: facts.optional().describe("The profile switch it started: accepted, switched, confirmed, rolled-back"),
  })
  .meta({ id: "JobDetail", description: "A job with its packets and the meaning of what the card answered" });

export const keySetShape = z
  .object({
    id: z.string(),
    type: z.string(),
    kvn: z.number().int().describe("Key version number"),
    tars: z.array(z.string()).describe("TARs it serves; none = the ISD-R and its ISD-Ps"),
    algorithm: z.string(),
    ccLength: z.number().int(),
    cntr: z.number().describe("Last counter handed out"),
    pskIdentity: z.string().optional(),
  })
  .meta({ id: "KeySet", description: "A key set without its keys: they are written and never read" });

export const esimProfileShape = z
  .object({
    aid: z.string().describe("ISD-P AID"),
    iccid: z.string().optional(),
    imsi: z.string().optional(),
    msisdn: z.string().optional(),
    state: z.enum(["created", "disabled", "enabled"]),
    fallback: z.boolean(),
    mnoId: z.string().optional(),
    smdpId: z.string().optional(),
    profileType: z.string().optional(),
    allocatedMemory: z.number().optional(),
    freeMemory: z.number().optional(),
    pol1: z.number().optional(),
    pol2: z.array(z.object({ action: z.string(), qualification: z.string() })).optional(),
  })
  .meta({ id: "EsimProfile", description: "A profile of an eUICC" });

const targetFields = z.object({
  id: z.string(),
  kind: z.enum(["euicc", "uicc"]),
  name: z.string().optional(),
  eid: z.string().optional(),
  iccid: z.string().optional(),
  imsi: z.string().optional(),
  msisdn: z.string().optional(),
  tags: z.array(z.string()),
  esimProfiles: z.array(esimProfileShape),
  reach: facts.describe("Links that reach it, where that is fixed"),
  settings: facts.describe("How to talk to it, where that differs from the defaults"),
  version: z.number().int().describe("Grows with each change; the ETag"),
  createdAt: moment,
  updatedAt: moment,
});

export const targetShape = targetFields.meta({ id: "Target", description: "An eUICC or UICC that is addressed" });

/** A target with its key sets. */
export const targetDetailShape = z
  .object({ ...targetFields.shape, keySets: z.array(keySetShape) })
  .meta({ id: "TargetDetail", description: "A target with its key sets" });

export const notificationShape = z
  .object({
    id: z.string(),
    seq: z.number().int(),
    target: z.string().optional(),
    eid: z.string(),
    type: z.number().int().describe("1 first network, 2 profile change succeeded, 3 rolled back, 5 fall-back"),
    text: z.string(),
    sequence: z.string().describe("Notification sequence number, four hexadecimal digits"),
    aid: z.string().optional().describe("ISD-P that is enabled now"),
    imei: z.string().optional(),
    via: z.enum(["sms", "https"]),
    link: z.string(),
    verified: z
      .boolean()
      .describe(
        "Its CC, the PSK of its session or the reader that holds the card proves the card that it names; otherwise it changes nothing",
      ),
    copies: z.number().int(),
    confirmation: z.string(),
    confirmJob: z.string().optional(),
    raw: octets.describe("The notification TLV as it came"),
    firstAt: moment,
    lastAt: moment,
    confirmedAt: moment.optional(),
  })
  .meta({ id: "Notification", description: "What an eUICC reported, once however often it did (SGP.02 §4.1.1.11)" });

export const linkShape = z
  .object({
    id: z.string(),
    kind: z.enum(["reader", "modem", "smsc"]),
    up: z.boolean(),
    reason: z.string().optional(),
    card: z
      .object({
        atr: z.string().optional(),
        eid: z.string().optional(),
        iccid: z.string().optional(),
        imsi: z.string().optional(),
        generation: z.literal("2G").optional().describe("A SIM of before the UICC: it knows class A0 only"),
      })
      .optional(),
    target: z.string().optional(),
    lease: z.object({ client: z.string(), expiresAt: moment }).optional().describe("Who has the card for himself"),
    facts,
  })
  .meta({ id: "Link", description: "A reader, a modem or an SMSC account" });

export const leaseShape = z
  .object({
    id: z.string(),
    link: z.string(),
    client: z.string(),
    idleMs: z.number().int().describe("It ends when the card was idle for so long"),
    openedAt: moment,
    expiresAt: moment,
  })
  .meta({ id: "Lease", description: "Exclusive use of the card behind a link" });

export const eventShape = z
  .object({
    seq: z.number().int().describe("Position in the log; the id of the event stream"),
    at: moment,
    type: z.string(),
    target: z.string().optional(),
    job: z.string().optional(),
    data: facts,
  })
  .meta({ id: "Event", description: "Something that happened: durable, numbered, in order" });

export const tokenShape = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(scopes)),
    createdAt: moment,
    expiresAt: moment.optional(),
    lastUsedAt: moment.optional(),
    revokedAt: moment.optional(),
  })
  .meta({ id: "Token", description: "An API token, without the token" });

export const auditShape = z
  .object({
    seq: z.number().int(),
    at: moment,
    client: z.string().optional(),
    how: z.enum(["socket", "token", "certificate", "upstream"]).optional(),
    remote: z.string().optional(),
    operation: z.string(),
    method: z.string(),
    path: z.string(),
    status: z.number().int().optional().describe("Absent when the daemon died before it answered"),
    error: z.string().optional(),
  })
  .meta({ id: "AuditEntry", description: "Who asked for what, and what became of it" });

export const deadLetterShape = z
  .object({
    id: z.string(),
    seq: z.number().int(),
    type: z.string(),
    target: z.string().optional(),
    attempts: z.number().int(),
    error: z.string().optional(),
    createdAt: moment,
    deadAt: moment.optional(),
    event: facts.describe("The CloudEvent that was not taken"),
  })
  .meta({ id: "DeadLetter", description: "An event that an upstream did not take" });

export const upstreamShape = z
  .object({
    name: z.string(),
    webhook: z.boolean(),
    pull: z.boolean(),
    proxy: z.boolean(),
    keyLookup: z.boolean(),
    queued: z.number().int(),
    dead: z.number().int(),
    delivered: z.number().int(),
    failures: z.number().int(),
    lastError: z.string().optional(),
    lastSuccessAt: moment.optional(),
  })
  .meta({ id: "Upstream", description: "An SM-SR above this gateway, and how it does" });

/** Answers every error may give. */
export const problemShape = z
  .object({
    type: z.string().describe("Stable code, `family.name`"),
    title: z.string().describe("What the code means"),
    status: z.number().int(),
    detail: z.string().describe("What it is about here; begins with the field"),
    facts: facts.optional().describe("Facts for programs: `field`, `in`, `sw`, `executed` …"),
  })
  .describe("A refusal (RFC 9457)");

/** The problem answers of a route, for its response schema. */
export const problems = { "4xx": problemShape, "5xx": problemShape } as const;
