import { z } from "zod";

/** Upper- or lower-case hexadecimal octets. */
export const hexText = z.string().regex(/^([0-9a-fA-F]{2})*$/, "hexadecimal octets");

/** A page of results; `cursor` of the answer goes into the next request. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(100).optional(),
});

/** Something on the way that people named by id, EID, ICCID, MSISDN or name. */
export const referenceParams = z.object({ ref: z.string().min(1).max(512) });

export const commandResultShape = z.object({ data: z.string(), sw: z.string() });

export const jobShape = z.object({
  id: z.string(),
  seq: z.number().int(),
  target: z.string(),
  state: z.enum(["queued", "running", "waiting", "done", "failed", "expired", "cancelled"]),
  lane: z.enum(["system", "normal"]),
  work: z.record(z.string(), z.unknown()),
  request: z.record(z.string(), z.unknown()),
  origin: z.object({ face: z.string(), client: z.string().optional(), reference: z.string().optional() }),
  chosen: z.object({ bearer: z.enum(["https", "envelope", "sms"]), link: z.string(), why: z.string() }).optional(),
  attempts: z.number().int(),
  notBefore: z.number(),
  validUntil: z.number(),
  result: z
    .object({
      por: z.object({ status: z.number().int(), name: z.string(), authenticated: z.boolean() }).optional(),
      data: z.string().optional(),
      commands: z.array(commandResultShape),
      executed: z.number().int().optional(),
      answer: z.unknown().optional(),
      scriptStatus: z.string().optional(),
    })
    .optional(),
  error: z.object({ code: z.string(), message: z.string(), detail: z.record(z.string(), z.unknown()) }).optional(),
  note: z.string().optional(),
  createdAt: z.number(),
  startedAt: z.number().optional(),
  endedAt: z.number().optional(),
});

export const packetShape = z.object({
  id: z.string(),
  tar: z.string().optional(),
  cntr: z.number().optional(),
  spi: z.string().optional(),
  kic: z.string().optional(),
  kid: z.string().optional(),
  userData: z.array(z.string()),
  state: z.string(),
  link: z.string().optional(),
  transmissions: z.number().int(),
  response: z.array(z.string()).optional(),
  createdAt: z.number(),
  sentAt: z.number().optional(),
  answeredAt: z.number().optional(),
});

export const keySetShape = z.object({
  id: z.string(),
  type: z.string(),
  kvn: z.number().int(),
  tars: z.array(z.string()),
  algorithm: z.string(),
  ccLength: z.number().int(),
  cntr: z.number(),
  pskIdentity: z.string().optional(),
});

export const esimProfileShape = z.object({
  aid: z.string(),
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
});

export const targetShape = z.object({
  id: z.string(),
  kind: z.enum(["euicc", "uicc"]),
  name: z.string().optional(),
  eid: z.string().optional(),
  iccid: z.string().optional(),
  imsi: z.string().optional(),
  msisdn: z.string().optional(),
  tags: z.array(z.string()),
  esimProfiles: z.array(esimProfileShape),
  reach: z.record(z.string(), z.unknown()),
  settings: z.record(z.string(), z.unknown()),
  version: z.number().int(),
  createdAt: z.number(),
  updatedAt: z.number(),
});

export const notificationShape = z.object({
  id: z.string(),
  seq: z.number().int(),
  target: z.string().optional(),
  eid: z.string(),
  type: z.number().int(),
  text: z.string(),
  sequence: z.string(),
  aid: z.string().optional(),
  imei: z.string().optional(),
  via: z.enum(["sms", "https"]),
  link: z.string(),
  verified: z.boolean(),
  copies: z.number().int(),
  confirmation: z.string(),
  confirmJob: z.string().optional(),
  raw: z.string(),
  firstAt: z.number(),
  lastAt: z.number(),
  confirmedAt: z.number().optional(),
});

export const linkShape = z.object({
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
    })
    .optional(),
  target: z.string().optional(),
  facts: z.record(z.string(), z.unknown()),
});

/** Answers every error may give. */
export const problemShape = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  facts: z.record(z.string(), z.unknown()).optional(),
});

/** The problem answers of a route, for its response schema. */
export const problems = { "4xx": problemShape, "5xx": problemShape } as const;
