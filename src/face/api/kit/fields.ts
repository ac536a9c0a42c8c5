import { z } from "zod";

/** Upper- or lower-case hexadecimal octets. */
export const hexText = z.string().regex(/^([0-9a-fA-F]{2})*$/, "must be hexadecimal octets");

/** A target in a path, by id, EID, ICCID, MSISDN or name. */
export const referenceParams = z.object({
  ref: z.string().min(1).max(512).describe("Id, EID, ICCID, IMSI, MSISDN or name of the target"),
});

/** An id in a path. */
export const idParams = z.object({ id: z.string().min(1).max(512) });

/** A target to look for in a list. */
export const targetFilter = z.string().min(1).max(512).optional().describe("Only of this target (any of its names)");

/** A moment, milliseconds since 1970. */
export const moment = z.number().describe("Milliseconds since 1970");
/** Octets of an answer. */
export const octets = z.string().describe("Octets in hexadecimal");
/** Facts whose names depend on their subject. */
export const facts = z.record(z.string(), z.unknown());

/** A list in an answer. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.array(item).readonly();
}

/** A whole number in a query, as text or as a number. */
function wholeNumber() {
  return z.coerce.number<string | number>().int();
}

const limit = wholeNumber()
  .min(1)
  .max(1000)
  .default(100)
  .describe("Maximum number of items in a page; a page of large items ends earlier, with a cursor");

/** Query of a list that is ordered by position; `cursor` of an answer goes into the next request. */
export const seqPage = z.strictObject({
  limit,
  cursor: z
    .string()
    .regex(/^[1-9][0-9]{0,14}$/, "must be the cursor of a page of this list")
    .transform(Number)
    .optional()
    .describe("`cursor` of the previous page"),
});

/** Query of a list that is ordered by id. */
export const idPage = z.strictObject({
  limit,
  cursor: z
    .string()
    .regex(/^[a-z]{2,8}_[0-9a-z]{26}$/, "must be the cursor of a page of this list")
    .optional()
    .describe("`cursor` of the previous page"),
});

/** Answer of a list: `cursor` is there when more may follow. */
export function pageShape<T extends z.ZodType>(item: T) {
  return z.object({ items: listOf(item), cursor: z.string().optional().describe("Cursor of the next page") });
}

/** Query of a resource whose answer can be held until it has ended. */
export const waitQuery = z.strictObject({
  wait: wholeNumber().min(0).max(60_000).default(0).describe("Maximum milliseconds to wait for its end"),
});

/** Headers of an order that may be repeated. */
export const idempotencyHeaders = z.looseObject({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, "must be 1 to 200 visible characters")
    .optional()
    .describe("Makes repeating this request safe"),
});

/** Headers of a change that may require a version. */
export const ifMatchHeaders = z.looseObject({
  "if-match": z
    .string()
    .max(1000)
    .optional()
    .describe("ETag that the resource must still have; a list, or `*` for any"),
});
