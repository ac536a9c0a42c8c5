import { z } from "zod";

const chance = z.number().min(0).max(1);
const milliseconds = z.int().min(0);

/** What data_coding turns into on the way to the phone: a TP-DCS, a refusal, or text packed so that binary is lost. */
const Mapping = z.union([z.int().min(0).max(255), z.literal("refuse"), z.literal("destroy")]);

/** How a simulated SMSC behaves; all faults are off. */
export const SmscBehaviour = z.strictObject({
  systemId: z.string().max(15).default("SIMSMSC"),
  /** Accounts; without any, every bind is granted. */
  accounts: z.array(z.strictObject({ systemId: z.string(), password: z.string() })).default([]),
  maxBinds: z.int().min(1).default(10),
  /** Delay of each response. */
  latencyMs: milliseconds.default(0),
  /** Delay from the response to the phone. */
  deliveryMs: milliseconds.default(0),
  /** Submits per second and session before ESME_RTHROTTLED; 0 = no limit. */
  throttleAbove: z.int().min(0).default(0),
  receiptDelayMs: milliseconds.default(0),
  /** Receipts carry parameters beside the text. */
  receiptTlvs: z.boolean().default(true),
  receiptStyle: z.enum(["standard", "short", "columns", "letters"]).default("standard"),
  /** Receipts go out before the response. */
  receiptFirst: z.boolean().default(false),
  deliverAs: z.enum(["deliver_sm", "data_sm"]).default("deliver_sm"),
  /** Ids in response and receipt. */
  ids: z.enum(["decimal", "hex", "resp-hex", "dlr-hex", "padded", "uuid", "constant", "empty"]).default("decimal"),
  /** Share of submits that vanish without a response. */
  loss: chance.default(0),
  /** Share of submits that are taken, but whose response vanishes. */
  responseLoss: chance.default(0),
  /** Share of deliveries that come twice. */
  duplicates: chance.default(0),
  /** Share of deliveries and receipts that are overtaken by the next one. */
  reorder: chance.default(0),
  /** data_coding (decimal, as text) to what the phone gets; what is not listed passes unchanged. */
  dataCodings: z.record(z.string().regex(/^\d{1,3}$/), Mapping).default({}),
  /** Responses in pieces of one octet, as the worst networks do. */
  dribble: z.boolean().default(false),
  /** First sequence number of the SMSC's own requests. */
  firstSequence: z.int().min(0).max(0xffffffff).default(1),
});
export type SmscBehaviour = z.infer<typeof SmscBehaviour>;
